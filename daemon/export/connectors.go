package export

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/zclconf/go-cty/cty"

	"github.com/headgate/terraform-provider-headgate/internal/api"
)

var connectorName = regexp.MustCompile(api.KafkaConnectorNamePattern)

// connectors come without their secrets, which never leave the daemon: those that the connectors have stay as long as
// the configuration declares none.
func connectors(ctx context.Context, client *api.Client, o Options) ([]resource, error) {
	return written(o.Prefix, func(k api.KafkaConnector) string { return k.Name }, connector, func(cursor string) (*api.Page[api.KafkaConnector], error) {
		return client.ListKafkaConnectors(ctx, o.Connection, cursor)
	})
}

func connector(k api.KafkaConnector) resource {
	r := resource{typ: "headgate_connector", name: k.Name, importID: k.Connection + "/" + k.Name}
	if !connectorName.MatchString(k.Name) {
		r.leftOut = fmt.Sprintf("Without connector %q: Headgate cannot manage a connector of this name.", k.Name)
		return r
	}
	r.comments = secrets(k.SensitiveKeys)
	r.setText("connection_name", k.Connection)
	r.setText("name", k.Name)
	r.set("config", textMap(k.Config))
	if k.State != "" && k.State != api.StateRunning {
		r.setText("state", k.State)
	}
	if p := k.Restart; p != nil {
		policy := map[string]cty.Value{"max_retries": cty.NumberIntVal(p.MaxRetries)}
		if p.Backoff != "" && p.Backoff != api.DefaultRestartBackoff {
			policy["backoff"] = cty.StringVal(p.Backoff)
		}
		r.set("restart", cty.ObjectVal(policy))
	}
	return r
}

// secrets tells where the secret part of a configuration is. Nothing of it is written, not even as a variable: a value
// that is declared replaces the one that the connector has.
func secrets(keys []string) []string {
	if len(keys) == 0 {
		return nil
	}
	keys = slices.Sorted(slices.Values(keys))
	return []string{
		"Secret, and left as the connector has it: " + strings.Join(keys, ", ") + ".",
		"To have Terraform set it, fill in all of it: sensitive_config_wo = { " + fmt.Sprintf("%q", keys[0]) + " = var.… }, and sensitive_config_wo_version = 1.",
	}
}
