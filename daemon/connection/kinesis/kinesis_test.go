package kinesis_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/headgate/terraform-provider-headgate/daemon/connection/kindtest"
	"github.com/headgate/terraform-provider-headgate/daemon/connection/kinesis"
	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/internal/real"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("net/http.(*persistConn).readLoop"), goleak.IgnoreAnyFunction("net/http.(*persistConn).writeLoop"))
}

// refusing is a service that refuses everything with one error, as AWS does.
func refusing(t *testing.T, code, message string) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/x-amz-json-1.1")
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprintf(w, `{"__type":%q,"message":%q}`, code, message)
	}))
	t.Cleanup(server.Close)
	return server.URL
}

func at(endpoint string) *api.KinesisConnection {
	return &api.KinesisConnection{Region: real.Region, Endpoint: endpoint, Credentials: &api.AWSCredentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "secret"}}
}

func TestRefusals(t *testing.T) {
	closed := httptest.NewServer(nil)
	closed.Close()
	web := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(web.Close)
	kindtest.Try(t, kinesis.Kind{}, []kindtest.Trial{
		{Name: "unknown key", Target: at(refusing(t, "UnrecognizedClientException", "The security token included in the request is invalid.")), Step: api.StepAuthentication, Cause: "does not know the access key", Attribute: "/spec/credentials"},
		{Name: "wrong secret", Target: at(refusing(t, "InvalidSignatureException", "The request signature we calculated does not match the signature you provided.")), Step: api.StepAuthentication, Cause: "the secret does not belong to the access key", Remedy: "secret_access_key_wo"},
		{Name: "clock", Target: at(refusing(t, "InvalidSignatureException", "Signature expired: 20260101T000000Z is now earlier than 20260102T000000Z")), Step: api.StepAuthentication, Cause: "refuses the time", Remedy: "clock"},
		{Name: "expired token", Target: at(refusing(t, "ExpiredTokenException", "The security token included in the request is expired")), Step: api.StepAuthentication, Cause: "expired"},
		{Name: "rights on some streams only", Target: at(refusing(t, "AccessDeniedException", "User: x is not authorized to perform: kinesis:ListStreams")), Sees: "kinesis:ListStreams", Warns: []string{"kinesis:ListStreams on all resources"}},
		{Name: "refused", Target: at(closed.URL), Step: api.StepTCP, Cause: "nothing listens", Attribute: "/spec/endpoint"},
		{Name: "not Kinesis", Target: at(web.URL), Step: api.StepProtocol, Cause: "not answer as Amazon Kinesis", Attribute: "/spec/endpoint"},
		{Name: "TLS on a plain port", Target: at(strings.Replace(web.URL, "http:", "https:", 1)), Step: api.StepTLS, Cause: "does not answer in TLS"},
		{Name: "no such profile", Target: &api.KinesisConnection{Region: real.Region, Credentials: &api.AWSCredentials{Profile: "there-is-no-such-profile"}}, Step: api.StepAuthentication, Cause: "no AWS configuration", Attribute: "/spec/credentials"},
	})
}

func TestRealKinesis(t *testing.T) {
	moto := real.DedicatedMoto(t)
	role := at(moto.URL())
	role.Credentials.RoleARN, role.Credentials.SessionName, role.Credentials.STSEndpoint = "arn:aws:iam::123456789012:role/headgate", "headgate", moto.URL()
	kindtest.Try(t, kinesis.Kind{}, []kindtest.Trial{
		{Name: "static key", Target: at(moto.URL()), Sees: "there are no streams"},
		{Name: "assumed role", Target: role, Sees: "there are no streams"},
	})
}
