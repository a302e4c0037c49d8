// Package objectstorage is the connection kind object_storage: its checks and its test, for Amazon S3, Google Cloud
// Storage, Azure Blob Storage and folders.
package objectstorage

import (
	"context"
	"slices"
	"strings"

	"github.com/headgate/terraform-provider-headgate/daemon/connection"
	"github.com/headgate/terraform-provider-headgate/daemon/connection/httpclient"
	"github.com/headgate/terraform-provider-headgate/daemon/connection/probe"
	"github.com/headgate/terraform-provider-headgate/daemon/connection/tlsclient"
	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/internal/spec"
)

// KindName is the kind's name.
const KindName = "object_storage"

// Kind implements [connection.Kind].
type Kind struct{}

var _ connection.Kind = Kind{}

// store is one of the ways to store objects.
type store interface {
	// check finds what is wrong beyond single fields. Paths are below the store's own field.
	check() []spec.Problem
	warnings(base string) []api.Warning
	test(ctx context.Context, r *probe.Recorder)
}

// declared is a store that is set, and the name of its field.
type declared struct {
	name  string
	store store
}

// names are all fields of the kind.
var names = []string{"s3", "gcs", "azure_blob", "folder"}

func stores(c *api.ObjectStorageConnection) []declared {
	var set []declared
	if c.S3 != nil {
		set = append(set, declared{"s3", s3Store{c.S3}})
	}
	if c.GCS != nil {
		set = append(set, declared{"gcs", gcsStore{c.GCS}})
	}
	if c.AzureBlob != nil {
		set = append(set, declared{"azure_blob", azureStore{c.AzureBlob}})
	}
	if c.Folder != nil {
		set = append(set, declared{"folder", folderStore{c.Folder}})
	}
	return set
}

// Check finds what is wrong beyond single fields.
func (Kind) Check(target any) []spec.Problem {
	set := stores(target.(*api.ObjectStorageConnection))
	var given []string
	for _, one := range set {
		given = append(given, one.name)
	}
	problems := exactlyOne(names, given)
	for _, one := range set {
		for _, p := range one.store.check() {
			problems = append(problems, spec.Problem{Path: "/" + one.name + p.Path, Message: p.Message})
		}
	}
	return problems
}

// Warnings says what is unsafe.
func (Kind) Warnings(target any) []api.Warning {
	var warnings []api.Warning
	for _, one := range stores(target.(*api.ObjectStorageConnection)) {
		warnings = append(warnings, one.store.warnings("/spec/"+one.name)...)
	}
	return warnings
}

// References is empty.
func (Kind) References(any) []connection.Reference { return nil }

// Test walks to the store, checks the credentials, and lists at most one object. It changes nothing.
func (Kind) Test(ctx context.Context, target any) api.ConnectionTest {
	r := &probe.Recorder{}
	for _, one := range stores(target.(*api.ObjectStorageConnection)) {
		r.Own = func(field string) string { return ownField(one.name, field) }
		one.store.test(ctx, r)
	}
	return r.Result()
}

// ownField is where the kind has a field that a failure blames.
func ownField(name, field string) string {
	switch {
	case field == "/security_protocol":
		return "/" + name + "/endpoint"
	case strings.HasPrefix(field, "/tls/"):
		return "/" + name + field
	case strings.HasPrefix(field, "/"+name+"/"):
		return field
	}
	return ""
}

// exactlyOne finds what is wrong unless one of several fields is given.
func exactlyOne(all, given []string) []spec.Problem {
	switch len(given) {
	case 0:
		last := len(all) - 1
		return []spec.Problem{{Path: "/" + all[0], Message: "is required, unless " + strings.Join(all[1:last], ", ") + " or " + all[last] + " is given"}}
	case 1:
		return nil
	}
	var problems []spec.Problem
	for _, name := range slices.Backward(given[1:]) {
		problems = append(problems, spec.Problem{Path: "/" + name, Message: "cannot be used together with " + given[0]})
	}
	return problems
}

// checkEndpoint finds what is wrong with how a service is reached. The endpoint is empty where it is the service's own.
func checkEndpoint(endpoint string, settings *api.TLS) []spec.Problem {
	if endpoint == "" {
		return tlsclient.Check(settings, "/tls")
	}
	return append(httpclient.CheckURL(endpoint, "/endpoint", "https://storage.internal:9000"), access(settings).Check(endpoint)...)
}

func access(settings *api.TLS) httpclient.Access {
	return httpclient.Access{TLS: settings, Server: "service"}
}

// tlsWarnings are those of TLS settings below the pointer of a store.
func tlsWarnings(settings *api.TLS, base string) []api.Warning {
	return tlsclient.Warnings(settings, base+"/tls")
}
