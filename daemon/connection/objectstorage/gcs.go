package objectstorage

import (
	"context"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/google"
	"golang.org/x/oauth2/jwt"

	"github.com/headgate/terraform-provider-headgate/daemon/connection/httpclient"
	"github.com/headgate/terraform-provider-headgate/daemon/connection/probe"
	"github.com/headgate/terraform-provider-headgate/daemon/connection/web"
	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/internal/spec"
)

// gcsScope lets objects be listed, read and written (https://cloud.google.com/storage/docs/oauth-scopes).
const gcsScope = "https://www.googleapis.com/auth/devstorage.read_write"

// gcsStore is a bucket of Google Cloud Storage.
type gcsStore struct{ *api.GCSStorage }

func (s gcsStore) check() []spec.Problem {
	problems := checkEndpoint(s.Endpoint, s.TLS)
	if s.CredentialsJSON == "" {
		return problems
	}
	if _, message := s.key(); message != "" {
		problems = append(problems, spec.Problem{Path: "/credentials_json", Message: message})
	}
	return problems
}

// key reads the service account key. Its message says what is wrong with it, and nothing of what is in it.
func (s gcsStore) key() (*jwt.Config, string) {
	key, err := google.JWTConfigFromJSON([]byte(s.CredentialsJSON), gcsScope)
	if err != nil {
		return nil, "is not the JSON key of a service account: give the whole file that gcloud iam service-accounts keys create writes"
	}
	if block, _ := pem.Decode(key.PrivateKey); block == nil || key.Email == "" {
		return nil, "lacks the service account's name or its private key: give the whole file that gcloud iam service-accounts keys create writes"
	}
	return key, ""
}

func (s gcsStore) warnings(base string) []api.Warning {
	warnings := tlsWarnings(s.TLS, base)
	if !strings.HasPrefix(s.Endpoint, "http://") {
		return warnings
	}
	return append(warnings, api.Warning{
		Summary: "Objects and access tokens are sent without encryption", Attribute: base + "/endpoint",
		Detail: "Everyone on the network can read them. Use https where the service offers it.",
	})
}

func (s gcsStore) test(ctx context.Context, r *probe.Recorder) {
	var token string
	httpclient.Visit{
		Access: access(s.TLS), URL: s.Endpoint, IdentityField: "/spec/gcs/credentials_json", AddressField: "/spec/gcs/endpoint",
		Identify: func(ctx context.Context) (whose string, err error) {
			token, whose, err = s.token(ctx)
			return whose, err
		},
		Ask: func(ctx context.Context) (string, error) { return s.list(ctx, token) },
	}.Test(ctx, r)
}

// token gets an access token, and says whose it is. The token endpoint is Google's own: the declared TLS is not for it.
func (s gcsStore) token(ctx context.Context) (token, whose string, err error) {
	asking, done, err := client(httpclient.Access{})
	if err != nil {
		return "", "", err
	}
	defer done()
	clock := &clock{next: asking.Transport}
	asking.Transport = clock
	ctx = context.WithValue(ctx, oauth2.HTTPClient, asking)
	source, whose, err := s.source(ctx)
	if err != nil {
		return "", "", err
	}
	got, err := source.Token()
	if err != nil {
		return "", "", s.tokenRefused(err, clock.last)
	}
	return got.AccessToken, whose, nil
}

func (s gcsStore) source(ctx context.Context) (source oauth2.TokenSource, whose string, err error) {
	if s.CredentialsJSON != "" {
		key, message := s.key()
		if message != "" {
			return nil, "", probe.Fail("credentials_json "+message, "Set credentials_json_wo again and change its version.", nil)
		}
		return key.TokenSource(ctx), "service account " + key.Email, nil
	}
	found, err := google.FindDefaultCredentials(ctx, gcsScope)
	if err != nil {
		return nil, "", probe.Fail("no Google credentials were found on the daemon's machine", "Give the machine a service account, let GOOGLE_APPLICATION_CREDENTIALS of the daemon's process name a file, or set {/gcs/credentials_json}.", nil)
	}
	return found.TokenSource, "the default credentials of the daemon's machine", nil
}

// tokenRefused says what a refusal of the token endpoint means. Of its answer only the error of RFC 6749, section 5.2, is
// looked at.
func (s gcsStore) tokenRefused(err error, answer *http.Response) error {
	failed, ok := errors.AsType[*oauth2.RetrieveError](err)
	if !ok {
		return probe.Fail("no token can be had", "Check that the daemon's machine reaches Google's token endpoint, and that the credentials are whole.", silent(err))
	}
	var said struct {
		Error       string `json:"error"`
		Description string `json:"error_description"`
	}
	_ = json.Unmarshal(failed.Body, &said)
	switch {
	case clockIsOff(answer), strings.Contains(said.Description, "reasonable timeframe"):
		return probe.Fail("Google refuses the time of the request", "Set the clock of the daemon's machine: it must be right within five minutes.", nil)
	case strings.Contains(said.Description, "Invalid JWT Signature"):
		return probe.Fail("Google does not know the key of the service account: it was deleted, or has ended", "Make a new key, set credentials_json_wo to it and change its version.", nil)
	case strings.Contains(said.Description, "account not found"):
		return probe.Fail("there is no such service account", "Check that it was not deleted; then set credentials_json_wo to a key of one that is there, and change its version.", nil)
	case said.Error != "":
		return probe.Fail("the token endpoint refuses the credentials", "Check the service account and its key.", nil)
	}
	return probe.Fail("what should give tokens does not answer as a token endpoint", "Check token_uri in the service account key.", nil)
}

// list asks for one object
// (https://cloud.google.com/storage/docs/json_api/v1/objects/list).
func (s gcsStore) list(ctx context.Context, token string) (string, error) {
	with := access(s.TLS)
	with.Bearer = &api.BearerToken{Token: token}
	asking, err := web.Site{Access: with, URL: s.Endpoint}.Client()
	if err != nil {
		return "", err
	}
	defer asking.CloseIdleConnections()
	asking.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	answer, err := web.Get(ctx, asking, http.MethodGet, strings.TrimSuffix(s.Endpoint, "/")+"/storage/v1/b/"+url.PathEscape(s.Bucket)+"/o?maxResults=1")
	if err != nil {
		return "", elsewhere("Google Cloud Storage", "Check {/gcs/endpoint}.", err)
	}
	return s.judge(answer)
}

func (s gcsStore) judge(answer web.Answer) (string, error) {
	var body struct {
		Kind  string `json:"kind"`
		Items []any  `json:"items"`
		Error struct {
			Message string `json:"message"`
		} `json:"error"`
	}
	bad := json.Unmarshal(answer.Body, &body)
	switch {
	case answer.Status == http.StatusUnauthorized:
		return "", refused(api.StepAuthentication, "Google Cloud Storage does not take the token", "Check the service account and its key.")
	case answer.Status == http.StatusForbidden:
		return "", refused(api.StepAuthorization, strings.TrimSuffix("the credentials are good and may not list the bucket: "+body.Error.Message, ": "),
			"Grant the role roles/storage.objectViewer on the bucket at least; writing needs roles/storage.objectUser.")
	case answer.Status == http.StatusNotFound && bad == nil && body.Error.Message != "":
		return "", probe.Blame("/gcs/bucket", "there is no bucket "+s.Bucket, "Check {/gcs/bucket}, or make it: gcloud storage buckets create gs://"+s.Bucket, nil)
	case answer.Status != http.StatusOK || bad != nil || body.Kind != "storage#objects":
		return "", elsewhere("Google Cloud Storage", "Check {/gcs/endpoint}.", fmt.Errorf("it answers %d", answer.Status))
	}
	return seen("bucket "+s.Bucket, len(body.Items) > 0), nil
}

// clock keeps the last answer, for its date.
type clock struct {
	next http.RoundTripper
	last *http.Response
}

// RoundTrip implements [http.RoundTripper].
func (c *clock) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := c.next.RoundTrip(req)
	c.last = resp
	return resp, err
}
