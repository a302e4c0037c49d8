package topic

import (
	"context"
	"fmt"
	"maps"
	"math"
	"reflect"
	"strings"
	"time"

	"github.com/hashicorp/terraform-plugin-framework-validators/int64validator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/internal/spec"
	"github.com/headgate/terraform-provider-headgate/provider/explain"
	"github.com/headgate/terraform-provider-headgate/provider/kind"
	"github.com/headgate/terraform-provider-headgate/provider/remote"
)

type previewDataSource struct {
	remote.DataSource
}

var _ datasource.DataSourceWithConfigure = &previewDataSource{}

// NewPreviewDataSource makes the data source headgate_topic_preview.
func NewPreviewDataSource() datasource.DataSource { return &previewDataSource{} }

func (d *previewDataSource) Metadata(_ context.Context, req datasource.MetadataRequest, resp *datasource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_topic_preview"
}

func previewFields() []spec.Field { return spec.FieldsOf(reflect.TypeFor[api.Preview]()) }

func (d *previewDataSource) Schema(_ context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	attributes := kind.DataSourceAttributes(previewFields())
	maps.Copy(attributes, map[string]schema.Attribute{
		"connection_name": schema.StringAttribute{MarkdownDescription: "The connection of the cluster.", Required: true},
		"name":            schema.StringAttribute{MarkdownDescription: "The name of the topic.", Required: true},
		"last": schema.Int64Attribute{
			MarkdownDescription: "How many of the newest records to show, over all partitions. From 1 to 1,000. Default: `10`, unless `from_offset` or `from_time` is set.",
			Optional:            true,
			Validators:          []validator.Int64{int64validator.Between(1, 1000)},
		},
		"from_offset": schema.Int64Attribute{
			MarkdownDescription: "Begin at this offset, in each partition, instead of showing the newest.",
			Optional:            true,
			Validators:          []validator.Int64{int64validator.AtLeast(0)},
		},
		"from_time": schema.StringAttribute{
			MarkdownDescription: "Begin at this time, such as `2026-11-21T08:00:00Z`, instead of showing the newest.",
			Optional:            true,
			Validators:          []validator.String{timeValidator{}},
		},
		"limit": schema.Int64Attribute{
			MarkdownDescription: "With `from_offset` or `from_time`: how many records to show at most from there on, the earliest first. From 1 to 1,000. Default: `10`.",
			Optional:            true,
			Validators:          []validator.Int64{int64validator.Between(1, 1000)},
		},
		"partition": schema.Int64Attribute{
			MarkdownDescription: "Look at this partition only. Default: all.",
			Optional:            true,
			Validators:          []validator.Int64{int64validator.Between(0, math.MaxInt32)},
		},
		"key": schema.StringAttribute{
			MarkdownDescription: "Show only records with this key, by its bytes or as it is shown. The topic is searched as far as 10 seconds suffice.",
			Optional:            true,
			Validators:          []validator.String{stringvalidator.LengthAtLeast(1)},
		},
		"decode":     decodeAttribute("values"),
		"decode_key": decodeAttribute("keys"),
	})
	resp.Schema = schema.Schema{
		MarkdownDescription: "A few records of a topic, the newest or from an offset or a time on, decoded where the connection names a schema registry. The records end up in Terraform's state: do not preview what must not be there.",
		Attributes:          attributes,
	}
}

func decodeAttribute(what string) schema.Attribute {
	return schema.StringAttribute{
		MarkdownDescription: "How to make " + what + " readable: `registry` (the schema that they name in the connection's schema registry), `json`, `text`, `hex`, or `auto`, the first of these that fits. " +
			"With another one than `auto`, what it does not fit is shown as hex. Default: `auto`.",
		Optional:   true,
		Validators: []validator.String{stringvalidator.OneOf(api.PreviewDecodings...)},
	}
}

type timeValidator struct{}

func (timeValidator) Description(context.Context) string { return "an RFC 3339 time" }

func (v timeValidator) MarkdownDescription(ctx context.Context) string { return v.Description(ctx) }

func (timeValidator) ValidateString(_ context.Context, req validator.StringRequest, resp *validator.StringResponse) {
	if req.ConfigValue.IsNull() || req.ConfigValue.IsUnknown() {
		return
	}
	if _, err := time.Parse(time.RFC3339, req.ConfigValue.ValueString()); err != nil {
		resp.Diagnostics.AddAttributeError(req.Path, "The time is not valid", "Write it like 2026-11-21T08:00:00Z, or 2026-11-21T08:00:00+01:00.")
	}
}

// previewModel is what is asked for.
type previewModel struct {
	ConnectionName types.String
	Name           types.String
	Last           types.Int64
	FromOffset     types.Int64
	FromTime       types.String
	Limit          types.Int64
	Partition      types.Int64
	Key            types.String
	Decode         types.String
	DecodeKey      types.String
}

// attributes are the fields by their names.
func (m *previewModel) attributes() map[string]any {
	return map[string]any{
		"connection_name": &m.ConnectionName, "name": &m.Name, "last": &m.Last, "from_offset": &m.FromOffset, "from_time": &m.FromTime, "limit": &m.Limit,
		"partition": &m.Partition, "key": &m.Key, "decode": &m.Decode, "decode_key": &m.DecodeKey,
	}
}

func (m *previewModel) options() api.PreviewOptions {
	o := api.PreviewOptions{Last: int(m.Last.ValueInt64()), Limit: int(m.Limit.ValueInt64()), Decode: m.Decode.ValueString(), DecodeKey: m.DecodeKey.ValueString()}
	o.FromOffset, o.Key = m.FromOffset.ValueInt64Pointer(), m.Key.ValueStringPointer()
	if at, err := time.Parse(time.RFC3339, m.FromTime.ValueString()); err == nil {
		o.FromTime = &at
	}
	if !m.Partition.IsNull() {
		o.Partition = new(int32(m.Partition.ValueInt64())) // #nosec G115 -- the schema bounds it
	}
	return o
}

func previewWhere(pointer string) path.Path {
	if _, ok := (&previewModel{}).attributes()[strings.TrimPrefix(pointer, "/")]; ok {
		return path.Root(strings.TrimPrefix(pointer, "/"))
	}
	return path.Empty()
}

func (d *previewDataSource) Read(ctx context.Context, req datasource.ReadRequest, resp *datasource.ReadResponse) {
	client, ok := d.NeedClient(&resp.Diagnostics)
	m := &previewModel{}
	for name, field := range m.attributes() {
		resp.Diagnostics.Append(req.Config.GetAttribute(ctx, path.Root(name), field)...)
	}
	if !ok || resp.Diagnostics.HasError() {
		return
	}
	request := explain.Request{Doing: fmt.Sprintf("preview topic %q", m.Name.ValueString()), Where: remote.ConnectionOr(m, func(_ *previewModel, pointer string) path.Path { return previewWhere(pointer) })}
	preview, err := client.PreviewTopic(ctx, m.ConnectionName.ValueString(), m.Name.ValueString(), m.options())
	if err != nil {
		request.Error(&resp.Diagnostics, err)
		return
	}
	answer, err := kind.NewAnswer(preview, nil)
	if err != nil {
		request.Error(&resp.Diagnostics, err)
		return
	}
	resp.State.Raw = req.Config.Raw
	remote.SetAll(ctx, &resp.State, kind.Decode(previewFields(), answer, types.Object{}, kind.DataSource).Attributes(), &resp.Diagnostics)
}
