// Package remote is what all resources and data sources share: the way to the daemon, and what is remembered between
// requests.
package remote

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/resource"

	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/provider/explain"
)

// Daemon is the daemon that the provider was configured with.
type Daemon struct {
	client *api.Client // nil: where it is depends on a value that is not known yet

	mu       sync.Mutex
	state    map[string]bool
	plan     map[string]bool
	replaced map[string]bool // what this plan replaces at the same address
	// What this plan deletes for good, and what it makes although it exists: by which type of resource.
	goes, again map[string]string
	// moved are the connections that this plan has lead elsewhere, by name.
	moved map[string]way
}

// way is from where to where a connection is moved, and between what: clusters or regions.
type way struct{ what, text string }

// New makes the daemon of a client; nil when where the daemon is depends on a value that is not known yet.
func New(client *api.Client) *Daemon {
	return &Daemon{
		client: client, state: map[string]bool{}, plan: map[string]bool{}, replaced: map[string]bool{},
		goes: map[string]string{}, again: map[string]string{}, moved: map[string]way{},
	}
}

// remember notes that Terraform's state has an object.
func (d *Daemon) remember(noun, id string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.state[noun+" "+id] = true
}

func (d *Daemon) remembers(noun, id string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.state[noun+" "+id]
}

// goesFirst says whether a planned create takes the place of an object that Terraform has in its state: that one goes
// first, so it is no error that it is still there. Terraform plans a replacement as a create without a prior state: it
// leaves the private data when the plan asked for the replacement, and nothing when the object is tainted.
func (d *Daemon) goesFirst(ctx context.Context, private privateData, noun, id string) bool {
	return generation(ctx, private) != "" || d.remembers(noun, id)
}

// will notes that an object is planned, so that what needs it may be planned before it is there.
func (d *Daemon) will(noun, id string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.plan[noun+" "+id] = true
}

func (d *Daemon) willHave(noun, id string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.plan[noun+" "+id]
}

// meet notes one side of an object that is both made and deleted, and answers the other.
func (d *Daemon) meet(own, other map[string]string, object, resourceType string) string {
	d.mu.Lock()
	defer d.mu.Unlock()
	own[object] = resourceType
	return other[object]
}

// willReplace notes that what goes with an object that is replaced was said.
func (d *Daemon) willReplace(noun, id string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.replaced[noun+" "+id] = true
}

func (d *Daemon) replaces(noun, id string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.replaced[noun+" "+id]
}

// leads notes where a plan has a connection lead.
func (d *Daemon) leads(connection, what, from, to string) {
	if from == "" || to == "" || from == to {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.moved[connection] = way{what, from + " -> " + to}
}

// moves says whether the plan has any connection lead elsewhere.
func (d *Daemon) moves() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.moved) > 0
}

// Resource is the part that all resources share. Embed it.
type Resource struct {
	daemon *Daemon
}

// Configure takes over what the provider was configured with.
func (r *Resource) Configure(_ context.Context, req resource.ConfigureRequest, _ *resource.ConfigureResponse) {
	r.Use(req.ProviderData)
}

// Use takes over what the provider was configured with; nothing before that is known.
func (r *Resource) Use(providerData any) {
	if daemon, ok := providerData.(*Daemon); ok {
		r.daemon = daemon
	}
}

// Client answers false when the daemon is not known yet: only a plan may go on without it.
func (r *Resource) Client() (*api.Client, bool) {
	if r.daemon == nil || r.daemon.client == nil {
		return nil, false
	}
	return r.daemon.client, true
}

// NeedClient adds an error when the daemon is not known.
func (r *Resource) NeedClient(diags *diag.Diagnostics) (*api.Client, bool) {
	client, ok := r.Client()
	if !ok {
		diags.AddError("The daemon is not known", "The provider's configuration depends on values that are still not known, so there is no daemon to ask.")
	}
	return client, ok
}

// WillGo notes that a type of resource deletes an object for good, and answers the type that the same plan makes it by,
// although it exists; empty when none does so far. Terraform plans the two in either order.
func (r *Resource) WillGo(noun, id, resourceType string) string {
	return r.daemon.meet(r.daemon.goes, r.daemon.again, noun+" "+id, resourceType)
}

// WillBeAgain notes that a type of resource makes an object that exists, and answers the type that the same plan deletes it
// for good by; empty when none does so far.
func (r *Resource) WillBeAgain(noun, id, resourceType string) string {
	return r.daemon.meet(r.daemon.again, r.daemon.goes, noun+" "+id, resourceType)
}

// MissingConnection judges that a connection does not exist: it is no error when the same plan makes it. Terraform plans
// what an attribute refers to first, so a connection that is made in the same plan, and referred to, is known here.
func (r *Resource) MissingConnection(name string) explain.Severity {
	if r.daemon.willHave("connection", name) {
		return explain.Ignore
	}
	return explain.Fail
}

// missing judges that something is not there yet. But for connections, which nobody else makes, it is a warning when the plan
// is not known to make it: others may.
func (r *Resource) missing(noun, id string) explain.Severity {
	switch {
	case noun == "":
		return explain.Fail
	case noun == "connection":
		return r.MissingConnection(id)
	case r.daemon.willHave(noun, id):
		return explain.Ignore
	default:
		return explain.Warn
	}
}

// Moved is the warning about an object whose connection the same plan has lead elsewhere. Terraform plans what an attribute
// refers to first, so a connection that is referred to is known here.
func (r *Resource) Moved(connection, what string) (summary, detail string, moved bool) {
	r.daemon.mu.Lock()
	to, moved := r.daemon.moved[connection]
	r.daemon.mu.Unlock()
	return fmt.Sprintf("Connection %q is to lead to another %s", connection, to.what),
		fmt.Sprintf("This plan has looked at %s in the %s that the connection leads to now. After the apply (%s) the new %[2]s counts: what is not there, the next plan makes anew; what the old %[2]s has stays as it is.", what, to.what, to.text), moved
}

// DataSource is the part that all data sources share. Embed it.
type DataSource struct {
	daemon *Daemon
}

// Configure takes over what the provider was configured with.
func (d *DataSource) Configure(_ context.Context, req datasource.ConfigureRequest, _ *datasource.ConfigureResponse) {
	if daemon, ok := req.ProviderData.(*Daemon); ok {
		d.daemon = daemon
	}
}

// NeedClient adds an error when the daemon is not known yet.
func (d *DataSource) NeedClient(diags *diag.Diagnostics) (*api.Client, bool) {
	if d.daemon == nil || d.daemon.client == nil {
		diags.AddError("The daemon is not known yet",
			"The provider's configuration depends on values that are known only after apply, so this data source cannot be read now. "+
				"Give the provider an endpoint and token that are known when planning, or apply what they depend on first, with -target.")
		return nil, false
	}
	return d.daemon.client, true
}

// privateData is the private data of a resource, in a request.
type privateData interface {
	GetKey(ctx context.Context, key string) ([]byte, diag.Diagnostics)
}

// privateSetter is the private data of a resource, in a response.
type privateSetter interface {
	SetKey(ctx context.Context, key string, value []byte) diag.Diagnostics
}

// Keys of private data.
const (
	generationKey  = "generation"
	declarationKey = "declaration"
	importKey      = "import" // set from an import to the first read
)

// generation is the generation of the object as it was last seen; empty when it never was.
func generation(ctx context.Context, private privateData) string {
	return get(ctx, private, generationKey)
}

// setGeneration keeps the generation, out of sight so that plans stay quiet.
func setGeneration(ctx context.Context, private privateSetter, generation string) diag.Diagnostics {
	return set(ctx, private, generationKey, generation)
}

func get(ctx context.Context, private privateData, key string) string {
	raw, diags := private.GetKey(ctx, key)
	if diags.HasError() || len(raw) == 0 {
		return ""
	}
	var value string
	if json.Unmarshal(raw, &value) != nil {
		return ""
	}
	return value
}

func set(ctx context.Context, private privateSetter, key, value string) diag.Diagnostics {
	raw, err := json.Marshal(value)
	if err != nil {
		return diag.Diagnostics{diag.NewErrorDiagnostic("Cannot keep the "+key, err.Error())}
	}
	return private.SetKey(ctx, key, raw)
}

// Absent reads an error: gone says that the object is proven absent. lost says that the connection it is behind is, so
// that nothing is known about the object itself.
func Absent(err error) (gone, lost bool) {
	var e *api.Error
	if !errors.As(err, &e) || e.Code != api.CodeNotFound {
		return false, false
	}
	lost = e.Attribute == "/connection"
	return !lost, lost
}

// warnLost warns that the connection of an object is gone.
func warnLost(diags *diag.Diagnostics, what, connection, consequence string) {
	diags.AddWarning(fmt.Sprintf("Connection %q does not exist", connection), fmt.Sprintf("So nothing is known about %s: %s", what, consequence))
}
