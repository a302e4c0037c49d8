// Package stream is Terraform's view of Kinesis data streams.
package stream

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"time"

	"github.com/hashicorp/terraform-plugin-framework-timeouts/resource/timeouts"
	"github.com/hashicorp/terraform-plugin-framework-validators/int64validator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/booldefault"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/int64planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringdefault"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-log/tflog"

	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/provider/remote"
)

// settleTimeout is how long an apply waits for AWS unless told otherwise.
const settleTimeout = 30 * time.Minute

var key = remote.Key{
	Attributes: []string{"connection_name", "name"},
	Docs:       []string{"The connection of the region.", "The name of the stream."},
	Example:    "clicks/page-views",
}

// NewResource makes headgate_stream.
func NewResource() resource.Resource {
	return remote.NewObject(remote.Definition[model, api.Stream]{
		Type:       "stream",
		Key:        key,
		Schema:     resourceSchema,
		What:       (*model).what,
		Where:      (*model).where,
		Put:        put,
		Get:        get,
		Delete:     del,
		Generation: func(s *api.Stream) string { return s.Generation },
		Flatten:    (*model).flatten,
		Complete:   (*model).complete,
		Prepare:    prepare,
		Warnings:   func(s *api.Stream) []api.Warning { return s.Warnings },
		Timeouts:   func(m *model) timeouts.Value { return m.Timeouts },
		Timeout:    settleTimeout,
		Pages:      &remote.Pages[api.Stream]{Page: list, Key: func(s *api.Stream) []string { return []string{s.Connection, s.Name} }},
	})
}

func resourceSchema(ctx context.Context) schema.Schema {
	return schema.Schema{
		MarkdownDescription: "A stream of Amazon Kinesis Data Streams. Mode, shards, retention, encryption and tags change in place. What AWS would refuse is refused when planning, " +
			"and a stream is deleted, or its retention shortened where records may go, only with `deletion_protection = false`.",
		Attributes: map[string]schema.Attribute{
			"connection_name": schema.StringAttribute{
				MarkdownDescription: "The connection of the region, of kind `kinesis`. Changing it replaces the stream (destroys it and creates another).",
				Required:            true,
				PlanModifiers:       []planmodifier.String{stringplanmodifier.RequiresReplace()},
			},
			"name": schema.StringAttribute{
				MarkdownDescription: "The name of the stream (1 to 128 letters, digits, dots, dashes and underscores) or its ARN, such as `arn:aws:kinesis:eu-central-1:123456789012:stream/clicks`. " +
					"An ARN must be in the connection's region and account. When the connection's region changes, the stream stays behind in the old one: declare a connection for each region. Renaming replaces the stream (destroys it and creates another); writing the ARN instead of the name, or the name instead of the ARN, changes nothing.",
				Required:      true,
				Validators:    []validator.String{stringvalidator.RegexMatches(regexp.MustCompile(`^(arn:[a-z-]+:kinesis:[a-z0-9-]+:[0-9]{12}:stream/)?[a-zA-Z0-9_.-]{1,128}$`), "must be 1 to 128 letters, digits, dots, dashes and underscores, or the ARN of a stream")},
				PlanModifiers: []planmodifier.String{sameStream{}, stringplanmodifier.RequiresReplace()},
			},
			"mode": schema.StringAttribute{
				MarkdownDescription: "Who decides how many shards there are: AWS, by what is written (`ON_DEMAND`), or `shards` (`PROVISIONED`). It changes in place, which AWS allows twice in 24 hours. " +
					"Default: `PROVISIONED` where `shards` is set, else `ON_DEMAND`.",
				Optional:   true,
				Computed:   true,
				Validators: []validator.String{stringvalidator.OneOf(api.StreamOnDemand, api.StreamProvisioned)},
			},
			"shards": schema.Int64Attribute{
				MarkdownDescription: "The number of open shards, from 1 to 10000, with mode `PROVISIONED`. It changes in place: AWS splits or merges shards, at most doubling or halving the number at once, and ten times in 24 hours. " +
					"Headgate takes as many steps as are needed, and waits for each.",
				Optional:   true,
				Validators: []validator.Int64{int64validator.Between(1, 10000)},
			},
			"retention": schema.StringAttribute{
				MarkdownDescription: "How long records are kept, in whole hours from `24h` to `8760h` (a year). A shorter one deletes older records at once: it is refused while `deletion_protection` is on, unless the stream is too young to have any. Default: `24h`.",
				Optional:            true,
				Computed:            true,
				Default:             stringdefault.StaticString(api.DefaultStreamRetention),
			},
			"kms_key_id": schema.StringAttribute{
				MarkdownDescription: "The key to encrypt records with at rest: `alias/aws/kinesis`, which AWS owns, or the id, ARN or alias of a KMS key of yours. Without it, they are not encrypted.",
				Optional:            true,
				Validators:          []validator.String{stringvalidator.LengthBetween(1, 2048)},
			},
			"tags": schema.MapAttribute{
				MarkdownDescription: "Tags, at most 50. Only those declared here are managed: changes of them made elsewhere show in the next plan, other tags are left alone, and one that is no longer declared is taken away. " +
					"After an import all tags but AWS's own count as declared: repeat those to keep, or the next apply takes them away.",
				ElementType: types.StringType,
				Optional:    true,
			},
			"deletion_protection": schema.BoolAttribute{
				MarkdownDescription: "Whether Headgate refuses to delete the stream, and to shorten its retention where records may go. To delete it, apply `false` first; a retention may be shortened in the same apply. Default: `true`.",
				Optional:            true,
				Computed:            true,
				Default:             booldefault.StaticBool(true),
			},
			"arn": schema.StringAttribute{
				MarkdownDescription: "The stream's Amazon resource name.",
				Computed:            true,
				PlanModifiers:       []planmodifier.String{stringplanmodifier.UseStateForUnknown()},
			},
			"open_shards": schema.Int64Attribute{
				MarkdownDescription: "How many shards take records. With mode `ON_DEMAND` AWS changes it.",
				Computed:            true,
				PlanModifiers:       []planmodifier.Int64{int64planmodifier.UseStateForUnknown()},
			},
			"timeouts": timeoutsAttribute(ctx),
		},
	}
}

func timeoutsAttribute(ctx context.Context) schema.Attribute {
	return remote.Timeouts(ctx, "How long Terraform waits.", timeouts.Opts{
		Create: true, CreateDescription: "How long to wait until AWS has made the stream. Default: `30m`.",
		Update: true, UpdateDescription: "How long to wait until AWS has changed the stream; every step of resharding takes minutes. Default: `30m`.",
	})
}

// put writes until AWS has made it so: the daemon holds each request for a while, and the same again goes on.
func put(ctx context.Context, client *api.Client, w remote.Write[model], options api.WriteOptions) (*api.Stream, error) {
	connection, name, body := w.Plan.ConnectionName.ValueString(), w.Plan.Name.ValueString(), w.Plan.expand(w.State)
	answer, err := client.PutStream(ctx, connection, name, body, options)
	if err != nil || options.DryRun {
		return answer, err
	}
	for !answer.Settled { // a stream that was created is answered beside every error from here on
		tflog.Info(ctx, "AWS is changing the stream", map[string]any{"stream": name, "status": answer.Status, "open_shards": answer.OpenShards})
		now, err := client.PutStream(ctx, connection, name, body, api.WriteOptions{})
		if errors.Is(err, context.DeadlineExceeded) || ctx.Err() != nil {
			return answer, unsettled(w, answer)
		}
		if err != nil {
			return answer, err
		}
		answer = now
	}
	return answer, nil
}

func unsettled(w remote.Write[model], seen *api.Stream) error {
	remedy := "Apply again to go on, with a longer timeouts.update."
	if w.State.Name.IsNull() {
		remedy = "It exists, and Terraform's state has it as tainted. To keep it, run terraform untaint headgate_stream.<name>; then apply again, with a longer timeouts.update."
	}
	return &api.Error{
		Code: api.CodeUnavailable, Summary: fmt.Sprintf("AWS has not finished changing stream %q", seen.Name),
		Detail: fmt.Sprintf("When the time was over it was %s, with %d open shard(s).", seen.Status, seen.OpenShards), Remedy: remedy,
	}
}

func get(ctx context.Context, client *api.Client, m *model) (*api.Stream, error) {
	return client.GetStream(ctx, m.ConnectionName.ValueString(), m.Name.ValueString())
}

func del(ctx context.Context, client *api.Client, m *model, options api.WriteOptions) (*api.Deletion, error) {
	return client.DeleteStream(ctx, m.ConnectionName.ValueString(), m.Name.ValueString(), options)
}

func list(ctx context.Context, client *api.Client, connection, cursor string) (*api.Page[api.Stream], error) {
	return client.ListStreams(ctx, connection, cursor)
}

// prepare plans the mode that is meant, and the open shards that follow from it.
func prepare(_ context.Context, w remote.Write[model], _ *diag.Diagnostics) {
	if w.Config.Mode.IsNull() {
		w.Plan.Mode = impliedMode(w.Config.Shards)
	}
	if !w.Plan.Mode.Equal(w.State.Mode) || !w.Plan.Shards.Equal(w.State.Shards) {
		w.Plan.OpenShards = types.Int64Unknown()
	}
}

func impliedMode(shards types.Int64) types.String {
	switch {
	case shards.IsUnknown():
		return types.StringUnknown()
	case shards.IsNull():
		return types.StringValue(api.StreamOnDemand)
	}
	return types.StringValue(api.StreamProvisioned)
}
