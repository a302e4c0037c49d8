package objectstorage_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	"github.com/golang-jwt/jwt/v5"

	"github.com/headgate/terraform-provider-headgate/daemon/connection/kindtest"
	"github.com/headgate/terraform-provider-headgate/daemon/connection/objectstorage"
	"github.com/headgate/terraform-provider-headgate/internal/api"
)

// account is a service account, and its key as Google gives it.
type account struct {
	key *rsa.PrivateKey
	pem string
}

func newAccount(t *testing.T) account {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return account{key, string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))}
}

func (a account) json(t *testing.T, tokens string) string {
	t.Helper()
	raw, err := json.Marshal(map[string]string{"type": "service_account", "client_email": "headgate@contoso.iam.gserviceaccount.com", "private_key_id": "1", "private_key": a.pem, "token_uri": tokens})
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// tokens gives tokens as documented
// (https://developers.google.com/identity/protocols/oauth2/service-account#httprest).
func (a account) tokens(t *testing.T) string {
	t.Helper()
	var at string
	at = serve(t, func(w http.ResponseWriter, r *http.Request) {
		claims := jwt.MapClaims{}
		_, err := jwt.ParseWithClaims(r.FormValue("assertion"), claims, func(*jwt.Token) (any, error) { return &a.key.PublicKey, nil },
			jwt.WithValidMethods([]string{"RS256"}), jwt.WithAudience(at+"/token"), jwt.WithIssuer("headgate@contoso.iam.gserviceaccount.com"), jwt.WithExpirationRequired())
		w.Header().Set("Content-Type", "application/json")
		switch {
		case r.Method != http.MethodPost || r.FormValue("grant_type") != "urn:ietf:params:oauth:grant-type:jwt-bearer" || claims["scope"] != "https://www.googleapis.com/auth/devstorage.read_write":
			w.WriteHeader(http.StatusBadRequest)
			_, _ = io.WriteString(w, `{"error":"invalid_request"}`)
		case err != nil:
			w.WriteHeader(http.StatusBadRequest)
			_, _ = io.WriteString(w, `{"error":"invalid_grant","error_description":"Invalid JWT Signature."}`)
		default:
			_, _ = io.WriteString(w, `{"access_token":"token-of-the-day","token_type":"Bearer","expires_in":3599}`)
		}
	})
	return at + "/token"
}

// objects answers the listing of a bucket as documented, and nothing else.
func objects(t *testing.T, items string) string {
	t.Helper()
	return serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet || r.URL.Path != "/storage/v1/b/archive/o" || r.URL.RawQuery != "maxResults=1" || r.Header.Get("Authorization") != "Bearer token-of-the-day" {
			googleError(http.StatusBadRequest, "bad request")(w, r)
			return
		}
		fmt.Fprintf(w, `{"kind":"storage#objects"%s}`, items)
	})
}

func googleError(status int, message string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(status)
		fmt.Fprintf(w, `{"error":{"code":%d,"message":"%s %s"}}`, status, message, r.Header.Get("Authorization"))
	}
}

func TestGCS(t *testing.T) {
	ours, others := newAccount(t), newAccount(t)
	tokens := ours.tokens(t)
	at := func(endpoint, key string) *api.ObjectStorageConnection {
		return &api.ObjectStorageConnection{GCS: &api.GCSStorage{Bucket: "archive", Endpoint: endpoint, CredentialsJSON: key}}
	}
	refusing := func(status int, message string) *api.ObjectStorageConnection {
		return at(serve(t, googleError(status, message)), ours.json(t, tokens))
	}
	noToken := func(description, date string) *api.ObjectStorageConnection {
		return at(objects(t, ""), ours.json(t, serve(t, func(w http.ResponseWriter, _ *http.Request) {
			if date != "" {
				w.Header().Set("Date", date)
			}
			w.WriteHeader(http.StatusBadRequest)
			fmt.Fprintf(w, `{"error":"invalid_grant","error_description":%q}`, description)
		})))
	}
	t.Setenv("GOOGLE_APPLICATION_CREDENTIALS", filepath.Join(t.TempDir(), "missing.json"))
	const field = "/spec/gcs/credentials_json"
	kindtest.Try(t, objectstorage.Kind{}, []kindtest.Trial{
		{Name: "empty", Target: at(objects(t, ""), ours.json(t, tokens)), Sees: "the bucket archive is there and holds no objects"},
		{Name: "with objects", Target: at(objects(t, `,"items":[{"name":"a"}]`)+"/", ours.json(t, tokens)), Sees: "holds objects"},
		{Name: "wrong key", Target: at(objects(t, ""), others.json(t, tokens)), Step: api.StepAuthentication, Cause: "does not know the key", Remedy: "credentials_json_wo", Attribute: field},
		{Name: "account deleted", Target: noToken("Invalid grant: account not found", ""), Step: api.StepAuthentication, Cause: "no such service account", Attribute: field},
		{Name: "clock", Target: noToken("Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe.", ""), Step: api.StepAuthentication, Cause: "refuses the time", Remedy: "clock", Attribute: field},
		{Name: "clock by its date", Target: noToken("Invalid", anHourAgo()), Step: api.StepAuthentication, Cause: "refuses the time", Remedy: "clock", Attribute: field},
		{Name: "refused", Target: noToken("unauthorized", ""), Step: api.StepAuthentication, Cause: "refuses the credentials", Attribute: field},
		{Name: "token endpoint down", Target: at(objects(t, ""), ours.json(t, down(t))), Step: api.StepAuthentication, Cause: "no token can be had", Attribute: field},
		{Name: "not a token endpoint", Target: at(objects(t, ""), ours.json(t, serve(t, http.NotFound))), Step: api.StepAuthentication, Cause: "does not answer as a token endpoint", Remedy: "token_uri", Attribute: field},
		{Name: "no default credentials", Target: at(objects(t, ""), ""), Step: api.StepAuthentication, Cause: "no Google credentials", Remedy: "gcs.credentials_json", Attribute: field},
		{Name: "token not taken", Target: refusing(http.StatusUnauthorized, "Invalid Credentials"), Step: api.StepAuthentication, Cause: "does not take the token", Attribute: field},
		{Name: "denied", Target: refusing(http.StatusForbidden, "headgate does not have storage.objects.list access"), Step: api.StepAuthorization, Cause: "storage.objects.list access", Remedy: "roles/storage.objectViewer", Attribute: field},
		{Name: "missing", Target: refusing(http.StatusNotFound, "The specified bucket does not exist."), Step: api.StepProtocol, Cause: "there is no bucket archive", Remedy: "gcloud storage buckets create", Attribute: "/spec/gcs/bucket"},
		{Name: "not Google", Target: at(serve(t, http.NotFound), ours.json(t, tokens)), Step: api.StepProtocol, Cause: "does not answer as Google Cloud Storage", Remedy: "gcs.endpoint", Attribute: "/spec/gcs/endpoint"},
		{Name: "down", Target: at(down(t), ours.json(t, tokens)), Step: api.StepTCP, Cause: "nothing listens", Attribute: "/spec/gcs/endpoint"},
	})
	discreet(t, refusing(http.StatusForbidden, "no"), "token-of-the-day")
	echo := at(objects(t, ""), ours.json(t, serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprintf(w, `{"error":"invalid_grant","error_description":%q}`, "refused "+url.QueryEscape(r.FormValue("assertion")))
	})))
	discreet(t, echo, "eyJ")
	discreet(t, echo, strings.Split(ours.pem, "\n")[1])
}
