package objectstorage

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/bloberror"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/container"

	"github.com/headgate/terraform-provider-headgate/daemon/connection/httpclient"
	"github.com/headgate/terraform-provider-headgate/daemon/connection/probe"
	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/internal/spec"
)

// endsSoon is how long before its end a shared access signature is warned about.
const endsSoon = 30 * 24 * time.Hour

// azureStore is a container of Azure Blob Storage.
type azureStore struct{ *api.AzureBlobStorage }

func (s azureStore) check() []spec.Problem {
	problems := append(exactlyOne([]string{"account_key", "connection_string", "sas"}, s.ways()), checkEndpoint(s.Endpoint, s.TLS)...)
	if s.ConnectionString != "" && s.Endpoint != "" {
		problems = append(problems, spec.Problem{Path: "/endpoint", Message: "cannot be used together with connection_string, which tells its own"})
	}
	if len(s.ways()) != 1 {
		return problems
	}
	if message := s.credentialProblem(); message != "" {
		problems = append(problems, spec.Problem{Path: "/" + s.ways()[0], Message: message})
	}
	return problems
}

func (s azureStore) ways() []string {
	var ways []string
	for _, way := range []struct{ name, value string }{{"account_key", s.AccountKey}, {"connection_string", s.ConnectionString}, {"sas", s.SAS}} {
		if way.value != "" {
			ways = append(ways, way.name)
		}
	}
	return ways
}

// credentialProblem says what is wrong with the credential, and nothing of what is in it.
func (s azureStore) credentialProblem() string {
	if s.SAS != "" {
		if query, err := url.ParseQuery(s.signature()); err != nil || query.Get("sig") == "" || strings.Contains(s.SAS, "://") {
			return "is not a shared access signature: it looks like sv=...&sig=..., without the URL before it"
		}
		return ""
	}
	if _, err := s.client(nil); err != nil && s.AccountKey != "" {
		return "is not an account key: it is written in base64"
	} else if err != nil {
		return "is not a connection string of a storage account: it looks like DefaultEndpointsProtocol=https;AccountName=...;AccountKey=...;EndpointSuffix=core.windows.net"
	}
	if name, told := s.accountOfString(); told && name != s.Account {
		return "is for another account than account names"
	}
	return ""
}

// accountOfString is the account that the connection string names; one with a shared access signature names none.
func (s azureStore) accountOfString() (name string, told bool) {
	for part := range strings.SplitSeq(s.ConnectionString, ";") {
		if name, found := strings.CutPrefix(strings.TrimSpace(part), "AccountName="); found {
			return name, true
		}
	}
	return "", false
}

func (s azureStore) signature() string { return strings.TrimPrefix(s.SAS, "?") }

// warnings go by what is not secret, for they are told of stored connections too.
func (s azureStore) warnings(base string) []api.Warning {
	warnings := tlsWarnings(s.TLS, base)
	if !strings.HasPrefix(s.Endpoint, "http://") {
		return warnings
	}
	return append(warnings, api.Warning{
		Summary: "Objects are sent without encryption", Attribute: base + "/endpoint",
		Detail: "Everyone on the network can read them, and a shared access signature too. Use https where the service offers it.",
	})
}

// ends is when the shared access signature ends, if it says so itself.
func (s azureStore) ends() (time.Time, bool) {
	query, err := url.ParseQuery(s.signature())
	if err != nil {
		return time.Time{}, false
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04Z", time.DateOnly} {
		if end, err := time.Parse(layout, query.Get("se")); err == nil {
			return end, true
		}
	}
	return time.Time{}, false
}

func (s azureStore) test(ctx context.Context, r *probe.Recorder) {
	credential := "/spec/azure_blob/" + strings.Join(s.ways(), "")
	r.Attribute = credential
	own, done, err := client(access(s.TLS))
	if err != nil {
		_ = r.Step(ctx, api.StepTLS, s.Account, func(context.Context) (string, error) { return "", err })
		return
	}
	defer done()
	asking, err := s.client(own)
	if err != nil {
		_ = r.Step(ctx, api.StepAuthentication, s.Account, func(context.Context) (string, error) {
			return "", probe.Fail("the credential is not one of Azure Blob Storage", "Set it again and change its version.", nil)
		})
		return
	}
	httpclient.Visit{
		Access: access(s.TLS), URL: withoutQuery(asking.URL()), IdentityField: credential, AddressField: s.addressField(),
		Identify: func(context.Context) (string, error) { return s.identity(), nil },
		Ask:      func(ctx context.Context) (string, error) { return s.list(ctx, asking) },
	}.Test(ctx, r)
	if end, told := s.ends(); told && r.Failure() == nil && time.Until(end) < endsSoon {
		r.Test.Warnings = append(r.Test.Warnings, api.Warning{
			Summary: "The shared access signature expires on " + end.UTC().Format(time.DateOnly), Attribute: credential,
			Detail: "From then on the service refuses it. Make a new one, set sas_wo to it and change its version.",
		})
	}
}

func (s azureStore) addressField() string {
	switch {
	case s.Endpoint != "":
		return "/spec/azure_blob/endpoint"
	case s.ConnectionString != "":
		return "/spec/azure_blob/connection_string"
	}
	return "/spec/azure_blob/account"
}

func (s azureStore) identity() string {
	switch {
	case s.SAS != "":
		return "shared access signature"
	case s.ConnectionString != "":
		return "connection string of account " + s.Account
	}
	return "key of account " + s.Account
}

// client makes a client of the container. Nothing is asked before its first request.
func (s azureStore) client(own *http.Client) (*container.Client, error) {
	options := &container.ClientOptions{ClientOptions: azcore.ClientOptions{
		Telemetry: policy.TelemetryOptions{ApplicationID: "headgate"},
		// Tried again, a failure would show as a step that took too long.
		Retry: policy.RetryOptions{MaxRetries: -1},
	}}
	if own != nil {
		options.Transport = own
	}
	switch {
	case s.ConnectionString != "":
		return container.NewClientFromConnectionString(s.ConnectionString, s.Container, options)
	case s.SAS != "":
		return container.NewClientWithNoCredential(s.url()+"?"+s.signature(), options)
	}
	key, err := container.NewSharedKeyCredential(s.Account, s.AccountKey)
	if err != nil {
		return nil, fmt.Errorf("read the account key: %w", err)
	}
	return container.NewClientWithSharedKeyCredential(s.url(), key, options)
}

// url is that of the container.
func (s azureStore) url() string {
	endpoint := "https://" + s.Account + ".blob.core.windows.net"
	if s.Endpoint != "" {
		endpoint = strings.TrimSuffix(s.Endpoint, "/")
	}
	return endpoint + "/" + s.Container
}

func withoutQuery(address string) string {
	bare, _, _ := strings.Cut(address, "?")
	return bare
}

func (s azureStore) list(ctx context.Context, asking *container.Client) (string, error) {
	one := int32(1)
	page, err := asking.NewListBlobsFlatPager(&container.ListBlobsFlatOptions{MaxResults: &one}).NextPage(ctx)
	if err != nil {
		return "", s.explain(err)
	}
	if page.Segment == nil {
		return "", elsewhere("Azure Blob Storage", "Check {/azure_blob/account} and {/azure_blob/endpoint}.", errors.New("its answer holds no listing"))
	}
	return seen("container "+s.Container, len(page.Segment.BlobItems) > 0), nil
}

// explain says what a refusal means, by its code alone
// (https://learn.microsoft.com/rest/api/storageservices/blob-service-error-codes): the text around it repeats signatures.
func (s azureStore) explain(err error) error {
	refusal, ok := errors.AsType[*azcore.ResponseError](err)
	if !ok {
		return elsewhere("Azure Blob Storage", "Check {/azure_blob/account} and {/azure_blob/endpoint}.", err)
	}
	switch code := bloberror.Code(refusal.ErrorCode); {
	case code == bloberror.ContainerNotFound:
		return probe.Blame("/azure_blob/container", "there is no container "+s.Container+" in the account "+s.Account,
			fmt.Sprintf("Check {/azure_blob/container}, or make it: az storage container create --account-name %s --name %s", s.Account, s.Container), nil)
	case code == bloberror.ContainerBeingDeleted:
		return probe.Blame("/azure_blob/container", "the container "+s.Container+" is being deleted", "Wait until it is gone and make it again, or name another one.", nil)
	case code == bloberror.AccountIsDisabled:
		return refused(api.StepAuthorization, "the account "+s.Account+" is disabled", "Enable the storage account or its subscription.")
	case refusal.StatusCode == http.StatusUnauthorized, code == bloberror.AuthenticationFailed, code == bloberror.InvalidAuthenticationInfo:
		return s.unauthenticated(code, refusal.RawResponse)
	case refusal.StatusCode == http.StatusForbidden:
		return refused(api.StepAuthorization, strings.TrimSuffix("the credentials may not list the container: "+refusal.ErrorCode, ": "), mayNot(code))
	}
	return elsewhere("Azure Blob Storage", "Check {/azure_blob/account} and {/azure_blob/endpoint}.", errors.New(strings.TrimSpace(fmt.Sprintf("it answers %d %s", refusal.StatusCode, refusal.ErrorCode))))
}

func (s azureStore) unauthenticated(code bloberror.Code, answer *http.Response) error {
	if end, told := s.ends(); told && time.Now().After(end) {
		return refused(api.StepAuthentication, "the shared access signature expired on "+end.UTC().Format(time.DateTime)+" UTC", "Make a new one, set sas_wo to it and change its version.")
	}
	if clockIsOff(answer) {
		return refused(api.StepAuthentication, "Azure refuses the time of the request", "Set the clock of the daemon's machine: it must be right within five minutes.")
	}
	said := string(code)
	if said == "" {
		said = "401"
	}
	if s.SAS != "" {
		return refused(api.StepAuthentication, "the shared access signature is not good for this account ("+said+")", "It is cut short, or the key that signed it was rotated: make a new one, set sas_wo to it and change its version.")
	}
	return refused(api.StepAuthentication, "the key does not belong to the account "+s.Account+" ("+said+")", "Set it again, as Azure shows it under Access keys, and change its version.")
}

// mayNot is the way out of a refusal.
func mayNot(code bloberror.Code) string {
	switch code {
	case "KeyBasedAuthenticationNotPermitted":
		return "The account allows no shared keys: allow them (az storage account update --allow-shared-key-access true)."
	case bloberror.AuthorizationFailure, bloberror.AuthorizationSourceIPMismatch:
		return "Check the account's firewall, and the addresses that the signature allows: the daemon's machine must be let in."
	case bloberror.AuthorizationProtocolMismatch:
		return "The signature or the account allows https only: use an https endpoint."
	}
	return "Use an account key, or a signature for the container with the permissions read, add, create, write and list (racwl) that covers containers and objects."
}
