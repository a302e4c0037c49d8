package api

// PulsarConnection is the kind pulsar.
type PulsarConnection struct {
	ServiceURL string        `json:"service_url" pattern:"^pulsar(\\+ssl)?://" doc:"The URL of the brokers, or of a proxy; several hosts are separated by commas." example:"pulsar+ssl://pulsar.internal:6651"`
	AdminURL   string        `json:"admin_url" pattern:"^https?://" doc:"The URL of the web service, without '/admin'." example:"https://pulsar.internal:8443"`
	Tenant     string        `json:"tenant,omitempty" default:"public" pattern:"^[-=:.a-zA-Z0-9_]+$" doc:"The tenant of topics whose names do not say one. With Astra Streaming it is one of your own."`
	Namespace  string        `json:"namespace,omitempty" default:"default" pattern:"^[-=:.a-zA-Z0-9_]+$" doc:"The namespace of topics whose names do not say one."`
	Token      string        `json:"token,omitempty" secret:"true" doc:"A token (JWT). For Astra Streaming: the token that its console gives, with its broker service URL and web service URL."`
	OAuth2     *PulsarOAuth2 `json:"oauth2,omitempty" doc:"Tokens by OAuth 2.0 client credentials, renewed before they end."`
	TLS        *TLS          `json:"tls,omitempty" doc:"TLS, for pulsar+ssl and https URLs; a client certificate here authenticates where there is neither a token nor 'oauth2'."`
}

// PulsarOAuth2 is OAuth 2.0 as Pulsar's clients name its parts.
type PulsarOAuth2 struct {
	Issuer       string `json:"issuer" pattern:"^https?://" doc:"The URL of the issuer, which tells its token endpoint at '/.well-known/openid-configuration'." example:"https://login.internal/realms/streaming"`
	ClientID     string `json:"client_id" minLength:"1" doc:"The client id."`
	ClientSecret string `json:"client_secret" secret:"true" doc:"The client secret."`
	Audience     string `json:"audience,omitempty" doc:"The audience to ask for."`
	Scope        string `json:"scope,omitempty" doc:"The scope to ask for; several are separated by spaces."`
}
