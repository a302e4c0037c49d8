package api

// AWSCredentials says who signs requests to AWS. All empty takes the default chain of the AWS SDK on the daemon's
// machine: environment, shared files, web identity, container, instance.
type AWSCredentials struct {
	Profile         string `json:"profile,omitempty" doc:"A profile of the shared AWS files on the daemon's machine."`
	AccessKeyID     string `json:"access_key_id,omitempty" doc:"A static access key, with its secret." example:"AKIAIOSFODNN7EXAMPLE"`
	SecretAccessKey string `json:"secret_access_key,omitempty" secret:"true" doc:"The secret of the access key."`
	SessionToken    string `json:"session_token,omitempty" secret:"true" doc:"The session token of a temporary access key."`
	RoleARN         string `json:"role_arn,omitempty" pattern:"^arn:[^:]+:iam::[0-9]{12}:role/.+$" doc:"A role to assume, with the credentials that the other fields give. Its session is renewed before it ends." example:"arn:aws:iam::123456789012:role/headgate"`
	ExternalID      string `json:"external_id,omitempty" doc:"The external id that the role's trust policy asks for."`
	SessionName     string `json:"session_name,omitempty" default:"headgate" doc:"The name of the role's session, as it shows in CloudTrail."`
	STSEndpoint     string `json:"sts_endpoint,omitempty" pattern:"^https?://" doc:"The URL of the service that gives the role's session, where it is not the region's own, such as a VPC endpoint."`
}
