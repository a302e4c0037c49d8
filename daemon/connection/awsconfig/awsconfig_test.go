package awsconfig_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aws/smithy-go"

	"github.com/headgate/terraform-provider-headgate/daemon/connection/awsconfig"
	"github.com/headgate/terraform-provider-headgate/daemon/connection/probe"
	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/internal/real"
)

// isolate keeps what the machine has of AWS out of the test.
func isolate(t *testing.T) (credentialsFile string) {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_WEB_IDENTITY_TOKEN_FILE"} {
		t.Setenv(name, "")
	}
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	credentialsFile = filepath.Join(dir, "credentials")
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", credentialsFile)
	t.Setenv("AWS_CONFIG_FILE", filepath.Join(dir, "config"))
	return credentialsFile
}

func TestSources(t *testing.T) {
	file := isolate(t)
	if err := os.WriteFile(file, []byte("[team]\naws_access_key_id = FROMPROFILE\naws_secret_access_key = s\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("AWS_ACCESS_KEY_ID", "FROMENV")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "s")
	for _, tt := range []struct {
		name        string
		credentials *api.AWSCredentials
		key, says   string
	}{
		{"the default chain", nil, "FROMENV", "default chain"},
		{"an empty block", &api.AWSCredentials{SessionName: "headgate"}, "FROMENV", "default chain"},
		{"a profile", &api.AWSCredentials{Profile: "team"}, "FROMPROFILE", "profile team"},
		{"a static key", &api.AWSCredentials{AccessKeyID: "STATIC", SecretAccessKey: "s"}, "STATIC", "static access key STATIC"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cfg, err := awsconfig.Config(t.Context(), tt.credentials, "eu-central-1")
			if err != nil {
				t.Fatal(err)
			}
			got, err := cfg.Credentials.Retrieve(t.Context())
			if err != nil || got.AccessKeyID != tt.key || cfg.Region != "eu-central-1" {
				t.Errorf("got %s in %s, %v", got.AccessKeyID, cfg.Region, err)
			}
			if says, err := awsconfig.Retrieve(t.Context(), cfg, tt.credentials); err != nil || !strings.Contains(says, tt.says) {
				t.Errorf("it says %q, %v", says, err)
			}
		})
	}
}

func TestNoCredentials(t *testing.T) {
	isolate(t)
	cfg, err := awsconfig.Config(t.Context(), nil, "eu-central-1")
	if err != nil {
		t.Fatal(err)
	}
	_, err = awsconfig.Retrieve(t.Context(), cfg, nil)
	var failure *probe.StepError
	if !errors.As(err, &failure) || !strings.Contains(failure.Cause, "no AWS credentials") || failure.Remedy == "" {
		t.Errorf("got %v", err)
	}
	if _, err := awsconfig.Config(t.Context(), &api.AWSCredentials{Profile: "missing"}, "eu-central-1"); err == nil {
		t.Error("a profile that does not exist is accepted")
	}
}

func TestCheck(t *testing.T) {
	for _, tt := range []struct {
		credentials *api.AWSCredentials
		paths       []string
	}{
		{nil, nil},
		{&api.AWSCredentials{AccessKeyID: "a", SecretAccessKey: "s", SessionToken: "t"}, nil},
		{&api.AWSCredentials{Profile: "p", RoleARN: "r", ExternalID: "e", STSEndpoint: "https://sts"}, nil},
		{&api.AWSCredentials{AccessKeyID: "a", Profile: "p"}, []string{"/c/profile", "/c/secret_access_key"}},
		{&api.AWSCredentials{SecretAccessKey: "s", SessionToken: "t"}, []string{"/c/access_key_id", "/c/session_token"}},
		{&api.AWSCredentials{ExternalID: "e", STSEndpoint: "https://sts"}, []string{"/c/external_id", "/c/sts_endpoint"}},
	} {
		var paths []string
		for _, p := range awsconfig.Check(tt.credentials, "/c") {
			paths = append(paths, p.Path)
		}
		if !slices.Equal(paths, tt.paths) {
			t.Errorf("problems at %q, want %q", paths, tt.paths)
		}
	}
}

func TestExplain(t *testing.T) {
	for _, tt := range []struct{ code, message, cause string }{
		{"UnrecognizedClientException", "The security token included in the request is invalid.", "does not know the access key"},
		{"InvalidSignatureException", "The request signature we calculated does not match", "secret does not belong"},
		{"InvalidSignatureException", "Signature expired: 20260101T000000Z is now earlier than 20260101T001000Z", "refuses the time"},
		{"RequestTimeTooSkewed", "", "refuses the time"},
		{"ExpiredTokenException", "", "session token has expired"},
		{"AccessDeniedException", "User may not", ""},
		{"ResourceNotFoundException", "", ""},
	} {
		err := awsconfig.Explain(&smithy.GenericAPIError{Code: tt.code, Message: tt.message})
		if (err == nil) != (tt.cause == "") || err != nil && !strings.Contains(err.Error(), tt.cause) {
			t.Errorf("%s %s: %v, want %q", tt.code, tt.message, err, tt.cause)
		}
	}
	if awsconfig.Explain(errors.New("no route")) != nil {
		t.Error("a network error is taken for a refusal")
	}
}

func TestRealAssumedRole(t *testing.T) {
	isolate(t)
	moto := real.DedicatedMoto(t)
	role := &api.AWSCredentials{
		AccessKeyID: "base", SecretAccessKey: "s", SessionName: "tests", STSEndpoint: moto.URL(),
		RoleARN: "arn:aws:iam::123456789012:role/headgate", ExternalID: "e",
	}
	cfg, err := awsconfig.Config(t.Context(), role, real.Region)
	if err != nil {
		t.Fatal(err)
	}
	got, err := cfg.Credentials.Retrieve(t.Context())
	if err != nil || got.AccessKeyID == "base" || got.SessionToken == "" || !got.CanExpire {
		t.Errorf("got %s, expires %v, %v", got.AccessKeyID, got.CanExpire, err)
	}
	says, err := awsconfig.Retrieve(t.Context(), cfg, role)
	if err != nil || says != "session tests of arn:aws:iam::123456789012:role/headgate" {
		t.Errorf("it says %q, %v", says, err)
	}
}
