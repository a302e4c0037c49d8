package api

// KinesisConnection is the kind kinesis.
type KinesisConnection struct {
	Region      string          `json:"region" pattern:"^[a-z]{2,}(-[a-z]+)+-[0-9]+$" doc:"The region of the streams." example:"eu-central-1"`
	Endpoint    string          `json:"endpoint,omitempty" pattern:"^https?://" doc:"The URL of the service, where it is not the region's own, such as a VPC endpoint." example:"https://vpce-0123.kinesis.eu-central-1.vpce.amazonaws.com"`
	Credentials *AWSCredentials `json:"credentials,omitempty" doc:"Who signs the requests. Without it, the default credential chain of the AWS SDK on the daemon's machine."`
}

// GlueConnection is the kind glue.
type GlueConnection struct {
	Region      string          `json:"region" pattern:"^[a-z]{2,}(-[a-z]+)+-[0-9]+$" doc:"The region of the registry." example:"eu-central-1"`
	Registry    string          `json:"registry,omitempty" default:"default-registry" pattern:"^[a-zA-Z0-9_$#.-]{1,255}$" doc:"The name of the registry."`
	Endpoint    string          `json:"endpoint,omitempty" pattern:"^https?://" doc:"The URL of the service, where it is not the region's own, such as a VPC endpoint." example:"https://vpce-0123.glue.eu-central-1.vpce.amazonaws.com"`
	Credentials *AWSCredentials `json:"credentials,omitempty" doc:"Who signs the requests. Without it, the default credential chain of the AWS SDK on the daemon's machine."`
}
