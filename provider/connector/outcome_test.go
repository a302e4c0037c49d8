package connector_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"

	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/provider/providertest"
)

// fate is a daemon with one connector whose starts end as the test wants.
type fate struct {
	mu        sync.Mutex
	connector *api.Connector
	// outcome is what becomes of the connector at the first long poll after a write.
	outcome func(f *fate)
	// lost is the error of reading a connector that could not be created.
	lost  *api.Error
	polls int
}

func serve(t *testing.T, f *fate) string {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("PUT /v1/connectors/orders-in", f.put)
	mux.HandleFunc("GET /v1/connectors/orders-in", f.get)
	mux.HandleFunc("DELETE /v1/connectors/orders-in", f.delete)
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server.URL
}

func (f *fate) put(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var body api.ConnectorWrite
	next := &api.Connector{Name: "orders-in", Generation: "1", Status: api.ConnectorStatus{State: api.StateStarting, Instances: []api.InstanceStatus{}}}
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
		answer(w, api.Invalid("", err.Error(), "", ""))
		return
	}
	if f.connector != nil {
		next.Generation = f.connector.Generation + "+"
	}
	next.Type, next.Kind, next.Spec = body.Type, body.Kind, body.Spec
	if err := json.Unmarshal(body.Settings, &next.ConnectorSettings); err != nil {
		answer(w, api.Invalid("/settings", err.Error(), "", ""))
		return
	}
	if r.URL.Query().Get("dry_run") == "" {
		if got := r.URL.Query().Get("start_timeout"); got != "2m0s" {
			answer(w, api.Invalid("/name", "start_timeout is "+got, "", ""))
			return
		}
		f.connector, f.polls = next, 0
	}
	answer(w, next)
}

func (f *fate) get(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	// The first long poll ends without news, as when the daemon's limit is over.
	if f.polls++; r.URL.Query().Get("wait") == "settled" && f.polls == 2 {
		f.outcome(f)
	}
	switch {
	case f.connector != nil:
		answer(w, f.connector)
	case f.lost != nil:
		answer(w, f.lost)
	default:
		answer(w, api.NotFound("Connector", "orders-in"))
	}
}

func (f *fate) delete(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if r.URL.Query().Get("dry_run") == "" {
		f.connector = nil
	}
	answer(w, &api.Deletion{Effects: []api.Warning{}})
}

func answer(w http.ResponseWriter, content any) {
	w.Header().Set("Content-Type", "application/json")
	if e, ok := content.(*api.Error); ok {
		w.WriteHeader(e.HTTPStatus)
	}
	_ = json.NewEncoder(w).Encode(content)
}

func runs(f *fate) {
	f.connector.Status.State, f.connector.Status.Guarantee, f.connector.Status.GroupID = api.StateRunning, "at_least_once", "headgate-orders-in"
}

func declared(endpoint, more string) string {
	return fmt.Sprintf(`
provider "headgate" {
  endpoint = %q
}
resource "headgate_source_connector" "orders_in" {
  name        = "orders-in"
  kafka       = { connection = "second", topics = ["orders"] }
  destination = { connection = "main" }
  %s
}
`, endpoint, more)
}

// A create that cannot start leaves nothing in state, and tells the root cause.
func TestAccConnectorCannotStart(t *testing.T) {
	t.Parallel()
	f := &fate{}
	f.outcome = func(f *fate) {
		f.connector = nil
		f.lost = api.Refused(api.CodeStartFailed, "", `Connector "orders-in" could not start and was not created`, "write to topic orders: not authorized", "Allow it.")
	}
	config := declared(serve(t, f), "")
	again := providertest.Does(plancheck.ResourceActionCreate, address, config)
	again.PreConfig = func() { f.outcome = runs }
	test(t,
		resource.TestStep{Config: config, ExpectError: regexp.MustCompile(`(?s)could not start and was not created.*write to topic orders: not authorized.*Allow it`)},
		again,
	)
}

// An update that cannot start is taken back: state keeps what runs.
func TestAccConnectorTakenBack(t *testing.T) {
	t.Parallel()
	f := &fate{outcome: runs}
	endpoint := serve(t, f)
	takenBack := resource.TestStep{
		PreConfig: func() {
			f.outcome = func(f *fate) {
				runs(f)
				f.connector.Parallelism = 1
				f.connector.Status.RolledBack = &api.Rollback{Generation: "1+", Error: api.Failure{At: time.Now(), Summary: "no memory", Remedy: "Buy some."}}
			}
		},
		Config:      declared(endpoint, "parallelism = 1000"),
		ExpectError: regexp.MustCompile(`(?s)could not start with the change, which was taken back.*no memory.*Buy some`),
	}
	test(t, providertest.Applied(declared(endpoint, "")), takenBack, providertest.Unchanged(declared(endpoint, "")))
}

// A connector that started and failed at once stays in state, or it would be left behind.
func TestAccConnectorFails(t *testing.T) {
	t.Parallel()
	f := &fate{outcome: func(f *fate) {
		f.connector.Status.State = api.StateFailed
		f.connector.Status.Error = &api.Failure{At: time.Now(), Summary: "lost the cluster", Detail: "dial tcp: refused"}
	}}
	config := declared(serve(t, f), "")
	again := providertest.Does(plancheck.ResourceActionReplace, address, config, resource.TestCheckResourceAttr(address, "status.state", "running"))
	again.PreConfig = func() { f.outcome = runs }
	test(t,
		resource.TestStep{Config: config, ExpectError: regexp.MustCompile(`(?s)has failed.*lost the cluster.*dial tcp: refused`)},
		again,
		providertest.Unchanged(config),
	)
}
