package server_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/headgate/terraform-provider-headgate/internal/api"
)

// contested is an object that many want to change at once.
type contested struct {
	path string
	// settled asks a read to wait for what a write has begun.
	settled string
	// body is one that differs from writer to writer; writer 0 creates it.
	body func(writer int) string
	// shows says whether an answer has what a writer wrote.
	shows func(answer string, writer int) bool
}

func everyContested() map[string]contested {
	label := func(writer int) string { return fmt.Sprintf("writer-%d", writer) }
	has := func(answer string, writer int) bool { return strings.Contains(answer, label(writer)+`"`) }
	return map[string]contested{
		"topic": {
			path:  "/v1/connections/main/topics/contested",
			body:  func(w int) string { return fmt.Sprintf(`{"description":%q}`, label(w)) },
			shows: has,
		},
		"connection": {
			path: "/v1/connections/contested",
			body: func(w int) string {
				return fmt.Sprintf(`{"kind":"kafka","spec":{"bootstrap_servers":["%s.invalid:9092"],"security_protocol":"PLAINTEXT"},"test":false}`, label(w))
			},
			shows: func(answer string, w int) bool { return strings.Contains(answer, label(w)+".invalid") },
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
		"connector": {
			path:    "/v1/connectors/contested",
			settled: "?wait=settled",
			body: func(w int) string {
				return fmt.Sprintf(`{"type":"source","kind":"kafka","spec":{"connection":"main","topic_prefixes":["none."]},"settings":{"destination":{"connection":"main","topic_prefix":"%s"}}}`, label(w))
			},
			shows: has,
		},
	}
}

// Ten write at once what they have all read before: one is heard, the others are told, and nothing is overwritten unseen.
func TestTenWritersAtOnce(t *testing.T) {
	c := newClient(t)
	registry, _ := json.Marshal(c.endpoint + "/registry")
	c.do(http.MethodPut, "/v1/connections/registry", fmt.Sprintf(`{"kind":"schema_registry","spec":{"url":%s}}`, registry), nil, http.StatusOK)
	for name, o := range everyContested() {
		t.Run(name, func(t *testing.T) {
			c := &client{t: t, endpoint: c.endpoint, http: c.http}
			c.do(http.MethodPut, o.path, o.body(0), map[string]string{"If-None-Match": "*"}, http.StatusOK)
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
				if o.shows(string(raw), w) != (w == winner) {
					t.Errorf("writer %d was heard, and there is now: %s", winner, raw)
				}
			}
		})
	}
}

// contest lets ten writers write at once, and answers which one was heard.
func (c *client) contest(o contested, generation string) int {
	c.t.Helper()
	var (
		mu     sync.Mutex
		heard  []int
		wg     sync.WaitGroup
		header = map[string]string{"If-Match": `"` + generation + `"`}
	)
	for w := 1; w <= 10; w++ {
		wg.Go(func() {
			status, _, answer, err := c.exchange(http.MethodPut, o.path, o.body(w), header)
			mu.Lock()
			defer mu.Unlock()
			var e api.Error
			switch {
			case err != nil:
				c.t.Error(err)
			case status == http.StatusOK:
				heard = append(heard, w)
			case json.Unmarshal(answer, &e) != nil || e.Code != api.CodeConflict && e.Code != api.CodeUnavailable:
				c.t.Errorf("writer %d was told %d %s", w, status, answer)
			}
		})
	}
	wg.Wait()
	if len(heard) != 1 {
		c.t.Fatalf("the writers %v were heard", heard)
	}
	return heard[0]
}
