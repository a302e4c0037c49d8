package export

import (
	"context"

	"github.com/zclconf/go-cty/cty"

	"github.com/headgate/terraform-provider-headgate/internal/api"
)

func namespaces(ctx context.Context, client *api.Client, o Options) ([]resource, error) {
	return written(o.Prefix, func(n api.Namespace) string { return n.Name }, namespace, func(cursor string) (*api.Page[api.Namespace], error) {
		return client.ListNamespaces(ctx, cursor)
	})
}

func namespace(n api.Namespace) resource {
	r := resource{typ: "headgate_namespace", name: n.Name, importID: n.Name}
	r.setText("name", n.Name)
	r.setText("topic_prefix", n.TopicPrefix)
	if len(n.Connections) > 0 {
		list := make([]cty.Value, len(n.Connections))
		for i, name := range n.Connections {
			list[i] = cty.StringVal(name)
		}
		r.set("connections", cty.ListVal(list))
	}
	r.setTextUnlessEmpty("owner", n.Owner)
	r.setTextUnlessEmpty("environment", n.Environment)
	if n.Limits != nil {
		r.set("limits", limits(*n.Limits))
	}
	return r
}

func limits(l api.NamespaceLimits) cty.Value {
	values := map[string]cty.Value{}
	if l.Partitions != 0 {
		values["partitions"] = cty.NumberIntVal(l.Partitions)
	}
	if l.Retention != "" {
		values["retention"] = cty.StringVal(string(l.Retention))
	}
	if l.ReplicationFactor != 0 {
		values["replication_factor"] = cty.NumberIntVal(l.ReplicationFactor)
	}
	return cty.ObjectVal(values)
}
