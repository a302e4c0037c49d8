package export

import (
	"context"
	"maps"
	"strings"

	"github.com/zclconf/go-cty/cty"

	"github.com/headgate/terraform-provider-headgate/internal/api"
)

func streams(ctx context.Context, client *api.Client, o Options) ([]resource, error) {
	return written(o.Prefix, func(s api.Stream) string { return s.Name }, stream, func(cursor string) (*api.Page[api.Stream], error) {
		return client.ListStreams(ctx, o.Connection, cursor)
	})
}

func stream(s api.Stream) resource {
	r := resource{typ: "headgate_stream", name: s.Name, importID: s.Connection + "/" + s.Name}
	r.setText("connection_name", s.Connection)
	r.setText("name", s.Name)
	r.setText("mode", s.Mode)
	if s.Mode == api.StreamProvisioned {
		r.set("shards", cty.NumberIntVal(s.OpenShards))
	}
	r.setText("retention", string(s.Retention))
	r.setTextUnlessEmpty("kms_key_id", s.KMSKeyID)
	tags := maps.Clone(s.Tags)
	maps.DeleteFunc(tags, func(name, _ string) bool { return api.ReservedStreamTag(name) })
	r.setMap("tags", tags)
	r.setProtection(s.DeletionProtection)
	return r
}

// pulsarTopics are those of the connection's namespace.
func pulsarTopics(ctx context.Context, client *api.Client, o Options) ([]resource, error) {
	name := func(t api.PulsarTopic) string { return t.Name }
	if !strings.Contains(o.Prefix, "://") {
		name = func(t api.PulsarTopic) string { return t.Name[strings.LastIndex(t.Name, "/")+1:] }
	}
	return written(o.Prefix, name, pulsarTopic, func(cursor string) (*api.Page[api.PulsarTopic], error) {
		return client.ListPulsarTopics(ctx, o.Connection, cursor)
	})
}

func pulsarTopic(t api.PulsarTopic) resource {
	r := resource{typ: "headgate_pulsar_topic", name: t.Name, importID: t.Connection + "/" + t.Name}
	r.setText("connection_name", t.Connection)
	r.setText("name", t.Name)
	r.set("partitions", cty.NumberIntVal(t.Partitions))
	// Either of the two alone has the other unlimited.
	bySize := t.RetentionSize != "" && t.RetentionSize != api.Unlimited
	if t.Retention != "" && (t.Retention != api.Unlimited || !bySize) {
		r.setText("retention", t.Retention)
	}
	if bySize {
		r.setText("retention_size", t.RetentionSize)
	}
	r.setProtection(t.DeletionProtection)
	return r
}
