package remote_test

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/provider/explain"
	"github.com/headgate/terraform-provider-headgate/provider/remote"
)

var pair = remote.Key{Attributes: []string{"connection_name", "name"}, Docs: []string{"A.", "B."}, Example: "main/orders"}

type pairModel struct {
	ConnectionName types.String `tfsdk:"connection_name"`
	Name           types.String `tfsdk:"name"`
}

func TestImport(t *testing.T) {
	object := pair.IdentitySchema().Type().TerraformType(t.Context())
	identity := &tfsdk.ResourceIdentity{Schema: pair.IdentitySchema(), Raw: tftypes.NewValue(object, map[string]tftypes.Value{
		"connection_name": tftypes.NewValue(tftypes.String, "main"), "name": tftypes.NewValue(tftypes.String, "orders"),
	})}
	for _, tt := range []struct {
		req  resource.ImportStateRequest
		want pairModel
		ok   bool
	}{
		{resource.ImportStateRequest{ID: "main/orders"}, pairModel{types.StringValue("main"), types.StringValue("orders")}, true},
		{resource.ImportStateRequest{ID: "registry/a/b"}, pairModel{types.StringValue("registry"), types.StringValue("a/b")}, true},
		{resource.ImportStateRequest{Identity: identity}, pairModel{types.StringValue("main"), types.StringValue("orders")}, true},
		{req: resource.ImportStateRequest{ID: "orders"}},
		{req: resource.ImportStateRequest{ID: "/orders"}},
		{req: resource.ImportStateRequest{ID: "main/"}},
		{req: resource.ImportStateRequest{ID: "main/Orders"}}, // which no configuration could say
		{req: resource.ImportStateRequest{}},
	} {
		own := schema.Schema{Attributes: map[string]schema.Attribute{
			"connection_name": schema.StringAttribute{Required: true}, "name": schema.StringAttribute{Required: true, Validators: []validator.String{stringvalidator.RegexMatches(regexp.MustCompile(`^[a-z/]+$`), "must be lower-case")}},
		}}
		resp := resource.ImportStateResponse{State: tfsdk.State{Schema: own, Raw: tftypes.NewValue(own.Type().TerraformType(t.Context()), nil)}}
		pair.Import(t.Context(), tt.req, &resp)
		if ok := !resp.Diagnostics.HasError(); ok != tt.ok {
			t.Errorf("%q: %v", tt.req.ID, resp.Diagnostics)
			continue
		}
		if !tt.ok {
			continue
		}
		var got pairModel
		resp.State.Get(t.Context(), &got)
		if got != tt.want {
			t.Errorf("%q: %v, want %v", tt.req.ID, got, tt.want)
		}
	}
}

func TestAbsenceHasToBeProven(t *testing.T) {
	connection := api.NotFound("Connection", "main")
	connection.Attribute = "/connection"
	for _, tt := range []struct {
		err        error
		gone, lost bool
	}{
		{nil, false, false},
		{api.NotFound("Topic", "orders"), true, false},
		{fmt.Errorf("read: %w", api.NotFound("Topic", "orders")), true, false},
		{connection, false, true},
		{api.Conflict("Topic", "orders"), false, false},
		{&api.UnreachableError{Err: errors.New("404 of a proxy")}, false, false},
	} {
		if gone, lost := remote.Absent(tt.err); gone != tt.gone || lost != tt.lost {
			t.Errorf("%v: gone %v, lost %v", tt.err, gone, lost)
		}
	}
}

func TestDryDelete(t *testing.T) {
	effects := &api.Deletion{Effects: []api.Warning{{Summary: "1,707 records in 4 partitions go"}, {Summary: "Group a is active on it", Detail: "It has 2 members."}}}
	for _, tt := range []struct {
		name     string
		deletion *api.Deletion
		err      error
		want     []string
	}{
		{"nothing goes", &api.Deletion{}, nil, nil},
		{"effects", effects, nil, []string{"Warning: What goes with topic x: - 1,707 records in 4 partitions go.\n- Group a is active on it. It has 2 members."}},
		{"protected", nil, api.Refused(api.CodeProtected, "", "Protected", "", "Unprotect it."), []string{"Error: Protected: Unprotect it."}},
		{"its users may go first", nil, api.Refused(api.CodeInUse, "", "In use", "", ""), nil},
		{"gone already", nil, api.NotFound("Topic", "x"), nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var diags diag.Diagnostics
			remote.DryDelete(&diags, explain.Request{Doing: "delete topic x"}, "topic x", tt.deletion, tt.err)
			var got []string
			for _, d := range diags {
				got = append(got, fmt.Sprintf("%s: %s: %s", d.Severity(), d.Summary(), d.Detail()))
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("%q, want %q", got, tt.want)
			}
		})
	}
}
