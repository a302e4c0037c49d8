package objectstorage_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/headgate/terraform-provider-headgate/daemon/connection/kindtest"
	"github.com/headgate/terraform-provider-headgate/daemon/connection/objectstorage"
	"github.com/headgate/terraform-provider-headgate/internal/api"
)

const (
	accountKey = "dGhlLXJpZ2h0LWtleS1vZi1jb250b3NvLTAxMjM0NTY3ODk="
	anotherKey = "YW5vdGhlci1rZXktb2YtYW5vdGhlci1hY2NvdW50LTAxMjM="
	signature  = "sv=2024-11-04&sr=c&sp=racwl&sig=the-signature-0123456789"
)

// blobs answers the listing of a container as documented, to whoever signs it or has a signature
// (https://learn.microsoft.com/rest/api/storageservices/list-blobs).
func blobs(t *testing.T, items string) string {
	t.Helper()
	return serve(t, func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		if r.Method != http.MethodGet || r.URL.Path != "/archive" || q.Get("restype") != "container" || q.Get("comp") != "list" || q.Get("maxresults") != "1" || r.Header.Get("X-Ms-Version") == "" {
			anError(http.StatusBadRequest, "InvalidQueryParameterValue", r.URL.Path)(w, r)
			return
		}
		if r.Header.Get("Authorization") != sharedKey(r) && q.Get("sig") != "the-signature-0123456789" {
			anError(http.StatusForbidden, "AuthenticationFailed", "The MAC signature found in the HTTP request is not the same as any computed signature")(w, r)
			return
		}
		w.Header().Set("Content-Type", "application/xml")
		fmt.Fprintf(w, `<?xml version="1.0" encoding="utf-8"?><EnumerationResults><MaxResults>1</MaxResults><Blobs>%s</Blobs><NextMarker /></EnumerationResults>`, items)
	})
}

// sharedKey is the signature that a listing should have
// (https://learn.microsoft.com/rest/api/storageservices/authorize-with-shared-key).
func sharedKey(r *http.Request) string {
	key, _ := base64.StdEncoding.DecodeString(accountKey)
	mac := hmac.New(sha256.New, key)
	fmt.Fprintf(mac, "GET\n\n\n\n\n\n\n\n\n\n\n\nx-ms-date:%s\nx-ms-version:%s\n/contoso/archive\ncomp:list\nmaxresults:1\nrestype:container", r.Header.Get("X-Ms-Date"), r.Header.Get("X-Ms-Version"))
	return "SharedKey contoso:" + base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

func TestAzureBlob(t *testing.T) {
	in := func(c api.AzureBlobStorage) *api.ObjectStorageConnection {
		c.Account, c.Container = "contoso", "archive"
		return &api.ObjectStorageConnection{AzureBlob: &c}
	}
	withKey := func(endpoint string) *api.ObjectStorageConnection {
		return in(api.AzureBlobStorage{Endpoint: endpoint, AccountKey: accountKey})
	}
	withSAS := func(endpoint, more string) *api.ObjectStorageConnection {
		return in(api.AzureBlobStorage{Endpoint: endpoint, SAS: signature + more})
	}
	withString := func(endpoint, key string) *api.ObjectStorageConnection {
		return in(api.AzureBlobStorage{ConnectionString: "BlobEndpoint=" + endpoint + ";AccountName=contoso;AccountKey=" + key})
	}
	refusing := func(status int, code string, headers ...string) string {
		return serve(t, anError(status, code, "no", headers...))
	}
	ends := func(in time.Duration) string { return "&se=" + time.Now().Add(in).UTC().Format("2006-01-02T15:04:05Z") }
	const key, sas = "/spec/azure_blob/account_key", "/spec/azure_blob/sas"
	kindtest.Try(t, objectstorage.Kind{}, []kindtest.Trial{
		{Name: "key", Target: withKey(blobs(t, "")), Sees: "the container archive is there and holds no objects"},
		{Name: "key, with objects", Target: withKey(blobs(t, "<Blob><Name>a</Name><Properties /></Blob>") + "/"), Sees: "holds objects"},
		{Name: "signature", Target: withSAS(blobs(t, ""), ends(365*24*time.Hour)), Sees: "holds no objects"},
		{Name: "signature that ends soon", Target: withSAS(blobs(t, ""), ends(24*time.Hour)), Sees: "holds no objects", Warns: []string{"The shared access signature expires on"}},
		{Name: "connection string", Target: withString(blobs(t, ""), accountKey), Sees: "holds no objects"},
		{Name: "wrong key", Target: in(api.AzureBlobStorage{Endpoint: blobs(t, ""), AccountKey: anotherKey}), Step: api.StepAuthentication, Cause: "the key does not belong to the account contoso (AuthenticationFailed)", Remedy: "Access keys", Attribute: key},
		{Name: "wrong key in a string", Target: withString(blobs(t, ""), anotherKey), Step: api.StepAuthentication, Cause: "the key does not belong", Attribute: "/spec/azure_blob/connection_string"},
		{Name: "wrong signature", Target: withSAS(refusing(http.StatusForbidden, "AuthenticationFailed"), ""), Step: api.StepAuthentication, Cause: "is not good for this account", Remedy: "sas_wo", Attribute: sas},
		{Name: "expired signature", Target: withSAS(refusing(http.StatusForbidden, "AuthenticationFailed"), ends(-time.Hour)), Step: api.StepAuthentication, Cause: "expired on", Remedy: "sas_wo", Attribute: sas},
		{Name: "clock", Target: withKey(refusing(http.StatusForbidden, "AuthenticationFailed", "Date", anHourAgo())), Step: api.StepAuthentication, Cause: "refuses the time", Remedy: "clock", Attribute: key},
		{Name: "no public access", Target: withKey(refusing(http.StatusUnauthorized, "NoAuthenticationInformation")), Step: api.StepAuthentication, Cause: "NoAuthenticationInformation", Attribute: key},
		{Name: "denied", Target: withSAS(refusing(http.StatusForbidden, "AuthorizationPermissionMismatch"), ""), Step: api.StepAuthorization, Cause: "AuthorizationPermissionMismatch", Remedy: "racwl", Attribute: sas},
		{Name: "firewall", Target: withKey(refusing(http.StatusForbidden, "AuthorizationFailure")), Step: api.StepAuthorization, Remedy: "firewall", Attribute: key},
		{Name: "no shared keys", Target: withKey(refusing(http.StatusForbidden, "KeyBasedAuthenticationNotPermitted")), Step: api.StepAuthorization, Remedy: "allow-shared-key-access", Attribute: key},
		{Name: "https only", Target: withSAS(refusing(http.StatusForbidden, "AuthorizationProtocolMismatch"), ""), Step: api.StepAuthorization, Remedy: "https endpoint", Attribute: sas},
		{Name: "disabled", Target: withKey(refusing(http.StatusForbidden, "AccountIsDisabled")), Step: api.StepAuthorization, Cause: "is disabled", Attribute: key},
		{Name: "missing", Target: withKey(refusing(http.StatusNotFound, "ContainerNotFound")), Step: api.StepProtocol, Cause: "there is no container archive in the account contoso", Remedy: "az storage container create", Attribute: "/spec/azure_blob/container"},
		{Name: "being deleted", Target: withKey(refusing(http.StatusConflict, "ContainerBeingDeleted")), Step: api.StepProtocol, Cause: "is being deleted", Attribute: "/spec/azure_blob/container"},
		{Name: "not Azure", Target: withKey(serve(t, http.NotFound)), Step: api.StepProtocol, Cause: "does not answer as Azure Blob Storage", Remedy: "azure_blob.endpoint", Attribute: "/spec/azure_blob/endpoint"},
		{Name: "a page", Target: withKey(serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html></html>")) })), Step: api.StepProtocol, Cause: "does not answer as Azure Blob Storage", Attribute: "/spec/azure_blob/endpoint"},
		{Name: "down", Target: withKey(down(t)), Step: api.StepTCP, Cause: "nothing listens", Attribute: "/spec/azure_blob/endpoint"},
	})
	for _, endpoint := range []string{down(t), refusing(http.StatusForbidden, "AuthenticationFailed"), serve(t, http.NotFound), serve(t, hangUp)} {
		discreet(t, withSAS(endpoint, ""), "the-signature")
		discreet(t, withKey(endpoint), accountKey)
		discreet(t, withString(endpoint, accountKey), accountKey)
	}
}

// hangUp ends the connection without an answer.
func hangUp(w http.ResponseWriter, _ *http.Request) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err == nil {
		_ = conn.Close()
	}
}
