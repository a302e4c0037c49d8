package kafka_test

import (
	"encoding/json"
	"errors"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/internal/real"
)

// secured is a cluster that asks for a password, and refuses it on demand. Who is logged in stays so.
type secured struct {
	*kfake.Cluster
	refuses atomic.Bool
}

func startSecured(t *testing.T, opts ...kfake.Opt) *secured {
	t.Helper()
	fake, err := kfake.NewCluster(append([]kfake.Opt{kfake.NumBrokers(1), kfake.SeedTopics(1, "orders"), kfake.EnableSASL(), kfake.Superuser("PLAIN", "billing", "secret")}, opts...)...)
	must(t, err)
	t.Cleanup(fake.Close)
	s := &secured{Cluster: fake}
	fake.ControlKey(kmsg.SASLAuthenticate.Int16(), func(req kmsg.Request) (kmsg.Response, error, bool) {
		fake.KeepControl()
		if !s.refuses.Load() {
			return nil, nil, false
		}
		refusal := req.ResponseKind().(*kmsg.SASLAuthenticateResponse)
		refusal.ErrorCode = kerr.SaslAuthenticationFailed.Code
		return refusal, nil, true
	})
	return s
}

// cut ends the connection of the next fetch.
func (s *secured) cut() {
	s.ControlKey(kmsg.Fetch.Int16(), func(kmsg.Request) (kmsg.Response, error, bool) { return nil, errors.New("cut"), true })
}

// connectAs declares a connection to a secured cluster.
func (h *harness) connectAs(name, user string, s *secured) {
	h.t.Helper()
	spec, _ := json.Marshal(map[string]any{
		"bootstrap_servers": s.ListenAddrs(), "security_protocol": "SASL_PLAINTEXT", "sasl": map[string]any{"mechanism": "PLAIN", "username": user, "password": "secret"},
	})
	_, err := h.connections.Put(h.t.Context(), name, api.ConnectionWrite{Kind: "kafka", Spec: spec, SecretVersions: map[string]int64{"/sasl/password": 1}}, api.WriteOptions{}, "key")
	must(h.t, err)
}

// The daemon's own client is logged in and stays so when the password changes: a connector that reads must prove itself.
func TestRefusedLoginFails(t *testing.T) {
	t.Parallel()
	h, from := newHarness(t), startSecured(t)
	h.connectAs("secured", "billing", from)
	spec := func() declared { return declared{"connection": "secured", "topics": []string{"orders"}} }
	c, err := h.put("c", spec(), declared{})
	must(t, err)
	if c.Status.State != api.StateRunning {
		t.Fatalf("state %s", c.Status.State)
	}

	from.refuses.Store(true)
	_, err = h.put("late", spec(), declared{"destination": declared{"connection": "to", "topic_prefix": "late."}})
	wantError(t, err, "could not start and was not created", `of connection "secured"`, "SASL_AUTHENTICATION_FAILED")

	from.cut()
	real.Until(t, "who runs and is refused fails", func() bool { return h.status("c").State == api.StateFailed })
	_, err = h.service.Restart(t.Context(), "c", -1)
	must(t, err)
	c, err = h.service.Get(t.Context(), "c", true)
	must(t, err)
	if f := c.Status.Error; c.Status.State != api.StateFailed || f == nil || !strings.Contains(f.Detail, "SASL_AUTHENTICATION_FAILED") {
		t.Errorf("after a restart it is %s with %+v", c.Status.State, f)
	}

	from.refuses.Store(false)
	real.Until(t, "it runs again by itself", func() bool { return h.status("c").State == api.StateRunning })
}

// Who may see a topic and not read it never runs.
func TestUnauthorizedReadFails(t *testing.T) {
	t.Parallel()
	allow := func(kind kmsg.ACLResourceType, name string, operation kmsg.ACLOperation) kfake.ACL {
		return kfake.ACL{Resource: kind, Name: name, Pattern: kmsg.ACLResourcePatternTypeLiteral, Operation: operation, Allow: true}
	}
	h := newHarness(t)
	from := startSecured(t, kfake.EnableACLs(), kfake.User("PLAIN", "viewer", "secret",
		allow(kmsg.ACLResourceTypeTopic, "orders", kmsg.ACLOperationDescribe), allow(kmsg.ACLResourceTypeGroup, "*", kmsg.ACLOperationRead),
		allow(kmsg.ACLResourceTypeGroup, "*", kmsg.ACLOperationDelete), allow(kmsg.ACLResourceTypeCluster, "kafka-cluster", kmsg.ACLOperationDescribe)))
	h.connectAs("secured", "viewer", from)
	_, err := h.put("c", declared{"connection": "secured", "topics": []string{"orders"}}, declared{})
	wantError(t, err, "could not start and was not created", "TOPIC_AUTHORIZATION_FAILED")
}
