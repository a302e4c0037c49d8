// Package export writes Terraform configuration for what exists already: resources, with import blocks that take them
// over. Planning it changes nothing.
package export

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/headgate/terraform-provider-headgate/daemon/connection/kafka"
	"github.com/headgate/terraform-provider-headgate/daemon/connection/kafkaconnect"
	"github.com/headgate/terraform-provider-headgate/daemon/connection/kinesis"
	"github.com/headgate/terraform-provider-headgate/daemon/connection/pulsar"
	"github.com/headgate/terraform-provider-headgate/daemon/connection/registry"
	"github.com/headgate/terraform-provider-headgate/internal/api"
)

// Options say what to export.
type Options struct {
	// Connection is what to look behind; empty for the namespaces, which are behind none.
	Connection string
	// Prefix keeps to names that begin with it.
	Prefix string
	// LabelPrefix is put before the labels of the resources, so that what is behind two connections fits into one folder.
	LabelPrefix string
}

// exporter finds one kind of object behind a connection.
type exporter struct {
	what string
	find func(ctx context.Context, client *api.Client, o Options) ([]resource, error)
	// mayBeRefused leaves the objects out, with a note, where the system has none of them or does not let us look.
	mayBeRefused bool
}

// exporters are what there is to find behind each kind of connection.
func exporters(kind string) []exporter {
	if _, preset := kafka.Presets()[kind]; preset {
		kind = kafka.KindName
	}
	if slices.Contains(registry.Kinds(), kind) {
		return []exporter{{what: "schemas", find: schemas}}
	}
	switch kind {
	case kafka.KindName:
		return []exporter{
			{what: "topics", find: topics},
			{what: "ACLs", find: acls, mayBeRefused: true},
			{what: "SCRAM users", find: scramUsers, mayBeRefused: true},
			{what: "client quotas", find: quotas, mayBeRefused: true},
		}
	case kafkaconnect.KindName:
		return []exporter{{what: "connectors", find: connectors}}
	case kinesis.KindName:
		return []exporter{{what: "streams", find: streams}}
	case pulsar.KindName:
		return []exporter{{what: "topics", find: pulsarTopics}}
	default:
		return nil
	}
}

// Write writes import blocks and resources for everything behind a connection, or for the namespaces, sorted by type and
// name. It answers notes of what a person who looks for more should know, which are in what it writes too. A prefix that
// nothing begins with is an error, as is that nothing can be read, and nothing is written.
func Write(ctx context.Context, client *api.Client, out io.Writer, o Options) ([]string, error) {
	what, exporters, err := plan(ctx, client, o.Connection)
	if err != nil {
		return nil, err
	}
	var found []resource
	var notes []string
	unread := false
	for _, e := range exporters {
		more, err := e.find(ctx, client, o)
		if e.mayBeRefused && api.HasCode(err, api.CodeRefused) {
			notes = append(notes, fmt.Sprintf("Without %s: %v.", e.what, err))
			continue
		}
		if err != nil {
			return nil, err
		}
		for _, r := range more {
			if r.leftOut != "" {
				notes, unread = append(notes, r.leftOut), true
				continue
			}
			found = append(found, r)
		}
	}
	if len(found) == 0 && unread {
		return nil, nothingReadable(what, notes)
	}
	if len(found) == 0 && o.Prefix != "" {
		return nil, nothingBegins(what, o.Prefix, notes)
	}
	if len(found) == 0 {
		notes = append(notes, fmt.Sprintf("There are no %s.", what))
	}
	if _, err := out.Write(render(notes, found, o.LabelPrefix)); err != nil {
		return nil, fmt.Errorf("write configuration: %w", err)
	}
	return notes, nil
}

// plan tells what to look for, in words and by whom.
func plan(ctx context.Context, client *api.Client, connection string) (string, []exporter, error) {
	if connection == "" {
		return "namespaces", []exporter{{what: "namespaces", find: namespaces}}, nil
	}
	c, err := client.GetConnection(ctx, connection)
	if err != nil {
		return "", nil, err
	}
	all := exporters(c.Kind)
	if all == nil {
		return "", nil, api.Invalid("/connection", fmt.Sprintf("There is nothing to export behind connection %q", connection),
			fmt.Sprintf("It is of kind %s.", c.Kind), "Name a connection to a Kafka cluster, a schema registry, a Kafka Connect cluster, Amazon Kinesis or Apache Pulsar.")
	}
	names := make([]string, len(all))
	for i, e := range all {
		names[i] = e.what
	}
	what := names[0]
	if last := len(names) - 1; last > 0 {
		what = strings.Join(names[:last], ", ") + " or " + names[last]
	}
	return fmt.Sprintf("%s behind connection %q", what, connection), all, nil
}

func nothingReadable(what string, notes []string) error {
	return &api.Error{
		Code: api.CodeRefused, Summary: "There is nothing that can be exported",
		Detail: strings.Join(append([]string{fmt.Sprintf("These were looked at: %s.", what)}, notes...), " "),
	}
}

func nothingBegins(what, prefix string, notes []string) error {
	return &api.Error{
		Code: api.CodeNotFound, Summary: fmt.Sprintf("There is nothing to export: no name begins with %q", prefix),
		Detail: strings.Join(append([]string{fmt.Sprintf("These were looked at: %s.", what)}, notes...), " "), Remedy: "Try another --prefix, or none for all that there is.",
	}
}

// written reads a list as [all] does, and writes each of it.
func written[T any](prefix string, name func(T) string, write func(T) resource, page func(cursor string) (*api.Page[T], error)) ([]resource, error) {
	found, err := all(prefix, name, page)
	if err != nil {
		return nil, err
	}
	resources := make([]resource, len(found))
	for i, item := range found {
		resources[i] = write(item)
	}
	return resources, nil
}

// all reads every page of a list whose names begin with a prefix, sorted.
func all[T any](prefix string, name func(T) string, page func(cursor string) (*api.Page[T], error)) ([]T, error) {
	var items []T
	for cursor := ""; ; {
		p, err := page(cursor)
		if err != nil {
			return nil, err
		}
		for _, item := range p.Items {
			if strings.HasPrefix(name(item), prefix) {
				items = append(items, item)
			}
		}
		if cursor = p.Next; cursor == "" {
			break
		}
	}
	slices.SortFunc(items, func(a, b T) int { return strings.Compare(name(a), name(b)) })
	return items, nil
}
