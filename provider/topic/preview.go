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
	"github.com/headgate/terraform-provider-headgate/provider/kind"
	"github.com/headgate/terraform-provider-headgate/provider/remote"
)

// NewPreviewDataSource makes the data source headgate_topic_preview.
func NewPreviewDataSource() datasource.DataSource {
	return remote.NewView(remote.View[types.Object, api.Preview]{
		Type: "topic_preview", Doing: "preview", Schema: previewSchema,
		What:  func(m *types.Object) string { return fmt.Sprintf("topic %q", previewText(m, "name").ValueString()) },
		Where: previewWhere,
		Get: func(ctx context.Context, client *api.Client, m *types.Object) (*api.Preview, error) {
			return client.PreviewTopic(ctx, previewText(m, "connection_name").ValueString(), previewText(m, "name").ValueString(), previewOptions(m))
		},
		Show: showPreview,
	})
}

func previewFields() []spec.Field { return spec.FieldsOf(reflect.TypeFor[api.Preview]()) }

func previewSchema(context.Context) schema.Schema {
	attributes := kind.DataSourceAttributes(previewFields())
	maps.Copy(attributes, map[string]schema.Attribute{
		"connection_name": schema.StringAttribute{MarkdownDescription: "The connection of the cluster.", Required: true},
		"name":            schema.StringAttribute{MarkdownDescription: "The name of the topic.", Required: true},
		"last": schema.Int64Attribute{
			MarkdownDescription: "How many of the newest records to show, over all partitions. Not with `from_offset` or `from_time`. From 1 to 1000. Default: `10`.",
			Optional:            true,
			Validators:          []validator.Int64{int64validator.Between(1, 1000)},
		},
		"from_offset": schema.Int64Attribute{
			MarkdownDescription: "Begin at this offset, in each partition, instead of showing the newest. Not with `from_time`.",
			Optional:            true,
			Validators:          []validator.Int64{int64validator.AtLeast(0)},
		},
		"from_time": schema.StringAttribute{
			MarkdownDescription: "Begin at this RFC 3339 time, such as `2026-11-21T08:00:00Z`, instead of showing the newest. Not with `from_offset`.",
			Optional:            true,
			Validators:          []validator.String{timeValidator{}},
		},
		"limit": schema.Int64Attribute{
			MarkdownDescription: "How many records to show at most from there on, the earliest first. Only with `from_offset` or `from_time`. From 1 to 1000. Default: `10`.",
			Optional:            true,
			Validators:          []validator.Int64{int64validator.Between(1, 1000)},
		},
		"partition": schema.Int64Attribute{
			MarkdownDescription: "Look at this partition only. Default: all.",
			Optional:            true,
			Validators:          []validator.Int64{int64validator.Between(0, math.MaxInt32)},
		},
		"key": schema.StringAttribute{
			MarkdownDescription: "Show only records with this key, given as its raw bytes or as `key` shows it. The search stops after 10 seconds.",
			Optional:            true,
			Validators:          []validator.String{stringvalidator.LengthAtLeast(1)},
		},
		"decode":     decodeAttribute("values"),
		"decode_key": decodeAttribute("keys"),
	})
	return schema.Schema{
		MarkdownDescription: "A few records of a topic, the newest or from an offset or a time on, decoded where the connection names a schema registry. The records end up in Terraform's state: do not preview what must not be there.",
		Attributes:          attributes,
	}
}

func decodeAttribute(what string) schema.Attribute {
	return schema.StringAttribute{
		MarkdownDescription: "How to make " + what + " readable: `registry` (the schema that they name in the connection's schema registry), `json`, `text`, `hex`, or `auto`, the first of these that fits. " +
			"With any other, values that do not fit it are shown as hex. Default: `auto`.",
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

func previewText(m *types.Object, name string) types.String {
	return kind.Attribute[types.String](*m, name)
}

// previewOptions is what is asked for.
func previewOptions(m *types.Object) api.PreviewOptions {
	number := func(name string) types.Int64 { return kind.Attribute[types.Int64](*m, name) }
	o := api.PreviewOptions{
		Last: int(number("last").ValueInt64()), Limit: int(number("limit").ValueInt64()), FromOffset: number("from_offset").ValueInt64Pointer(),
		Key: previewText(m, "key").ValueStringPointer(), Decode: previewText(m, "decode").ValueString(), DecodeKey: previewText(m, "decode_key").ValueString(),
	}
	if at, err := time.Parse(time.RFC3339, previewText(m, "from_time").ValueString()); err == nil {
		o.FromTime = &at
	}
	if partition := number("partition"); !partition.IsNull() {
		o.Partition = new(int32(partition.ValueInt64())) // #nosec G115 -- the schema bounds it
	}
	return o
}

func previewWhere(m *types.Object, pointer string) path.Path {
	if name := strings.TrimPrefix(pointer, "/"); m.Attributes()[name] != nil {
		return path.Root(name)
	}
	return path.Empty()
}

func showPreview(m *types.Object, p *api.Preview) error {
	answer, err := kind.NewAnswer(p, nil)
	if err != nil {
		return err
	}
	return kind.Set(m, kind.Decode(previewFields(), answer, types.Object{}, kind.DataSource).Attributes())
}
