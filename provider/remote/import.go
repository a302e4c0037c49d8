package remote

import (
	"context"
	"fmt"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/identityschema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

// Key names the attributes that tell one object from another: one, or two with a slash between them in import ids. They
// are the resource's identity and have the same names in its schema.
type Key struct {
	Attributes []string
	Docs       []string
	// Example is an import id.
	Example string
}

// IdentitySchema is the schema of the identity.
func (k Key) IdentitySchema() identityschema.Schema {
	attributes := map[string]identityschema.Attribute{}
	for i, name := range k.Attributes {
		attributes[name] = identityschema.StringAttribute{RequiredForImport: true, Description: k.Docs[i]}
	}
	return identityschema.Schema{Attributes: attributes}
}

// Import puts the key into state, from the import id or from the identity.
func (k Key) Import(ctx context.Context, req resource.ImportStateRequest, resp *resource.ImportStateResponse) {
	values, ok := k.values(ctx, req, &resp.Diagnostics)
	if !ok || !k.possible(ctx, values, resp) {
		return
	}
	for i, name := range k.Attributes {
		resp.Diagnostics.Append(resp.State.SetAttribute(ctx, path.Root(name), values[i])...)
	}
}

const notValid = "The import id is not valid"

// possible refuses what no configuration could say either, by the validators of the attributes.
func (k Key) possible(ctx context.Context, values []string, resp *resource.ImportStateResponse) bool {
	for i, name := range k.Attributes {
		declared, _ := resp.State.Schema.AttributeAtPath(ctx, path.Root(name))
		text, ok := declared.(schema.StringAttribute)
		if !ok {
			continue
		}
		for _, v := range text.Validators {
			var said validator.StringResponse
			v.ValidateString(ctx, validator.StringRequest{Path: path.Root(name), PathExpression: path.MatchRoot(name), ConfigValue: types.StringValue(values[i])}, &said)
			for _, d := range said.Diagnostics.Errors() {
				resp.Diagnostics.AddError(notValid, fmt.Sprintf("%s. An id is of the form %s, such as %q.", strings.TrimSuffix(d.Detail(), "."), strings.Join(k.Attributes, "/"), k.Example))
			}
		}
	}
	return !resp.Diagnostics.HasError()
}

func (k Key) values(ctx context.Context, req resource.ImportStateRequest, diags *diag.Diagnostics) ([]string, bool) {
	if req.ID == "" && req.Identity != nil {
		return k.identityValues(ctx, req.Identity, diags)
	}
	values := strings.SplitN(req.ID, "/", len(k.Attributes))
	for _, v := range values {
		if v == "" || len(values) != len(k.Attributes) {
			diags.AddError(notValid, fmt.Sprintf("%q is not of the form %s, such as %q.", req.ID, strings.Join(k.Attributes, "/"), k.Example))
			return nil, false
		}
	}
	return values, true
}

func (k Key) identityValues(ctx context.Context, identity *tfsdk.ResourceIdentity, diags *diag.Diagnostics) ([]string, bool) {
	values := make([]string, len(k.Attributes))
	for i, name := range k.Attributes {
		diags.Append(identity.GetAttribute(ctx, path.Root(name), &values[i])...)
	}
	return values, !diags.HasError()
}

// SetIdentity fills the identity from what state has.
func (k Key) SetIdentity(ctx context.Context, identity *tfsdk.ResourceIdentity, state tfsdk.State, diags *diag.Diagnostics) {
	if identity == nil {
		return
	}
	for _, name := range k.Attributes {
		var value types.String
		diags.Append(state.GetAttribute(ctx, path.Root(name), &value)...)
		diags.Append(identity.SetAttribute(ctx, path.Root(name), value)...)
	}
}
