package api

// ApicurioConnection is the kind apicurio.
type ApicurioConnection struct {
	URL     string               `json:"url" pattern:"^https?://" doc:"The URL of the registry's own API, version 3." example:"https://registry.internal:8080/apis/registry/v3"`
	GroupID string               `json:"group_id,omitempty" default:"default" minLength:"1" doc:"The group whose artifacts this connection is for."`
	Basic   *BasicAuthentication `json:"basic,omitempty" doc:"HTTP basic authentication."`
	Bearer  *BearerToken         `json:"bearer,omitempty" doc:"Bearer token authentication."`
	OAuth2  *OAuth2              `json:"oauth2,omitempty" doc:"Tokens by OAuth 2.0 client credentials, renewed before they end."`
	TLS     *TLS                 `json:"tls,omitempty" doc:"TLS, for https URLs; a client certificate goes here."`
}
