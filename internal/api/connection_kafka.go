package api

// KafkaConnection is the kind kafka.
type KafkaConnection struct {
	BootstrapServers []string   `json:"bootstrap_servers" minItems:"1" doc:"Brokers to begin with, as host:port." example:"b-1.internal:9093"`
	SecurityProtocol string     `json:"security_protocol,omitempty" enum:"PLAINTEXT,SSL,SASL_PLAINTEXT,SASL_SSL" default:"SASL_SSL" doc:"How to speak to the brokers, in Kafka's words."`
	SASL             *KafkaSASL `json:"sasl,omitempty" doc:"Authentication, for 'SASL_PLAINTEXT' and 'SASL_SSL'."`
	TLS              *TLS       `json:"tls,omitempty" doc:"TLS, for 'SSL' and 'SASL_SSL'. Without it, the system's certificate authorities are trusted."`
	SchemaRegistry   string     `json:"schema_registry,omitempty" doc:"The connection of the schema registry, of whatever kind, that decodes previews of this cluster's topics."`
}

// SASL mechanisms, as Kafka names them.
const (
	SASLPlain       = "PLAIN"
	SASLScramSHA256 = "SCRAM-SHA-256"
	SASLScramSHA512 = "SCRAM-SHA-512"
	SASLOAuthBearer = "OAUTHBEARER"
	SASLMSKIAM      = "AWS_MSK_IAM"
	SASLGSSAPI      = "GSSAPI"
)

// KafkaSASL is how to authenticate to Kafka. The mechanism decides which of the other fields are needed.
type KafkaSASL struct {
	Mechanism string                  `json:"mechanism" enum:"PLAIN,SCRAM-SHA-256,SCRAM-SHA-512,OAUTHBEARER,AWS_MSK_IAM,GSSAPI" doc:"The SASL mechanism. 'PLAIN' and SCRAM need a user name and password; 'GSSAPI' needs a user name, 'kerberos', and a password or keytab; 'OAUTHBEARER' needs 'oauth'; 'AWS_MSK_IAM' may have 'aws'."`
	Username  string                  `json:"username,omitempty" doc:"The user name; for 'GSSAPI' the name of the principal, without its realm."`
	Password  string                  `json:"password,omitempty" secret:"true" doc:"The password."`
	OAuth     *OAuthClientCredentials `json:"oauth,omitempty" doc:"Where the tokens for 'OAUTHBEARER' come from. They are renewed when four fifths of their life are over."`
	AWS       *AWSCredentials         `json:"aws,omitempty" doc:"Who signs for 'AWS_MSK_IAM'. Without it, the default credential chain of the AWS SDK on the daemon's machine."`
	AWSRegion string                  `json:"aws_region,omitempty" doc:"The region that 'AWS_MSK_IAM' signs for. Needed where the bootstrap servers' names do not tell it." example:"eu-central-1"`
	Kerberos  *Kerberos               `json:"kerberos,omitempty" doc:"Kerberos, for 'GSSAPI'."`
}

// OAuthClientCredentials is the OAuth 2.0 client credentials grant (RFC 6749, section 4.4).
type OAuthClientCredentials struct {
	TokenEndpoint string            `json:"token_endpoint" pattern:"^https?://" doc:"The URL that gives tokens." example:"https://login.internal/oauth2/token"`
	ClientID      string            `json:"client_id" minLength:"1" doc:"The client id."`
	ClientSecret  string            `json:"client_secret" secret:"true" doc:"The client secret."`
	Scopes        []string          `json:"scopes,omitempty" doc:"Scopes to ask for."`
	Audience      string            `json:"audience,omitempty" doc:"The audience to ask for, where the token endpoint wants one."`
	Extensions    map[string]string `json:"extensions,omitempty" doc:"SASL extensions (KIP-342) to send with the token, such as 'logicalCluster' and 'identityPoolId' for Confluent Cloud."`
	TLS           *TLS              `json:"tls,omitempty" doc:"TLS towards the token endpoint. Without it, the system's certificate authorities are trusted."`
}

// Kerberos is how to get a Kerberos ticket for a broker.
type Kerberos struct {
	Realm       string `json:"realm,omitempty" doc:"The realm of the principal. Without it, the default realm of the Kerberos configuration."`
	Keytab      string `json:"keytab,omitempty" secret:"true" doc:"The keytab of the principal, in base64, as the function 'filebase64' gives it, instead of a password."`
	ServiceName string `json:"service_name,omitempty" default:"kafka" doc:"The first part of the brokers' principal; the second is the broker's host name as advertised."`
	Config      string `json:"config,omitempty" doc:"The text of a 'krb5.conf'. Without it, '/etc/krb5.conf' of the daemon's machine, or what 'KRB5_CONFIG' names there."`
}

// ConfluentCloudConnection is the kind confluent_cloud.
type ConfluentCloudConnection struct {
	BootstrapServer string `json:"bootstrap_server" minLength:"1" doc:"The cluster's bootstrap server; the port, unless written, is 9092." example:"pkc-12345.eu-central-1.aws.confluent.cloud:9092"`
	APIKey          string `json:"api_key" minLength:"1" doc:"The API key of the cluster."`
	APISecret       string `json:"api_secret" secret:"true" doc:"The API secret."`
	CACertificate   string `json:"ca_certificate,omitempty" doc:"PEM certificates of the authorities to trust instead of the system's, where a gateway on the way ends TLS."`
	SchemaRegistry  string `json:"schema_registry,omitempty" doc:"The connection of the schema registry, of whatever kind, that decodes previews of this cluster's topics."`
}

// MSKConnection is the kind msk.
type MSKConnection struct {
	BootstrapServers []string        `json:"bootstrap_servers" minItems:"1" doc:"Brokers to begin with; the port, unless written, is 9098 with 'iam' and 9096 with 'scram'." example:"b-1.orders.a1b2c3.c4.kafka.eu-central-1.amazonaws.com"`
	Region           string          `json:"region,omitempty" doc:"The cluster's region. Needed with 'iam' where the bootstrap servers' names do not tell it." example:"eu-central-1"`
	IAM              *AWSCredentials `json:"iam,omitempty" doc:"IAM access control. An empty object takes the default credential chain of the AWS SDK on the daemon's machine. Either this or 'scram' is needed."`
	SCRAM            *SCRAMUser      `json:"scram,omitempty" doc:"A SCRAM user, kept by Amazon in a secret whose name starts with 'AmazonMSK_'."`
	CACertificate    string          `json:"ca_certificate,omitempty" doc:"PEM certificates of the authorities to trust instead of the system's, where a gateway on the way ends TLS."`
	SchemaRegistry   string          `json:"schema_registry,omitempty" doc:"The connection of the schema registry, of whatever kind, that decodes previews of this cluster's topics."`
}

// SCRAMUser is a user of SCRAM-SHA-512.
type SCRAMUser struct {
	Username string `json:"username" minLength:"1" doc:"The user name."`
	Password string `json:"password" secret:"true" doc:"The password."`
}

// RedpandaConnection is the kind redpanda.
type RedpandaConnection struct {
	BootstrapServers []string      `json:"bootstrap_servers" minItems:"1" doc:"Brokers to begin with; the port, unless written, is 9092." example:"seed-1.a1b2c3.byoc.prd.cloud.redpanda.com:9092"`
	SASL             *RedpandaUser `json:"sasl,omitempty" doc:"A user. Without it, TLS alone: with a client certificate where the cluster asks for one."`
	TLS              *TLS          `json:"tls,omitempty" doc:"TLS. Without it, the system's certificate authorities are trusted."`
	SchemaRegistry   string        `json:"schema_registry,omitempty" doc:"The connection of the schema registry, of whatever kind, that decodes previews of this cluster's topics."`
}

// RedpandaUser is a SCRAM user of Redpanda.
type RedpandaUser struct {
	Mechanism string `json:"mechanism,omitempty" enum:"SCRAM-SHA-256,SCRAM-SHA-512" default:"SCRAM-SHA-256" doc:"The SASL mechanism."`
	Username  string `json:"username" minLength:"1" doc:"The user name."`
	Password  string `json:"password" secret:"true" doc:"The password."`
}

// EventHubsConnection is the kind event_hubs.
type EventHubsConnection struct {
	Namespace        string   `json:"namespace" minLength:"1" doc:"The namespace: 'contoso' stands for 'contoso.servicebus.windows.net:9093'. In another cloud write the host name in full." example:"contoso"`
	ConnectionString string   `json:"connection_string,omitempty" secret:"true" doc:"A connection string of the namespace, with the Manage right where topics are to be declared. Either this or 'entra_id' is needed."`
	EntraID          *EntraID `json:"entra_id,omitempty" doc:"A service principal of Microsoft Entra ID, with the role Azure Event Hubs Data Owner, Sender or Receiver."`
	CACertificate    string   `json:"ca_certificate,omitempty" doc:"PEM certificates of the authorities to trust instead of the system's, where a gateway on the way ends TLS."`
	SchemaRegistry   string   `json:"schema_registry,omitempty" doc:"The connection of the schema registry, of whatever kind, that decodes previews of this namespace's topics."`
}

// EntraID is a service principal of Microsoft Entra ID.
type EntraID struct {
	TenantID     string `json:"tenant_id" minLength:"1" doc:"The tenant (directory) id."`
	ClientID     string `json:"client_id" minLength:"1" doc:"The client (application) id."`
	ClientSecret string `json:"client_secret" secret:"true" doc:"The client secret."`
	Authority    string `json:"authority,omitempty" pattern:"^https?://" default:"https://login.microsoftonline.com" doc:"Where tokens come from; the sovereign clouds have their own."`
}

// UpstashConnection is the kind upstash.
type UpstashConnection struct {
	Endpoint       string `json:"endpoint" minLength:"1" doc:"The cluster's endpoint; the port, unless written, is 9092." example:"neat-fox-12345-eu1-kafka.upstash.io:9092"`
	Username       string `json:"username" minLength:"1" doc:"The user name."`
	Password       string `json:"password" secret:"true" doc:"The password."`
	RESTURL        string `json:"rest_url,omitempty" pattern:"^https?://" doc:"The URL of the REST endpoint, which takes the same user and password. A test of the connection tries it too."`
	CACertificate  string `json:"ca_certificate,omitempty" doc:"PEM certificates of the authorities to trust instead of the system's, where a gateway on the way ends TLS."`
	SchemaRegistry string `json:"schema_registry,omitempty" doc:"The connection of the schema registry, of whatever kind, that decodes previews of this cluster's topics."`
}
