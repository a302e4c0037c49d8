package provider_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/headgate/terraform-provider-headgate/internal/acctest"
	"github.com/headgate/terraform-provider-headgate/internal/acctest/fakeconnect"
	"github.com/headgate/terraform-provider-headgate/internal/acctest/fakekinesis"
	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/provider/providertest"
)

// values are what an optional attribute is set to at first, and again after it was taken away.
type values struct{ first, again string }

func same(value string) values { return values{value, value} }

// at is the value in a step: set, unset, set again.
func (v values) at(step int) string { return [...]string{v.first, "", v.again}[step] }

// variants are a resource with each of its optional attributes set and unset.
type variants struct {
	needs string
	// required writes what an instance cannot do without; n is a name of its own.
	required func(n string) string
	optional map[string]values
	// parts are further values of optional attributes, each in an instance of its own: parts of what optional has.
	parts map[string][]string
	// others are whole instances that required does not fit, in each step.
	others map[string][3]string
	// covered are optional attributes that are in required or in others, for they cannot be taken away alone.
	covered []string
	// single: there can be one only.
	single bool
}

// everyVariant has the variants of each resource, with the URLs of a Kafka Connect cluster and of Kinesis.
func everyVariant(d *acctest.Daemon, connectURL, kinesisURL string) map[string]variants {
	connections := providertest.Connections(d)
	return map[string]variants{
		"headgate_connection": {
			needs: providertest.Connections(d),
			required: func(n string) string {
				return fmt.Sprintf("name = %q\n kafka = {\n bootstrap_servers = %s\n security_protocol = \"PLAINTEXT\"\n}", strings.ReplaceAll(n, "_", "-"), providertest.List(d.Kafka))
			},
			optional: map[string]values{"test": same("false")},
			covered:  kinds(),
		},
		"headgate_topic": {
			needs: connections,
			required: func(n string) string {
				return fmt.Sprintf("connection_name = headgate_connection.main.name\n name = %q", n)
			},
			optional: map[string]values{
				"partitions":           {"2", "4"},
				"replication_factor":   same("2"),
				"replication_throttle": same(`"10MiB"`),
				"retention":            same(`"36h"`),
				"config":               same(`{ "cleanup.policy" = "compact, delete", "max.message.bytes" = "2097152" }`),
				"description":          same(`"orders"`),
				"labels":               same(`{ team = "payments" }`),
				"timeouts":             same(`{ update = "5m" }`),
			},
			// What is protected cannot be cleaned up.
			covered: []string{"deletion_protection"},
		},
		"headgate_topic_set": {
			needs: connections,
			required: func(n string) string {
				return fmt.Sprintf("connection_name = headgate_connection.main.name\n topics = {\n %q = { partitions = 4, deletion_protection = false }\n \"%s.b\" = { partitions = 4, deletion_protection = false, config = { \"segment.ms\" = \"60000\" } }\n}", n, n)
			},
			optional: map[string]values{
				"adopt_existing":       same("true"),
				"replication_throttle": same(`"10MiB"`),
				"timeouts":             same(`{ create = "5m", update = "5m" }`),
				"defaults":             same(`{ partitions = 4, replication_factor = 2, retention = "36h", config = { "cleanup.policy" = "compact, delete" }, labels = { team = "payments" }, deletion_protection = true }`),
			},
		},
		"headgate_schema": {
			needs: connections + `
resource "headgate_schema" "part" {
  connection_name = headgate_connection.registry.name
  subject         = "part"
  schema          = jsonencode({ type = "record", name = "Part", fields = [] })
}
`,
			required: func(n string) string {
				return fmt.Sprintf("connection_name = headgate_connection.registry.name\n subject = %q\n schema = jsonencode({ type = \"record\", name = \"R\", fields = [] })", n)
			},
			others: map[string][3]string{
				"follows": referring("follows", `{ name = "Part", subject = headgate_schema.part.subject }`),
				"pinned":  referring("pinned", `{ name = "Part", subject = headgate_schema.part.subject, version = headgate_schema.part.version }`),
			},
			optional: map[string]values{
				"format":          same(`"AVRO"`),
				"references":      same(`[]`),
				"compatibility":   same(`"FULL_TRANSITIVE"`),
				"mode":            same(`"READWRITE"`),
				"on_incompatible": same(`"override"`),
				"hard_delete":     same(`true`),
			},
		},
		"headgate_schema_registry_settings": {
			needs:    connections,
			required: func(string) string { return "connection_name = headgate_connection.registry.name" },
			optional: map[string]values{"compatibility": same(`"FULL"`), "mode": same(`"READWRITE"`)},
			single:   true,
		},
		"headgate_namespace": {
			needs: connections,
			required: func(n string) string {
				return fmt.Sprintf("name = %q\n topic_prefix = %q", strings.ReplaceAll(n, "_", "-"), n+".")
			},
			optional: map[string]values{
				"connections": same(`[headgate_connection.main.name]`),
				"owner":       same(`"team-payments"`),
				"environment": same(`"production"`),
				"limits":      same(`{ partitions = 48, retention = "720h", replication_factor = 3 }`),
			},
			parts: map[string][]string{"limits": {`{}`, `{ partitions = 48 }`, `{ retention = "720h" }`, `{ replication_factor = 3 }`}},
		},
		"headgate_acl": {
			needs: connections,
			required: func(n string) string {
				return fmt.Sprintf(`connection_name = headgate_connection.main.name
principal = "User:%s"
rules = {
  least = { resource_type = "TOPIC", resource_name = "orders", operations = ["READ"] }
  most  = { resource_type = "GROUP", resource_name = "billing-", pattern_type = "PREFIXED", operations = ["READ", "DESCRIBE"], permission = "DENY", host = "10.0.0.1" }
  said  = { resource_type = "CLUSTER", resource_name = "kafka-cluster", pattern_type = "LITERAL", operations = ["ALL"], permission = "ALLOW", host = "*" }
}`, n)
			},
		},
		"headgate_scram_user": {
			needs: connections,
			required: func(n string) string {
				return fmt.Sprintf("connection_name = headgate_connection.main.name\n username = %q\n password_wo = \"hunter-two\"", n)
			},
			optional: map[string]values{
				"password_wo_version": {"1", "2"},
				"mechanisms":          same(`["SCRAM-SHA-256", "SCRAM-SHA-512"]`),
				"iterations":          same("8192"),
			},
			covered: []string{"password_wo"},
		},
		"headgate_client_quota": {
			needs: connections,
			required: func(n string) string {
				return fmt.Sprintf("connection_name = headgate_connection.main.name\n user = %q\n client_id = \"reports\"\n producer_byte_rate = \"10MiB\"", n)
			},
			optional: map[string]values{
				"consumer_byte_rate":       same(`"1048576"`),
				"request_percentage":       same("12.5"),
				"controller_mutation_rate": same("20"),
			},
			others: map[string][3]string{
				"ip":        quotas(`ip = "10.0.0.1"`, "connection_creation_rate = 2000", "connection_creation_rate = 1000"),
				"others":    quotas(`ip = "<default>"`, "connection_creation_rate = 2000", "connection_creation_rate = 1000"),
				"user":      quotas(`user = "alone"`, `producer_byte_rate = "1MiB"`, "request_percentage = 50"),
				"client_id": quotas(`client_id = "alone"`, `consumer_byte_rate = "1MiB"`, "controller_mutation_rate = 5"),
			},
			// At least one has to be set, and one is for IP addresses only.
			covered: []string{"user", "client_id", "ip", "producer_byte_rate", "connection_creation_rate"},
		},
		"headgate_connector": {
			needs: providertest.Provider(d) + fmt.Sprintf("resource \"headgate_connection\" \"connect\" {\n name = \"connect\"\n kafka_connect = { urls = [%q] }\n}\n", connectURL),
			required: func(n string) string {
				return fmt.Sprintf("connection_name = headgate_connection.connect.name\n name = %q\n config = { \"connector.class\" = %q, \"connection.url\" = \"x\", \"topic.prefix\" = \"x\" }\n"+
					"sensitive_config_wo = { \"connection.password\" = \"secret\" }\n sensitive_config_wo_version = 1", n, fakeconnect.JDBC)
			},
			optional: map[string]values{
				"state":    {`"paused"`, `"stopped"`},
				"restart":  {`{ max_retries = 3 }`, `{ max_retries = 3, backoff = "1m" }`},
				"timeouts": same(`{ create = "1m", update = "1m" }`),
			},
			covered: []string{"sensitive_config_wo", "sensitive_config_wo_version"},
		},
		"headgate_stream": {
			needs: providertest.Provider(d) + providertest.Kinesis("aws", kinesisURL),
			required: func(n string) string {
				return fmt.Sprintf("connection_name = headgate_connection.aws.name\n name = %q", n)
			},
			optional: map[string]values{
				"shards":     {"1", "2"},
				"retention":  same(`"48h"`),
				"kms_key_id": same(`"alias/aws/kinesis"`),
				"tags":       same(`{ team = "web" }`),
				"timeouts":   same(`{ create = "5m" }`),
			},
			// PROVISIONED needs shards, which ON_DEMAND cannot have; without mode, shards decide.
			covered: []string{"deletion_protection", "mode"},
		},
		"headgate_consumer_group_offsets": {
			needs: connections + `
resource "headgate_topic" "moved" {
  connection_name     = headgate_connection.main.name
  name                = "moved"
  deletion_protection = false
}
`,
			required: func(n string) string {
				return fmt.Sprintf("connection_name = headgate_connection.main.name\n group = %q\n topics = [headgate_topic.moved.name]\n to = \"earliest\"", n)
			},
			optional: map[string]values{"trigger": {`"once"`, `"again"`}},
			// Exactly one of to, shift and offsets is needed.
			covered: []string{"topics", "to", "shift", "offsets"},
		},
		"headgate_source_connector": {
			needs: connections,
			required: func(n string) string {
				return fmt.Sprintf("name = %q\n kafka = {\n connection = headgate_connection.main.name\n topic_prefixes = [\"none.\"]\n}\n destination = {\n connection = headgate_connection.second.name\n topic_prefix = %q\n}",
					strings.ReplaceAll(n, "_", "-"), n+".")
			},
			optional: map[string]values{
				"guarantee":   same(`"at_least_once"`),
				"parallelism": same("2"),
				"state":       same(`"paused"`),
				"timeouts":    same(`{ create = "1m", update = "1m", delete = "1m" }`),
			},
			covered: kinds(),
		},
	}
}

// referring is a schema that refers to another one, to none, and to that one again. It grows by a field each time, for
// registries want new versions of it: some do not take another doc text for one.
func referring(subject, to string) [3]string {
	var steps [3]string
	fields := ""
	for i, references := range []string{"[" + to + "]", "null", "[" + to + "]"} {
		fields += fmt.Sprintf("{ name = \"f%d\", type = \"int\", default = 0 }, ", i)
		steps[i] = fmt.Sprintf("connection_name = headgate_connection.registry.name\n subject = %q\n references = %s\n schema = jsonencode({ type = \"record\", name = \"R\", fields = [%s] })", subject, references, fields)
	}
	return steps
}

// quotas are those of an entity: one, another one or another value of it, and the first again.
func quotas(entity, one, other string) [3]string {
	first := "connection_name = headgate_connection.main.name\n" + entity + "\n" + one
	return [3]string{first, strings.Replace(first, one, other, 1), first}
}

// kinds are the blocks of which there is exactly one; TestSecondPlanOfKindsIsEmpty sets and unsets what is in them.
func kinds() []string {
	all := api.BuiltinKinds()
	return slices.Concat(all.Connections.Names(), all.Sources.Names())
}

// onlyReal are the resources of systems that have no stand-in here: their own tests on the real system set and unset
// every attribute, and list them.
var onlyReal = []string{"headgate_pulsar_topic"}

// A second plan is empty, whatever is set: each optional attribute alone, all together, none, and each taken away and set
// again.
func TestAccSecondPlanIsEmpty(t *testing.T) {
	server := schemas(t, api.BuiltinKinds())
	d := acctest.Dev(t)
	all := everyVariant(d, fakeconnect.Start(t).URL, fakekinesis.Start(t, 1).URL)
	for name := range server.ResourceSchemas {
		if _, there := all[name]; !there && !slices.Contains(onlyReal, name) {
			t.Errorf("%s is not among the variants", name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		t.Run(name, func(t *testing.T) {
			v := all[name]
			for _, a := range server.ResourceSchemas[name].Block.Attributes {
				if _, set := v.optional[a.Name]; a.Optional && !set && !slices.Contains(v.covered, a.Name) {
					t.Errorf("the optional attribute %s is never set", a.Name)
				}
			}
			v.secondPlans(t, name)
		})
	}
}

// secondPlans wants them empty with the optional attributes set, unset and set again.
func (v variants) secondPlans(t *testing.T, typ string) {
	t.Helper()
	cli := providertest.NewCLI(t, "")
	defer func() {
		if out := cli.Run("destroy", "-auto-approve"); out.Code != 0 {
			t.Errorf("destroy: %s", out)
		}
	}()
	for step := range 3 {
		secondPlan(t, cli, v.needs+v.config(typ, step))
	}
}

// secondPlan applies a configuration, and wants a plan after that to be empty.
func secondPlan(t *testing.T, cli *providertest.CLI, config string) {
	t.Helper()
	cli.Write(config)
	if out := cli.Run("apply", "-auto-approve"); out.Code != 0 {
		t.Fatalf("apply: %s\n%s", out, config)
	}
	if out := cli.Run("plan"); out.Code != 0 || len(out.Changes) > 0 {
		t.Fatalf("the second plan is not empty: %s\n%s", out, config)
	}
}

// config is an instance for each optional attribute and part of one, one with all of them, and the others. An attribute
// without a value is left out.
func (v variants) config(typ string, step int) string {
	var b strings.Builder
	write := func(label, body string) {
		fmt.Fprintf(&b, "\nresource %q %q {\n%s\n}\n", typ, label, body)
	}
	instance := func(label string, set map[string]values) {
		body := v.required(strings.TrimPrefix(typ, "headgate_") + "_" + label)
		if slices.Contains(v.covered, "deletion_protection") {
			body += "\ndeletion_protection = false"
		}
		for _, name := range slices.Sorted(maps.Keys(set)) {
			if value := set[name].at(step); value != "" {
				body += fmt.Sprintf("\n%s = %s", name, value)
			}
		}
		write(label, body)
	}
	if !v.single {
		for name, value := range v.optional {
			instance("only_"+name, map[string]values{name: value})
		}
	}
	for name, parts := range v.parts {
		for i, part := range parts {
			instance(fmt.Sprintf("part_%s_%d", name, i), map[string]values{name: same(part)})
		}
	}
	for label, bodies := range v.others {
		write(label, bodies[step])
	}
	instance("all", v.optional)
	return b.String()
}
