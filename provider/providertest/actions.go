package providertest

import (
	"fmt"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/headgate/terraform-provider-headgate/internal/acctest"
	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/provider"
)

// Actions asks the provider for its actions as Terraform 1.14 does: the Terraform that runs the tests may be older.
type Actions struct {
	t      *testing.T
	server interface {
		tfprotov6.ProviderServer
		tfprotov6.ActionServer
	}
	schemas map[string]*tfprotov6.ActionSchema
}

// NewActions makes a provider of a daemon; without one, its endpoint is not known yet.
func NewActions(t *testing.T, d *acctest.Daemon) *Actions {
	t.Helper()
	var ok bool
	a := &Actions{t: t}
	if a.server, ok = provider.Server("test", api.BuiltinKinds())().(interface {
		tfprotov6.ProviderServer
		tfprotov6.ActionServer
	}); !ok {
		t.Fatal("the provider has no actions")
	}
	schemas, err := a.server.GetProviderSchema(t.Context(), &tfprotov6.GetProviderSchemaRequest{})
	if err != nil {
		t.Fatal(err)
	}
	a.schemas = schemas.ActionSchemas
	endpoint := tftypes.NewValue(tftypes.String, tftypes.UnknownValue)
	if d != nil {
		endpoint = tftypes.NewValue(tftypes.String, d.Endpoint)
	}
	typ := schemas.Provider.ValueType()
	config, err := tfprotov6.NewDynamicValue(typ, tftypes.NewValue(typ, map[string]tftypes.Value{
		"endpoint": endpoint, "token": tftypes.NewValue(tftypes.String, nil), "ca_certificate": tftypes.NewValue(tftypes.String, nil),
	}))
	if err != nil {
		t.Fatal(err)
	}
	configured, err := a.server.ConfigureProvider(t.Context(), &tfprotov6.ConfigureProviderRequest{Config: &config})
	if err != nil || len(configured.Diagnostics) > 0 {
		t.Fatalf("configure: %v %s", err, Words(configured.Diagnostics))
	}
	return a
}

// Config is a configuration in JSON. What is listed as unknown is not known yet.
func (a *Actions) Config(action, text string, unknown ...string) *tfprotov6.DynamicValue {
	a.t.Helper()
	schema := a.schemas[action]
	if schema == nil {
		a.t.Fatalf("there is no action %s", action)
	}
	typ := schema.Schema.ValueType()
	value, err := (&tfprotov6.DynamicValue{JSON: []byte(text)}).Unmarshal(typ)
	if err != nil {
		a.t.Fatalf("%s: %v", text, err)
	}
	all := map[string]tftypes.Value{}
	if err := value.As(&all); err != nil {
		a.t.Fatal(err)
	}
	for _, name := range unknown {
		all[name] = tftypes.NewValue(all[name].Type(), tftypes.UnknownValue)
	}
	config, err := tfprotov6.NewDynamicValue(typ, tftypes.NewValue(typ, all))
	if err != nil {
		a.t.Fatal(err)
	}
	return &config
}

// Validate checks a configuration.
func (a *Actions) Validate(action string, config *tfprotov6.DynamicValue) []*tfprotov6.Diagnostic {
	a.t.Helper()
	resp, err := a.server.ValidateActionConfig(a.t.Context(), &tfprotov6.ValidateActionConfigRequest{ActionType: action, Config: config})
	if err != nil {
		a.t.Fatal(err)
	}
	return resp.Diagnostics
}

// Plan plans an action.
func (a *Actions) Plan(action string, config *tfprotov6.DynamicValue) []*tfprotov6.Diagnostic {
	a.t.Helper()
	resp, err := a.server.PlanAction(a.t.Context(), &tfprotov6.PlanActionRequest{ActionType: action, Config: config})
	if err != nil {
		a.t.Fatal(err)
	}
	return resp.Diagnostics
}

// Invoke does an action, and answers what it said meanwhile and in the end.
func (a *Actions) Invoke(action string, config *tfprotov6.DynamicValue) (progress []string, found []*tfprotov6.Diagnostic) {
	a.t.Helper()
	stream, err := a.server.InvokeAction(a.t.Context(), &tfprotov6.InvokeActionRequest{ActionType: action, Config: config})
	if err != nil {
		a.t.Fatal(err)
	}
	for event := range stream.Events {
		switch e := event.Type.(type) {
		case tfprotov6.ProgressInvokeActionEventType:
			progress = append(progress, e.Message)
		case tfprotov6.CompletedInvokeActionEventType:
			found = e.Diagnostics
		}
	}
	return progress, found
}

// Run goes all the way of an action: it answers what there is to say before it is invoked, meanwhile, and in the end.
func (a *Actions) Run(action, text string) (planned string, progress []string, done string) {
	a.t.Helper()
	config := a.Config(action, text)
	planned = Words(append(a.Validate(action, config), a.Plan(action, config)...))
	progress, found := a.Invoke(action, config)
	return planned, progress, Words(found)
}

// Words are diagnostics as text, each beginning with how bad it is.
func Words(found []*tfprotov6.Diagnostic) string {
	var all strings.Builder
	for _, one := range found {
		fmt.Fprintf(&all, "%s: %s\n%s\n", one.Severity, one.Summary, one.Detail)
		if one.Attribute != nil {
			fmt.Fprintf(&all, "on %s\n", one.Attribute)
		}
	}
	return all.String()
}
