// Package export writes Terraform configuration for what exists already: resources, with import blocks that take them
// over. Planning it changes nothing.
package export

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/headgate/terraform-provider-headgate/daemon/connection/apicurio"
	"github.com/headgate/terraform-provider-headgate/daemon/connection/glue"
	"github.com/headgate/terraform-provider-headgate/daemon/connection/kafka"
	"github.com/headgate/terraform-provider-headgate/daemon/connection/schemaregistry"
	"github.com/headgate/terraform-provider-headgate/internal/api"
)

// Options say what to export.
type Options struct {
	Connection string
	// Prefix keeps to names that begin with it.
	Prefix string
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
	switch kind {
	case kafka.KindName:
		return []exporter{
			{what: "topics", find: topics},
			{what: "ACLs", find: acls, mayBeRefused: true},
			{what: "SCRAM users", find: scramUsers, mayBeRefused: true},
			{what: "client quotas", find: quotas, mayBeRefused: true},
		}
	case schemaregistry.KindName, apicurio.KindName, glue.KindName:
		return []exporter{{what: "schemas", find: schemas}}
	default:
		return nil
	}
}

// Write writes import blocks and resources for everything behind a connection, sorted by type and name.
func Write(ctx context.Context, client *api.Client, out io.Writer, o Options) error {
	connection, err := client.GetConnection(ctx, o.Connection)
	if err != nil {
		return err
	}
	exporters := exporters(connection.Kind)
	if exporters == nil {
		return api.Invalid("/connection", fmt.Sprintf("There is nothing to export behind connection %q", o.Connection),
			fmt.Sprintf("It is of kind %s.", connection.Kind), "Name a connection to a Kafka cluster or a schema registry.")
	}
	var found []resource
	var notes []string
	for _, e := range exporters {
		more, err := e.find(ctx, client, o)
		if e.mayBeRefused && api.HasCode(err, api.CodeRefused) {
			notes = append(notes, fmt.Sprintf("Without %s: %v.", e.what, err))
			continue
		}
		if err != nil {
			return err
		}
		found = append(found, more...)
	}
	if _, err := out.Write(render(notes, found)); err != nil {
		return fmt.Errorf("write configuration: %w", err)
	}
	return nil
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
