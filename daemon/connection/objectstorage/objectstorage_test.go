package objectstorage_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/headgate/terraform-provider-headgate/daemon/connection/kindtest"
	"github.com/headgate/terraform-provider-headgate/daemon/connection/objectstorage"
	"github.com/headgate/terraform-provider-headgate/internal/api"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("net/http.(*persistConn).readLoop"), goleak.IgnoreAnyFunction("net/http.(*persistConn).writeLoop"))
}

// serve is a service that answers everything in one way.
func serve(t *testing.T, handler http.HandlerFunc) string {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server.URL
}

// anError is an answer with an error in the XML of S3 and Azure.
func anError(status int, code, message string, headers ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/xml")
		w.Header().Set("X-Ms-Error-Code", code)
		for i := 0; i < len(headers); i += 2 {
			w.Header().Set(headers[i], headers[i+1])
		}
		w.WriteHeader(status)
		// Some repeat what they were sent.
		fmt.Fprintf(w, "<Error><Code>%s</Code><Message>%s</Message><Detail>%s %s</Detail></Error>", code, message, strings.ReplaceAll(r.URL.RawQuery, "&", "&amp;"), r.Header.Get("Authorization"))
	}
}

// down is where nothing listens.
func down(t *testing.T) string {
	t.Helper()
	server := httptest.NewServer(nil)
	server.Close()
	return server.URL
}

// anHourAgo is a clock that differs from ours.
func anHourAgo() string { return time.Now().Add(-time.Hour).UTC().Format(http.TimeFormat) }

// discreet fails when a test of a connection tells a secret.
func discreet(t *testing.T, target *api.ObjectStorageConnection, secret string) {
	t.Helper()
	if said := fmt.Sprintf("%+v", objectstorage.Kind{}.Test(t.Context(), target)); strings.Contains(said, secret) {
		t.Errorf("the secret %s is in %s", secret, said)
	}
}

func TestFolder(t *testing.T) {
	dir := t.TempDir()
	in := func(names ...string) *api.ObjectStorageConnection {
		return &api.ObjectStorageConnection{Folder: &api.FolderStorage{Path: filepath.Join(append([]string{dir}, names...)...)}}
	}
	for _, name := range []string{"empty", "full", "closed"} {
		if err := os.Mkdir(filepath.Join(dir, name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	file := filepath.Join(dir, "full", "orders.json")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	kindtest.Try(t, objectstorage.Kind{}, []kindtest.Trial{
		{Name: "empty", Target: in("empty"), Sees: "the folder is there and empty"},
		{Name: "full", Target: in("full"), Sees: "holds something"},
		{Name: "missing", Target: in("nowhere"), Step: api.StepProtocol, Cause: "there is no folder " + filepath.Join(dir, "nowhere"), Remedy: "make it", Attribute: "/spec/folder/path"},
		{Name: "a file", Target: in("full", "orders.json"), Step: api.StepProtocol, Cause: "is not a folder", Attribute: "/spec/folder/path"},
	})
	t.Run("closed", func(t *testing.T) {
		if err := os.Chmod(filepath.Join(dir, "closed"), 0); err != nil {
			t.Fatal(err)
		}
		if _, err := os.ReadDir(filepath.Join(dir, "closed")); err == nil {
			t.Skip("this user may list every folder")
		}
		kindtest.Try(t, objectstorage.Kind{}, []kindtest.Trial{{Name: "closed", Target: in("closed"), Step: api.StepAuthorization, Cause: "may not list", Remedy: "right to read", Attribute: "/spec/folder/path"}})
	})
	if left, err := os.ReadDir(filepath.Join(dir, "full")); err != nil || len(left) != 1 {
		t.Errorf("the tests left %v, %v", left, err)
	}
}

func TestProblems(t *testing.T) {
	s3 := func(c api.S3Storage) *api.ObjectStorageConnection { return &api.ObjectStorageConnection{S3: &c} }
	gcs := func(c api.GCSStorage) *api.ObjectStorageConnection { return &api.ObjectStorageConnection{GCS: &c} }
	azure := func(c api.AzureBlobStorage) *api.ObjectStorageConnection {
		c.Account, c.Container = "contoso", "archive"
		return &api.ObjectStorageConnection{AzureBlob: &c}
	}
	folder := func(path string) *api.ObjectStorageConnection {
		return &api.ObjectStorageConnection{Folder: &api.FolderStorage{Path: path}}
	}
	kindtest.WantProblems(t, objectstorage.Kind{}, kindtest.Problems{
		"nothing":                   {Target: &api.ObjectStorageConnection{}, Paths: []string{"/s3"}},
		"two":                       {Target: &api.ObjectStorageConnection{S3: &api.S3Storage{}, Folder: &api.FolderStorage{Path: "/a"}}, Paths: []string{"/folder"}},
		"s3":                        {Target: s3(api.S3Storage{})},
		"s3 half a key":             {Target: s3(api.S3Storage{Credentials: &api.AWSCredentials{AccessKeyID: "a"}}), Paths: []string{"/s3/credentials/secret_access_key"}},
		"s3 endpoint":               {Target: s3(api.S3Storage{Endpoint: "https://a:b@c"}), Paths: []string{"/s3/endpoint"}},
		"s3 TLS without TLS":        {Target: s3(api.S3Storage{Endpoint: "http://a", TLS: &api.TLS{}}), Paths: []string{"/s3/tls"}},
		"s3 authority":              {Target: s3(api.S3Storage{TLS: &api.TLS{CACertificate: "x"}}), Paths: []string{"/s3/tls/ca_certificate"}},
		"gcs":                       {Target: gcs(api.GCSStorage{Endpoint: "https://storage.googleapis.com"})},
		"gcs nonsense":              {Target: gcs(api.GCSStorage{CredentialsJSON: "hunter"}), Paths: []string{"/gcs/credentials_json"}},
		"gcs user":                  {Target: gcs(api.GCSStorage{CredentialsJSON: `{"type":"authorized_user"}`}), Paths: []string{"/gcs/credentials_json"}},
		"gcs no key":                {Target: gcs(api.GCSStorage{CredentialsJSON: `{"type":"service_account","client_email":"a"}`}), Paths: []string{"/gcs/credentials_json"}},
		"azure no way":              {Target: azure(api.AzureBlobStorage{}), Paths: []string{"/azure_blob/account_key"}},
		"azure two ways":            {Target: azure(api.AzureBlobStorage{AccountKey: "a", SAS: "b"}), Paths: []string{"/azure_blob/sas"}},
		"azure key":                 {Target: azure(api.AzureBlobStorage{AccountKey: accountKey})},
		"azure no key":              {Target: azure(api.AzureBlobStorage{AccountKey: "!"}), Paths: []string{"/azure_blob/account_key"}},
		"azure signature":           {Target: azure(api.AzureBlobStorage{SAS: "?sv=1&sig=a"})},
		"azure URL":                 {Target: azure(api.AzureBlobStorage{SAS: "https://contoso.blob.core.windows.net/archive?sv=1&sig=a"}), Paths: []string{"/azure_blob/sas"}},
		"azure no signature":        {Target: azure(api.AzureBlobStorage{SAS: "sv=1"}), Paths: []string{"/azure_blob/sas"}},
		"azure string":              {Target: azure(api.AzureBlobStorage{ConnectionString: "DefaultEndpointsProtocol=https;AccountName=contoso;AccountKey=" + accountKey + ";EndpointSuffix=core.windows.net"})},
		"azure other account":       {Target: azure(api.AzureBlobStorage{ConnectionString: "AccountName=other;AccountKey=" + accountKey}), Paths: []string{"/azure_blob/connection_string"}},
		"azure no string":           {Target: azure(api.AzureBlobStorage{ConnectionString: "hunter"}), Paths: []string{"/azure_blob/connection_string"}},
		"azure string and endpoint": {Target: azure(api.AzureBlobStorage{ConnectionString: "AccountName=contoso;AccountKey=" + accountKey, Endpoint: "https://a"}), Paths: []string{"/azure_blob/endpoint"}},
		"folder":                    {Target: folder("/var/lib/archive")},
		"relative":                  {Target: folder("archive"), Paths: []string{"/folder/path"}},
		"parent":                    {Target: folder("/var/lib/../archive"), Paths: []string{"/folder/path"}},
		"slash":                     {Target: folder("/var/lib/archive/"), Paths: []string{"/folder/path"}},
	})
	for _, p := range (objectstorage.Kind{}).Check(azure(api.AzureBlobStorage{ConnectionString: "AccountName=hunter;AccountKey=" + accountKey})) {
		if strings.Contains(p.Message, "hunter") || strings.Contains(p.Message, accountKey) {
			t.Errorf("it says %q", p.Message)
		}
	}
}

func TestPlainTextWarns(t *testing.T) {
	for name, c := range map[string]struct {
		target *api.ObjectStorageConnection
		want   int
	}{
		"s3":          {&api.ObjectStorageConnection{S3: &api.S3Storage{Endpoint: "http://a"}}, 0},
		"gcs":         {&api.ObjectStorageConnection{GCS: &api.GCSStorage{Endpoint: "http://a"}}, 1},
		"gcs https":   {&api.ObjectStorageConnection{GCS: &api.GCSStorage{Endpoint: "https://a"}}, 0},
		"azure":       {&api.ObjectStorageConnection{AzureBlob: &api.AzureBlobStorage{Endpoint: "http://a"}}, 1},
		"azure https": {&api.ObjectStorageConnection{AzureBlob: &api.AzureBlobStorage{}}, 0},
		"folder":      {&api.ObjectStorageConnection{Folder: &api.FolderStorage{Path: "/a"}}, 0},
	} {
		if got := (objectstorage.Kind{}).Warnings(c.target); len(got) != c.want {
			t.Errorf("%s: warnings %v, want %d", name, got, c.want)
		}
	}
}
