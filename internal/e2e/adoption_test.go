package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/headgate/terraform-provider-headgate/internal/real"
)

// A cluster that other tools have made is exported, and the plan of what was exported takes everything over and changes
// nothing.
func TestRealAdoption(t *testing.T) {
	kafka := real.Dedicated(t, real.KafkaOptions{Config: map[string]string{
		"authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer", "allow.everyone.if.no.acl.found": "true",
	}})
	servers := kafka.BootstrapServers(real.ListenerPlaintext)
	made := append(cliTopics(strings.Join(servers, ","), 200), cliACLs(strings.Join(servers, ","), 100)...)
	must(t, kafka.Tool(t.Context(), strings.NewReader(strings.Join(made, "\n")), "testdata/KafkaTools.java"))
	subjects := strings.ToLower(real.Name(t)) + "."
	registerSchemas(t, real.Shared(t).Apicurio.CompatURL(), subjects, 50)

	d := serve(t)
	d.connectKafka("main", servers)
	d.connect("registry", "schema_registry", map[string]any{"url": real.Shared(t).Apicurio.CompatURL()})
	tf := newTerraform(t, d, "")
	tf.export(d, "topics.tf", "main")
	tf.export(d, "schemas.tf", "registry", "--prefix", subjects)

	out := tf.run("plan", "-input=false", "-no-color", "-out=adopt.plan")
	if out.code != 0 || !regexp.MustCompile(`Plan: (\d+) to import, 0 to add, 0 to change, 0 to destroy`).MatchString(out.stdout) {
		t.Fatalf("the plan of what was exported ended with %d:\n%s", out.code, changed(out.all()))
	}
	if out := tf.run("apply", "-input=false", "-no-color", "adopt.plan"); out.code != 0 {
		t.Fatalf("apply ended with %d:\n%s", out.code, out.all())
	}
	tf.emptyPlan()
	if n := len(tf.resources()); n != 200+10+2+50 {
		t.Errorf("%d resources were taken over: there are 200 topics, the ACLs of 10 principals, the 2 users of every test cluster and 50 schemas", n)
	}
}

// changed is what a plan says beyond what it leaves as it is.
func changed(plan string) string {
	var lines []string
	for line := range strings.SplitSeq(plan, "\n") {
		if regexp.MustCompile(`^\s*[~+-]|^Error|^Plan|Warning|^│|must be replaced`).MatchString(line) {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines[:min(len(lines), 200)], "\n")
}

// export writes what headgated exports beside the configuration.
func (t *terraform) export(d *daemon, file string, args ...string) {
	t.tb.Helper()
	out := d.command(append([]string{"export"}, args...)...)
	if out.code != 0 {
		t.tb.Fatalf("export ended with %d:\n%s", out.code, out.all())
	}
	must(t.tb, os.WriteFile(filepath.Join(t.dir, file), []byte(out.stdout), 0o600))
}

// cliTopics are calls of kafka-topics that make n topics, no two alike.
func cliTopics(servers string, n int) []string {
	configs := []string{
		"", "cleanup.policy=compact", "cleanup.policy=compact,delete", "retention.ms=3600000", "retention.ms=-1", "retention.ms=123457", "retention.bytes=1073741824",
		"max.message.bytes=2097152", "segment.ms=86400000", "compression.type=zstd", "min.insync.replicas=1", "message.timestamp.type=LogAppendTime", "unclean.leader.election.enable=true",
	}
	names := []string{"orders", "payments.refunds", "Legacy_Topic", "a-b.c_d", "0numbers", "_underscore", "x"}
	calls := make([]string, n)
	for i := range n {
		call := []string{
			"org.apache.kafka.tools.TopicCommand", "--bootstrap-server", servers, "--create", "--topic", fmt.Sprintf("%s-%d", names[i%len(names)], i),
			"--partitions", fmt.Sprint(1 + i%7), "--replication-factor", "1",
		}
		for _, c := range []string{configs[i%len(configs)], configs[(i/len(configs))%len(configs)]} {
			if c != "" && !strings.Contains(strings.Join(call, " "), strings.Split(c, "=")[0]) {
				call = append(call, "--config", c)
			}
		}
		calls[i] = strings.Join(call, "\t")
	}
	return calls
}

// cliACLs are calls of kafka-acls that make n ACLs of ten principals.
func cliACLs(servers string, n int) []string {
	operations := []string{"Read", "Write", "Describe", "Alter", "Delete"}
	calls := make([]string, n)
	for i := range n {
		on := []string{"--topic", fmt.Sprintf("orders-%d", i)}
		switch i % 4 {
		case 1:
			on = []string{"--topic", fmt.Sprintf("payments.%d.", i), "--resource-pattern-type", "prefixed"}
		case 2:
			on = []string{"--group", fmt.Sprintf("billing-%d", i)}
		}
		allow := "--allow"
		if i%9 == 8 {
			allow = "--deny"
		}
		operation := operations[i%len(operations)]
		if i%4 == 2 {
			operation = "Read"
		}
		calls[i] = strings.Join(append([]string{
			"org.apache.kafka.tools.AclCommand", "--bootstrap-server", servers, "--add", allow + "-principal", fmt.Sprintf("User:team-%d", i%10), "--operation", operation,
		}, on...), "\t")
	}
	return calls
}

// registerSchemas registers n schemas of all formats, some with two versions, a reference or a mode of their own.
func registerSchemas(t *testing.T, url, prefix string, n int) {
	t.Helper()
	post := func(method, path string, body any) {
		t.Helper()
		raw, err := json.Marshal(body)
		must(t, err)
		req, err := http.NewRequestWithContext(t.Context(), method, url+path, bytes.NewReader(raw))
		must(t, err)
		req.Header.Set("Content-Type", "application/json")
		resp, err := http.DefaultClient.Do(req)
		must(t, err)
		defer func() { _ = resp.Body.Close() }()
		if resp.StatusCode != http.StatusOK {
			t.Fatalf("%s %s: %s", method, path, resp.Status)
		}
	}
	type schema = map[string]any
	register := func(subject string, s schema) { post(http.MethodPost, "/subjects/"+prefix+subject+"/versions", s) }
	register("money", schema{"schema": `{"type":"record","name":"Money","namespace":"shop","fields":[{"name":"amount","type":"long"}]}`})
	for i := 1; i < n; i++ {
		subject := fmt.Sprintf("s%02d-value", i)
		switch i % 5 {
		case 0:
			register(subject, schema{"schemaType": "JSON", "schema": fmt.Sprintf(`{"$schema":"http://json-schema.org/draft-07/schema#","title":"T%d","type":"object","properties":{"id":{"type":"string"},"note":{"type":"string","pattern":"^[a-z$]{1,3}$"}}}`, i)})
		case 1:
			register(subject, schema{"schemaType": "PROTOBUF", "schema": fmt.Sprintf("syntax = \"proto3\";\npackage shop;\n\n// Has ${nothing} to %%{interpolate}.\nmessage M%d {\n  string id = 1;\n}\n", i)})
		case 2:
			register(subject, schema{
				"schema":     fmt.Sprintf(`{"type":"record","name":"Order%d","namespace":"shop","fields":[{"name":"total","type":"shop.Money"}]}`, i),
				"references": []schema{{"name": "shop.Money", "subject": prefix + "money", "version": 1}},
			})
		default:
			register(subject, schema{"schema": fmt.Sprintf(`{"type":"record","name":"R%d","doc":"It costs \u00a3 <1> & \"2\".","fields":[{"name":"id","type":"string"}]}`, i)})
			register(subject, schema{"schema": fmt.Sprintf(`{"type":"record","name":"R%d","doc":"Version 2","fields":[{"name":"id","type":"string"},{"name":"n","type":["null","int"],"default":null}]}`, i)})
		}
		if i%7 == 0 {
			post(http.MethodPut, "/config/"+prefix+subject, schema{"compatibility": "FULL_TRANSITIVE"})
		}
	}
}
