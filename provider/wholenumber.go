package provider

import (
	"context"
	"fmt"
	"math/big"

	"github.com/hashicorp/terraform-plugin-framework/action"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/ephemeral"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/headgate/terraform-provider-headgate/provider/explain"
)

// Terraform has one type of numbers, and the framework words what does not fit into a whole one for those who write
// providers. The diagnostics of a refused configuration are looked through for that here, whatever the attribute.

// typed is a schema of the framework's.
type typed interface {
	Type() attr.Type
	TypeAtTerraformPath(ctx context.Context, path *tftypes.AttributePath) (attr.Type, error)
}

// worded are the diagnostics of a configuration. Those about a number that should be a whole one take the place of all others,
// which it distorts.
func worded(ctx context.Context, schema func(ctx context.Context, typeName string) typed, typeName string, config *tfprotov6.DynamicValue, found []*tfprotov6.Diagnostic) []*tfprotov6.Diagnostic {
	if config == nil || !anyError(found) {
		return found
	}
	of := schema(ctx, typeName)
	if of == nil {
		return found
	}
	value, err := config.Unmarshal(of.Type().TerraformType(ctx))
	if err != nil {
		return found
	}
	var broken []*tfprotov6.Diagnostic
	err = tftypes.Walk(value, func(at *tftypes.AttributePath, one tftypes.Value) (bool, error) {
		if !one.Type().Is(tftypes.Number) || !one.IsKnown() || one.IsNull() {
			return true, nil
		}
		var number big.Float
		if err := one.As(&number); err != nil {
			return false, err
		}
		if wanted, err := of.TypeAtTerraformPath(ctx, at); err == nil && wanted.Equal(types.Int64Type) {
			broken = append(broken, notWhole(at, &number)...)
		}
		return true, nil
	})
	if err != nil || len(broken) == 0 {
		return found
	}
	return broken
}

func anyError(found []*tfprotov6.Diagnostic) bool {
	for _, one := range found {
		if one.Severity == tfprotov6.DiagnosticSeverityError {
			return true
		}
	}
	return false
}

func notWhole(at *tftypes.AttributePath, number *big.Float) []*tfprotov6.Diagnostic {
	if _, accuracy := number.Int64(); accuracy == big.Exact {
		return nil
	}
	name := explain.PathText(at)
	reason := fmt.Sprintf("%s is not one.", number.Text('g', -1))
	if number.IsInt() {
		reason = fmt.Sprintf("%s does not fit into 64 bits.", number.Text('g', -1))
	}
	return []*tfprotov6.Diagnostic{{
		Severity: tfprotov6.DiagnosticSeverityError, Summary: name + " must be a whole number", Detail: fmt.Sprintf("%s Set %s to a whole number.", reason, name),
		Attribute: tftypes.NewAttributePathWithSteps(at.Steps()[:1]), // Terraform shows more of a root attribute than of one in it
	}}
}

// resourceSchema answers nil for a type that the framework does not serve.
func (p *headgate) resourceSchema(ctx context.Context, typeName string) typed {
	for _, newOne := range p.Resources(ctx) {
		r, named := newOne(), resource.MetadataResponse{}
		if r.Metadata(ctx, resource.MetadataRequest{ProviderTypeName: typeNamePrefix}, &named); named.TypeName == typeName {
			var resp resource.SchemaResponse
			r.Schema(ctx, resource.SchemaRequest{}, &resp)
			return resp.Schema
		}
	}
	return nil
}

func (p *headgate) dataSourceSchema(ctx context.Context, typeName string) typed {
	for _, newOne := range p.DataSources(ctx) {
		d, named := newOne(), datasource.MetadataResponse{}
		if d.Metadata(ctx, datasource.MetadataRequest{ProviderTypeName: typeNamePrefix}, &named); named.TypeName == typeName {
			var resp datasource.SchemaResponse
			d.Schema(ctx, datasource.SchemaRequest{}, &resp)
			return resp.Schema
		}
	}
	return nil
}

func (p *headgate) ephemeralSchema(ctx context.Context, typeName string) typed {
	for _, newOne := range p.EphemeralResources(ctx) {
		e, named := newOne(), ephemeral.MetadataResponse{}
		if e.Metadata(ctx, ephemeral.MetadataRequest{ProviderTypeName: typeNamePrefix}, &named); named.TypeName == typeName {
			var resp ephemeral.SchemaResponse
			e.Schema(ctx, ephemeral.SchemaRequest{}, &resp)
			return resp.Schema
		}
	}
	return nil
}

func (p *headgate) actionSchema(ctx context.Context, typeName string) typed {
	for _, newOne := range p.Actions(ctx) {
		a, named := newOne(), action.MetadataResponse{}
		if a.Metadata(ctx, action.MetadataRequest{ProviderTypeName: typeNamePrefix}, &named); named.TypeName == typeName {
			var resp action.SchemaResponse
			a.Schema(ctx, action.SchemaRequest{}, &resp)
			return resp.Schema
		}
	}
	return nil
}
