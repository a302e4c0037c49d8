package export

import (
	"context"
	"fmt"
	"maps"

	"github.com/zclconf/go-cty/cty"

	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/internal/spec"
)

func topics(ctx context.Context, client *api.Client, o Options) ([]resource, error) {
	var unread []resource
	found, err := written(o.Prefix, func(t api.Topic) string { return t.Name }, topic, func(cursor string) (*api.Page[api.Topic], error) {
		page, err := client.ListTopics(ctx, o.Connection, api.TopicQuery{Prefix: o.Prefix}, cursor)
		if err != nil {
			return nil, err
		}
		for _, w := range page.Warnings {
			unread = append(unread, resource{leftOut: fmt.Sprintf("%s: %s", w.Summary, w.Detail)})
		}
		return page, nil
	})
	return append(found, unread...), err
}

func topic(t api.Topic) resource {
	r := resource{typ: "headgate_topic", name: t.Name, importID: t.Connection + "/" + t.Name}
	r.setText("connection_name", t.Connection)
	r.setText("name", t.Name)
	r.set("partitions", cty.NumberIntVal(t.Partitions))
	r.set("replication_factor", cty.NumberIntVal(t.ReplicationFactor))
	r.setText("retention", spec.RetentionText(t.InForce(api.RetentionConfig)))
	config := maps.Clone(t.Config)
	delete(config, api.RetentionConfig)
	r.setMap("config", config)
	r.setTextUnlessEmpty("description", t.Description)
	r.setMap("labels", t.Labels)
	r.setProtection(t.DeletionProtection)
	return r
}
