package kafka

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/twmb/franz-go/pkg/sasl"

	"github.com/headgate/terraform-provider-headgate/daemon/connection/awsconfig"
	"github.com/headgate/terraform-provider-headgate/daemon/connection/probe"
	"github.com/headgate/terraform-provider-headgate/internal/api"
)

// The words of the mechanism AWS_MSK_IAM: github.com/aws/aws-msk-iam-auth, "Details".
const (
	mskService = "kafka-cluster"
	mskVersion = "2020_10_22"
	mskExpires = "300" // seconds that the signature is good for
)

// mskHost reads the region from the names of Amazon's brokers, such as b-1.orders.a1b2c3.c4.kafka.eu-central-1.amazonaws.com
// and boot-x.c1.kafka-serverless.eu-central-1.amazonaws.com.
var mskHost = regexp.MustCompile(`\.kafka(?:-serverless)?\.([a-z0-9-]+)\.amazonaws\.com(?:\.cn)?$`)

// mskRegion answers the region that a broker's name tells, or "".
func mskRegion(host string) string {
	if found := mskHost.FindStringSubmatch(host); found != nil {
		return found[1]
	}
	return ""
}

// mskIAM implements [sasl.Mechanism]. The SDK's configuration is read at the first use.
type mskIAM struct {
	credentials *api.AWSCredentials // nil: the default chain
	region      string              // empty: what the broker's name tells
	now         func() time.Time

	mu   sync.Mutex
	cfgs map[string]*aws.Config // by region
}

var _ sasl.Mechanism = (*mskIAM)(nil)

func newMSKIAM(s *api.KafkaSASL) *mskIAM {
	return &mskIAM{credentials: s.AWS, region: s.AWSRegion, now: time.Now, cfgs: map[string]*aws.Config{}}
}

// Name implements [sasl.Mechanism].
func (m *mskIAM) Name() string { return api.SASLMSKIAM }

// credentialsError says that there are no AWS credentials to sign with.
type credentialsError struct{ err error }

func (e *credentialsError) Error() string { return "get AWS credentials: " + e.err.Error() }
func (e *credentialsError) Unwrap() error { return e.err }

// Authenticate implements [sasl.Mechanism]: the first and only message is a signed request to connect.
func (m *mskIAM) Authenticate(ctx context.Context, address string) (sasl.Session, []byte, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, nil, fmt.Errorf("split broker address: %w", err)
	}
	region := m.region
	if region == "" {
		region = mskRegion(host)
	}
	cfg, err := m.config(ctx, region)
	if err != nil {
		return nil, nil, &credentialsError{err}
	}
	if cfg.Region == "" {
		return nil, nil, fmt.Errorf("the region of %s is not known", host)
	}
	credentials, err := cfg.Credentials.Retrieve(ctx)
	if err != nil {
		return nil, nil, &credentialsError{err}
	}
	payload, err := mskPayload(ctx, credentials, host, cfg.Region, m.now())
	return mskSession{}, payload, err
}

// config is the SDK's configuration, made once for each region: it renews credentials by itself.
func (m *mskIAM) config(ctx context.Context, region string) (*aws.Config, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if have := m.cfgs[region]; have != nil {
		return have, nil
	}
	cfg, err := awsconfig.Config(ctx, m.credentials, region)
	if err != nil {
		return nil, err
	}
	m.cfgs[region] = &cfg
	return &cfg, nil
}

// mskPayload is a presigned request (Signature Version 4) for kafka-cluster:Connect, as JSON.
func mskPayload(ctx context.Context, credentials aws.Credentials, host, region string, at time.Time) ([]byte, error) {
	query := url.Values{"Action": {mskService + ":Connect"}, "X-Amz-Expires": {mskExpires}}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://"+host+"/?"+query.Encode(), http.NoBody)
	if err != nil {
		return nil, fmt.Errorf("make the request to sign: %w", err)
	}
	empty := sha256.Sum256(nil)
	signed, _, err := v4.NewSigner().PresignHTTP(ctx, credentials, req, hex.EncodeToString(empty[:]), mskService, region, at.UTC())
	if err != nil {
		return nil, fmt.Errorf("sign the request to connect: %w", err)
	}
	presigned, err := url.Parse(signed)
	if err != nil {
		return nil, errors.New("the signed request is not a URL")
	}
	payload := map[string]string{"version": mskVersion, "host": host, "user-agent": "headgate"}
	for key, values := range presigned.Query() {
		payload[strings.ToLower(key)] = values[0]
	}
	return json.Marshal(payload)
}

// mskSession ends with the broker's answer, which is never empty.
type mskSession struct{}

func (mskSession) Challenge(answer []byte) (done bool, message []byte, err error) {
	if len(answer) == 0 {
		return false, nil, errors.New("the broker's answer is empty")
	}
	return true, nil, nil
}

// awsFailure says why there are no credentials to sign with.
func awsFailure(err error, c *api.AWSCredentials) error {
	if explained, ok := errors.AsType[*probe.StepError](awsconfig.Explain(err)); ok {
		return probe.Blame("/sasl/aws", explained.Cause, explained.Remedy, explained.Err)
	}
	switch {
	case c != nil && c.RoleARN != "":
		return probe.Blame("/sasl/aws/role_arn", "the role cannot be assumed", "Check {/sasl/aws/role_arn}, {/sasl/aws/external_id} and the role's trust policy, and that the daemon's machine reaches the Security Token Service.", errors.New(awsconfig.Says(err)))
	case c != nil && c.Profile != "":
		return probe.Blame("/sasl/aws/profile", "the profile gives no credentials", "Check the profile in the shared AWS files of the daemon's user.", err)
	}
	return probe.Blame("/sasl/aws", "there are no AWS credentials to sign with",
		"Give the daemon's machine a role, environment variables or a profile, or set {/sasl/aws/access_key_id} and {/sasl/aws/secret_access_key}.", err)
}
