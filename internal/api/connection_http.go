package api

// HTTPConnection is the kind http.
type HTTPConnection struct {
	URL     string               `json:"url" pattern:"^https?://" doc:"The URL that the paths of requests are appended to." example:"https://api.example.com/v2"`
	Headers map[string]string    `json:"headers,omitempty" doc:"Headers to send with every request. Credentials do not go here but into 'basic', 'bearer', 'api_key' or 'oauth2', whose secrets are kept encrypted."`
	Basic   *BasicAuthentication `json:"basic,omitempty" doc:"HTTP basic authentication."`
	Bearer  *BearerToken         `json:"bearer,omitempty" doc:"Bearer token authentication."`
	APIKey  *APIKey              `json:"api_key,omitempty" doc:"A key in a header of its own."`
	OAuth2  *OAuth2              `json:"oauth2,omitempty" doc:"Tokens by OAuth 2.0 client credentials, renewed before they end."`
	TLS     *TLS                 `json:"tls,omitempty" doc:"TLS, for https URLs; a client certificate goes here."`
	Probe   *HTTPProbe           `json:"probe,omitempty" doc:"The request that a test of the connection sends. Without it, a test ends once the server can be reached."`
}

// HTTPProbe is the request of a test.
type HTTPProbe struct {
	Method string `json:"method,omitempty" enum:"GET,HEAD" default:"GET" doc:"The method: one that changes nothing."`
	Path   string `json:"path,omitempty" doc:"The path, appended to the URL." example:"/health"`
}

// APIKey is a key in a header.
type APIKey struct {
	Header string `json:"header,omitempty" default:"X-API-Key" pattern:"^[A-Za-z0-9!#$%&'*+.^_|~-]+$" doc:"The header that takes the key."`
	Key    string `json:"key" secret:"true" doc:"The key."`
}

// BasicAuthentication is HTTP basic authentication.
type BasicAuthentication struct {
	Username string `json:"username" minLength:"1" doc:"The user name or API key."`
	Password string `json:"password" secret:"true" doc:"The password or API secret."`
}

// BearerToken is HTTP bearer authentication.
type BearerToken struct {
	Token string `json:"token" secret:"true" doc:"The token."`
}

// OAuth2 is the client credentials grant of OAuth 2.0 (RFC 6749, section 4.4).
type OAuth2 struct {
	TokenEndpoint string   `json:"token_endpoint" pattern:"^https?://" doc:"The URL that gives tokens." example:"https://login.internal/oauth2/token"`
	ClientID      string   `json:"client_id" minLength:"1" doc:"The client id."`
	ClientSecret  string   `json:"client_secret" secret:"true" doc:"The client secret."`
	Scopes        []string `json:"scopes,omitempty" doc:"Scopes to ask for."`
	Audience      string   `json:"audience,omitempty" doc:"The audience to ask for, where the token endpoint wants one."`
	CACertificate string   `json:"ca_certificate,omitempty" doc:"PEM certificates of the authorities to trust for the token endpoint instead of the system's."`
}
