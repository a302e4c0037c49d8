// Package awsconfig turns declared AWS credentials into the configuration of the AWS SDK, and says what the failures of
// AWS mean.
package awsconfig

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"

	"github.com/headgate/terraform-provider-headgate/daemon/connection/probe"
	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/internal/spec"
)

// renewBefore is how long before its end the session of a role is renewed.
const renewBefore = time.Minute

// Config makes the configuration for one region. Nothing is asked before credentials are needed. Nil credentials take
// the default chain.
func Config(ctx context.Context, c *api.AWSCredentials, region string) (aws.Config, error) {
	if c == nil {
		c = &api.AWSCredentials{}
	}
	cfg, err := config.LoadDefaultConfig(ctx, append(sourceOf(c), config.WithRegion(region), config.WithAppID("headgate"))...)
	if err != nil {
		return aws.Config{}, fmt.Errorf("load the AWS configuration of the daemon's machine: %w", err)
	}
	if c.RoleARN != "" {
		cfg.Credentials = assumed(cfg, c)
	}
	return cfg, nil
}

// sourceOf says where credentials come from. Static ones leave out the shared files: nothing in these may matter then.
func sourceOf(c *api.AWSCredentials) []func(*config.LoadOptions) error {
	switch {
	case c.AccessKeyID != "":
		return []func(*config.LoadOptions) error{
			config.WithSharedConfigFiles([]string{}), config.WithSharedCredentialsFiles([]string{}),
			config.WithCredentialsProvider(credentials.NewStaticCredentialsProvider(c.AccessKeyID, c.SecretAccessKey, c.SessionToken)),
		}
	case c.Profile != "":
		return []func(*config.LoadOptions) error{config.WithSharedConfigProfile(c.Profile)}
	}
	return nil
}

func assumed(cfg aws.Config, c *api.AWSCredentials) aws.CredentialsProvider {
	client := sts.NewFromConfig(cfg, func(o *sts.Options) {
		if c.STSEndpoint != "" {
			o.BaseEndpoint = aws.String(c.STSEndpoint)
		}
	})
	role := stscreds.NewAssumeRoleProvider(client, c.RoleARN, func(o *stscreds.AssumeRoleOptions) {
		o.RoleSessionName = c.SessionName
		if c.ExternalID != "" {
			o.ExternalID = aws.String(c.ExternalID)
		}
	})
	return aws.NewCredentialsCache(role, func(o *aws.CredentialsCacheOptions) { o.ExpiryWindow = renewBefore })
}

// Check finds what is wrong with the credentials. base is their JSON pointer.
func Check(c *api.AWSCredentials, base string) []spec.Problem {
	if c == nil {
		return nil
	}
	var problems []spec.Problem
	wrong := func(field, message string) {
		problems = append(problems, spec.Problem{Path: spec.Join(base, field), Message: message})
	}
	if c.Profile != "" && c.AccessKeyID != "" {
		wrong("profile", "cannot be used together with access_key_id: they are two sources of the same")
	}
	if c.AccessKeyID != "" && c.SecretAccessKey == "" {
		wrong("secret_access_key", "is required with access_key_id")
	}
	if c.AccessKeyID == "" && c.SecretAccessKey != "" {
		wrong("access_key_id", "is required with secret_access_key")
	}
	if c.AccessKeyID == "" && c.SessionToken != "" {
		wrong("session_token", "belongs to a static access key: set access_key_id and secret_access_key")
	}
	if c.RoleARN == "" && c.ExternalID != "" {
		wrong("external_id", "is for a role: set role_arn")
	}
	if c.RoleARN == "" && c.STSEndpoint != "" {
		wrong("sts_endpoint", "is for a role: set role_arn")
	}
	return problems
}

// Retrieve gets the credentials, and says whose they are.
func Retrieve(ctx context.Context, cfg aws.Config, c *api.AWSCredentials) (string, error) {
	got, err := cfg.Credentials.Retrieve(ctx)
	if err == nil {
		return identity(got, c), nil
	}
	if explained := Explain(err); explained != nil {
		return "", explained
	}
	switch {
	case c != nil && c.RoleARN != "":
		return "", probe.Fail("the role cannot be assumed", "Check role_arn and its trust policy, and that the daemon's machine reaches the Security Token Service.", err)
	case c != nil && c.Profile != "":
		return "", probe.Fail("the profile gives no credentials", "Check the profile in the shared AWS files of the daemon's user.", err)
	}
	return "", probe.Fail("no AWS credentials were found on the daemon's machine", "Give the machine or the daemon's process a role, or set credentials here: profile, role_arn, or access_key_id and its secret.", err)
}

func identity(got aws.Credentials, c *api.AWSCredentials) string {
	if c != nil && c.RoleARN != "" {
		return fmt.Sprintf("session %s of %s", c.SessionName, c.RoleARN)
	}
	if c != nil && c.Profile != "" {
		return fmt.Sprintf("access key %s of profile %s", got.AccessKeyID, c.Profile)
	}
	if c != nil && c.AccessKeyID != "" {
		return "static access key " + got.AccessKeyID
	}
	return fmt.Sprintf("access key %s from the default chain (%s)", got.AccessKeyID, got.Source)
}

// Explain says what a refusal of the credentials means; nil when err is none.
func Explain(err error) error {
	refused, ok := errors.AsType[smithy.APIError](err)
	if !ok {
		return nil
	}
	message := refused.ErrorMessage()
	switch code := strings.TrimSuffix(refused.ErrorCode(), "Exception"); code {
	case "UnrecognizedClient", "InvalidClientTokenId", "InvalidAccessKeyId", "IncompleteSignature", "MissingAuthenticationToken":
		return probe.Fail("AWS does not know the access key", "Check access_key_id, that the key is active, and that it belongs to this partition and region.", refused)
	case "RequestTimeTooSkewed", "RequestExpired":
		return clockSkew(refused)
	case "SignatureDoesNotMatch", "InvalidSignature":
		if strings.Contains(message, "expired") || strings.Contains(message, "not yet current") {
			return clockSkew(refused)
		}
		return probe.Fail("the signature is wrong: the secret does not belong to the access key", "Set secret_access_key_wo again and change its version.", nil)
	case "ExpiredToken":
		return probe.Fail("the session token has expired", "Declare a new one, or use a role, whose sessions are renewed.", refused)
	}
	return nil
}

func clockSkew(refused error) error {
	return probe.Fail("AWS refuses the time of the request", "Set the clock of the daemon's machine: it must be right within five minutes.", refused)
}

// IsDenied says whether AWS knows who asks and does not let them.
func IsDenied(err error) bool {
	refused, ok := errors.AsType[smithy.APIError](err)
	if !ok {
		return false
	}
	switch strings.TrimSuffix(refused.ErrorCode(), "Exception") {
	case "AccessDenied", "UnauthorizedOperation", "Forbidden", "AllAccessDisabled":
		return true
	}
	return false
}

// Says is what AWS says about a failure: its code and message, without the SDK's words around them.
func Says(err error) string {
	if refused, ok := errors.AsType[smithy.APIError](err); ok {
		return strings.TrimSuffix(fmt.Sprintf("%s: %s", refused.ErrorCode(), refused.ErrorMessage()), ": ")
	}
	return err.Error()
}
