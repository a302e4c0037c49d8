// Package connectiontest makes connections for tests of what uses them.
package connectiontest

import (
	"maps"
	"slices"
	"testing"

	"github.com/headgate/terraform-provider-headgate/daemon/connection"
	"github.com/headgate/terraform-provider-headgate/daemon/connection/apicurio"
	"github.com/headgate/terraform-provider-headgate/daemon/connection/glue"
	"github.com/headgate/terraform-provider-headgate/daemon/connection/kafka"
	"github.com/headgate/terraform-provider-headgate/daemon/connection/kafkaconnect"
	"github.com/headgate/terraform-provider-headgate/daemon/connection/kinesis"
	"github.com/headgate/terraform-provider-headgate/daemon/connection/schemaregistry"
	"github.com/headgate/terraform-provider-headgate/daemon/secret"
	"github.com/headgate/terraform-provider-headgate/daemon/store"
	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/internal/spec"
)

// New makes a service that knows connections to Kafka, presets included, to Kafka Connect, to Kinesis, and to schema
// registries of every kind.
func New(tb testing.TB, st *store.Store) *connection.Service {
	tb.Helper()
	sealer, err := secret.Ephemeral()
	if err != nil {
		tb.Fatal(err)
	}
	impls := map[string]connection.Kind{
		kafka.KindName: kafka.Kind{}, schemaregistry.KindName: schemaregistry.Kind{}, apicurio.KindName: apicurio.Kind{}, glue.KindName: glue.Kind{},
		kafkaconnect.KindName: kafkaconnect.Kind{}, kinesis.KindName: kinesis.Kind{},
	}
	maps.Copy(impls, kafka.Presets())
	kinds := slices.DeleteFunc(api.BuiltinKinds().Connections, func(k spec.Kind) bool { return impls[k.Name] == nil })
	conns, err := connection.New(st, sealer, kinds, impls)
	if err != nil {
		tb.Fatal(err)
	}
	return conns
}
