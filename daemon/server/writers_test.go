package server_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"path"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/headgate/terraform-provider-headgate/internal/acctest/fakeconnect"
	"github.com/headgate/terraform-provider-headgate/internal/acctest/fakekinesis"
	"github.com/headgate/terraform-provider-headgate/internal/api"
)

// contested is an object that many want to change at once.
type contested struct {
	// path is where it is read, and written unless batch says otherwise.
	path string
	// batch is where it is written with others in one request.
	batch string
	// settled asks a read to wait for what a write has begun.
	settled string
	// body is one that differs from writer to writer; writer 0 creates it.
	body func(writer int) string
	// shows says whether an answer has what a writer wrote. Nil: that is a secret.
	shows func(answer string, writer int) bool
}

// uncontested are the writes of which several at once are no matter of generations, by the operation's id.
var uncontested = map[string]string{
	"reset-offsets":               "moving offsets is an act, and what was read of them is old at once",
	"put-kafka-connector-offsets": "moving offsets is an act, and what was read of them is old at once",
	"put-pulsar-topic":            "Pulsar has no stand-in: TestRealPulsarTopics has it",
}

func everyContested() map[string]contested {
	label := func(writer int) string { return fmt.Sprintf("writer-%d", writer) }
	has := func(answer string, writer int) bool { return strings.Contains(answer, label(writer)+`"`) }
	describe := func(w int) string { return fmt.Sprintf(`{"description":%q}`, label(w)) }
	// The compatibility and the mode of a registry have fourteen combinations.
	settings := func(w int) string {
		levels := []string{"NONE", "BACKWARD", "BACKWARD_TRANSITIVE", "FORWARD", "FORWARD_TRANSITIVE", "FULL", "FULL_TRANSITIVE"}
		return fmt.Sprintf(`"compatibility":%q,"mode":%q`, levels[w%len(levels)], []string{"READWRITE", "READONLY"}[w/len(levels)])
	}
	return map[string]contested{
		"topic":         {path: "/v1/connections/main/topics/contested", body: describe, shows: has},
		"topic of many": {path: "/v1/connections/main/topics/contested.too", batch: "/v1/connections/main/topics", body: describe, shows: has},
		"configs of a topic": {path: "/v1/connections/main/topics/contested.config", shows: has, body: func(w int) string {
			return fmt.Sprintf(`{"config":{"segment.ms":"%d"},"labels":{"by":%q}}`, 60000+w, label(w))
		}},
		"connection": {
			path: "/v1/connections/contested",
			body: func(w int) string {
				return fmt.Sprintf(`{"kind":"kafka","spec":{"bootstrap_servers":["%s.invalid:9092"],"security_protocol":"PLAINTEXT"},"test":false}`, label(w))
			},
			shows: func(answer string, w int) bool { return strings.Contains(answer, label(w)+".invalid") },
		},
		"namespace": {
			path:  "/v1/namespaces/contested",
			body:  func(w int) string { return fmt.Sprintf(`{"topic_prefix":"fought.","owner":%q}`, label(w)) },
			shows: has,
		},
		"schema": {
			path: "/v1/connections/registry/schemas/contested",
			body: func(w int) string {
				fields := make([]string, w)
				for i := range fields {
					fields[i] = fmt.Sprintf(`{"name":"f%d","type":"int","default":0}`, i)
				}
				text, _ := json.Marshal(fmt.Sprintf(`{"type":"record","name":"R","doc":%q,"fields":[%s]}`, label(w), strings.Join(fields, ",")))
				return fmt.Sprintf(`{"format":"AVRO","schema":%s}`, text)
			},
			shows: func(answer string, w int) bool { return strings.Contains(answer, label(w)+`\"`) },
		},
		"settings of a registry": {
			path:  "/v1/connections/settings/schema-registry-settings",
			body:  func(w int) string { return "{" + settings(w) + "}" },
			shows: func(answer string, w int) bool { return strings.Contains(answer, settings(w)) },
		},
		"ACLs": {
			path: "/v1/connections/main/acls/User:contested",
			body: func(w int) string {
				return fmt.Sprintf(`{"rules":[{"resource_type":"TOPIC","resource_name":%q,"operations":["READ"]}]}`, label(w))
			},
			shows: has,
		},
		"SCRAM user": {
			path: "/v1/connections/main/scram-users/contested",
			body: func(w int) string { return fmt.Sprintf(`{"iterations":%d,"password":%q}`, 5000+w, label(w)) },
			shows: func(answer string, w int) bool {
				return strings.Contains(answer, fmt.Sprintf(`"iterations":%d}`, 5000+w))
			},
		},
		"password of a SCRAM user": {
			path: "/v1/connections/main/scram-users/contested.password",
			body: func(w int) string { return fmt.Sprintf(`{"iterations":4096,"password":%q}`, label(w)) },
		},
		"client quota": {
			path: "/v1/connections/main/client-quotas/user=contested",
			body: func(w int) string { return fmt.Sprintf(`{"values":{"producer_byte_rate":%d}}`, 5000+w) },
			shows: func(answer string, w int) bool {
				return strings.Contains(answer, fmt.Sprintf(`"producer_byte_rate":%d}`, 5000+w))
			},
		},
		"stream": {
			path:  "/v1/connections/kinesis/streams/contested",
			body:  func(w int) string { return fmt.Sprintf(`{"tags":{"by":%q}}`, label(w)) },
			shows: has,
		},
		"connector": {
			path:    "/v1/connectors/contested",
			settled: "?wait=settled",
			body: func(w int) string {
				return fmt.Sprintf(`{"type":"source","kind":"kafka","spec":{"connection":"main","topic_prefixes":["none."]},"settings":{"destination":{"connection":"main","topic_prefix":"%s"}}}`, label(w))
			},
			shows: has,
		},
		"connector on Kafka Connect": {
			path:    "/v1/connections/connect/connectors/contested",
			settled: "?wait=settled",
			body: func(w int) string {
				return fmt.Sprintf(`{"config":{"connector.class":%q,"connection.url":"x","topic.prefix":%q}}`, fakeconnect.JDBC, label(w))
			},
			shows: has,
		},
	}
}

// Ten write at once what they have all read before: one is heard, the others are told, and nothing is overwritten unseen.
func TestTenWritersAtOnce(t *testing.T) {
	c := newClient(t)
	for name, body := range map[string]string{
		"registry": fmt.Sprintf(`{"kind":"schema_registry","spec":{"url":%q}}`, c.endpoint+"/registry"),
		// A registry of its own: the one that is heard may make it read-only.
		"settings": fmt.Sprintf(`{"kind":"schema_registry","spec":{"url":%q}}`, newClient(t).endpoint+"/registry"),
		"connect":  fmt.Sprintf(`{"kind":"kafka_connect","spec":{"urls":[%q]}}`, fakeconnect.Start(t).URL),
		"kinesis": fmt.Sprintf(`{"kind":"kinesis","spec":{"region":"eu-central-1","endpoint":%q,"credentials":{"access_key_id":"AKIDEXAMPLE","secret_access_key":"secret"}}}`,
			fakekinesis.Start(t, 0).URL),
	} {
		c.do(http.MethodPut, "/v1/connections/"+name, body, nil, http.StatusOK)
	}
	all := everyContested()
	for name, o := range all {
		t.Run(name, func(t *testing.T) {
			c := &client{t: t, endpoint: c.endpoint, http: c.http}
			if told, err := c.write(o, 0, ""); err != nil || told != nil {
				t.Fatalf("create: %v, %v", told, err)
			}
			_, raw := c.do(http.MethodGet, o.path+o.settled, "", nil, http.StatusOK)
			var read struct {
				Generation string `json:"generation"`
			}
			if err := json.Unmarshal(raw, &read); err != nil || read.Generation == "" {
				t.Fatalf("no generation: %s", raw)
			}
			winner := c.contest(o, read.Generation)
			_, raw = c.do(http.MethodGet, o.path+o.settled, "", nil, http.StatusOK)
			for w := range 11 {
				if o.shows != nil && o.shows(string(raw), w) != (w == winner) {
					t.Errorf("writer %d was heard, and there is now: %s", winner, raw)
				}
			}
		})
	}
	c.everyWrite(all)
}

// contest lets ten writers write at once, and answers which one was heard.
func (c *client) contest(o contested, generation string) int {
	c.t.Helper()
	var (
		mu    sync.Mutex
		heard []int
		wg    sync.WaitGroup
	)
	for w := 1; w <= 10; w++ {
		wg.Go(func() {
			told, err := c.write(o, w, generation)
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err != nil:
				c.t.Errorf("writer %d: %v", w, err)
			case told == nil:
				heard = append(heard, w)
			case told.Code != api.CodeConflict && told.Code != api.CodeUnavailable:
				c.t.Errorf("writer %d was told %v", w, told)
			}
		})
	}
	wg.Wait()
	if len(heard) != 1 {
		c.t.Fatalf("the writers %v were heard", heard)
	}
	return heard[0]
}

// write has a writer write over the generation that it has read, or anew where that is empty. It answers what the writer is
// told: nil, when it was heard.
func (c *client) write(o contested, writer int, generation string) (told *api.Error, err error) {
	method, at, body, header := http.MethodPut, o.path, o.body(writer), map[string]string{"If-Match": `"` + generation + `"`}
	if generation == "" {
		header = map[string]string{"If-None-Match": "*"}
	}
	name := path.Base(o.path)
	if o.batch != "" {
		put := fmt.Sprintf(`%s,"generation":%q,"create_only":%t}`, strings.TrimSuffix(body, "}"), generation, generation == "")
		method, at, body, header = http.MethodPatch, o.batch, fmt.Sprintf(`{"put":{%q:%s}}`, name, put), nil
	}
	status, _, answer, err := c.exchange(method, at, body, header)
	if err != nil {
		return nil, err
	}
	if status != http.StatusOK {
		told = &api.Error{}
		return told, json.Unmarshal(answer, told)
	}
	if o.batch == "" {
		return nil, nil
	}
	var outcomes api.TopicOutcomes
	if err := json.Unmarshal(answer, &outcomes); err != nil {
		return nil, err
	}
	one, there := outcomes.Topics[name]
	if !there {
		return nil, fmt.Errorf("the answer leaves the topic out: %s", answer)
	}
	return one.Error, nil
}

// everyWrite fails when the API has a write that no row is about.
func (c *client) everyWrite(all map[string]contested) {
	c.t.Helper()
	_, raw := c.do(http.MethodGet, "/openapi.json", "", nil, http.StatusOK)
	var description struct {
		Paths map[string]map[string]struct {
			OperationID string `json:"operationId"`
		} `json:"paths"`
	}
	if err := json.Unmarshal(raw, &description); err != nil {
		c.t.Fatal(err)
	}
	missing := map[string]bool{}
	for template, operations := range description.Paths {
		written := regexp.MustCompile("^" + regexp.MustCompile(`\\\{[a-z]+\\\}`).ReplaceAllString(regexp.QuoteMeta(template), "[^/]+") + "$")
		for method, operation := range operations {
			if method == "put" || method == "patch" {
				missing[operation.OperationID] = true
			}
			for _, o := range all {
				if method == "put" && o.batch == "" && written.MatchString(o.path) || method == "patch" && written.MatchString(o.batch) {
					missing[operation.OperationID] = false
				}
			}
		}
	}
	if len(missing) < len(uncontested) {
		c.t.Fatalf("the API is described with the writes %v", missing)
	}
	for id, nobody := range missing {
		if why := uncontested[id]; nobody != (why != "") {
			c.t.Errorf("%s: nobody contests it: %v; why not: %q", id, nobody, why)
		}
	}
}
