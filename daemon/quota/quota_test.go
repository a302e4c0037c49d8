package quota_test

import (
	"context"
	"fmt"
	"maps"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"

	test "github.com/headgate/terraform-provider-headgate/daemon/declared/declaredtest"
	"github.com/headgate/terraform-provider-headgate/daemon/quota"
	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/internal/real"
)

type env struct {
	*test.Env
	*quota.Service
}

func on(t *testing.T, e *test.Env) {
	t.Helper()
	service := quota.New(e.Store, e.Conns, e.Admins)
	for name, run := range map[string]func(t *testing.T, e *env){"entities": testEntities, "declared": testDeclared, "drift": testDrift, "refusals": testRefusals} {
		t.Run(name, func(t *testing.T) { run(t, &env{Env: e, Service: service}) })
	}
}

// The same tests run on the in-memory cluster and, as Real, on Apache Kafka.
func TestQuotas(t *testing.T)     { on(t, test.Dev(t)) }
func TestRealQuotas(t *testing.T) { on(t, test.Real(t)) }

func (e *env) put(t *testing.T, entity string, body api.ClientQuotaWrite, opts api.WriteOptions) *api.ClientQuota {
	t.Helper()
	q, err := e.Put(t.Context(), test.Conn, entity, body, opts, "")
	if err != nil {
		t.Fatalf("put %s: %v", entity, err)
	}
	return q
}

func (e *env) is(t *testing.T, entity string, want map[string]float64) {
	t.Helper()
	q, err := e.Get(t.Context(), test.Conn, entity)
	if err != nil {
		t.Fatal(err)
	}
	if !maps.Equal(q.Values, want) {
		t.Errorf("%s has %v, want %v", entity, q.Values, want)
	}
}

// Each kind of entity is found again, alone and by name.
func testEntities(t *testing.T, e *env) {
	t.Helper()
	name := e.Prefix + "o=x,y%"
	bytes := map[string]float64{"producer_byte_rate": 1 << 20}
	for _, one := range []struct {
		entity api.QuotaEntity
		values map[string]float64
	}{
		{api.QuotaEntity{User: &name}, bytes},
		{api.QuotaEntity{ClientID: &name}, bytes},
		{api.QuotaEntity{User: &name, ClientID: &name}, map[string]float64{"consumer_byte_rate": 5, "request_percentage": 12.5}},
		{api.QuotaEntity{User: &name, ClientID: new(api.QuotaDefault)}, map[string]float64{"controller_mutation_rate": 0.5}},
		{api.QuotaEntity{IP: new("10.9.8.7")}, map[string]float64{"connection_creation_rate": 7}},
	} {
		entity := one.entity.String()
		body := api.ClientQuotaWrite{Values: one.values}
		e.put(t, entity, body, api.WriteOptions{DryRun: true, CreateOnly: true})
		if _, err := e.Get(t.Context(), test.Conn, entity); !api.HasCode(err, api.CodeNotFound) {
			t.Fatalf("after a dry run %s: %v, want nothing there", entity, err)
		}
		e.put(t, entity, body, api.WriteOptions{CreateOnly: true})
		e.is(t, entity, one.values)
		_, err := e.Put(t.Context(), test.Conn, entity, body, api.WriteOptions{CreateOnly: true}, "other")
		test.Want(t, err, api.CodeAlreadyExists, "/entity", test.Conn+"/"+entity)
		defer func() {
			if _, err := e.Delete(t.Context(), test.Conn, entity, nil, api.WriteOptions{}); err != nil {
				t.Error(err)
			}
			if _, err := e.Get(t.Context(), test.Conn, entity); !api.HasCode(err, api.CodeNotFound) {
				t.Errorf("after its delete %s: %v", entity, err)
			}
		}()
	}
	prefix := api.QuotaEntity{User: &name}.String()
	if list, err := e.List(t.Context(), test.Conn, prefix, "", 10); err != nil || len(list) != 3 || list[0].Entity != prefix {
		t.Errorf("the list is %v, %v", list, err)
	}
}

// Only what is declared is changed and deleted.
func testDeclared(t *testing.T, e *env) {
	t.Helper()
	entity := "user=" + e.Prefix + "declared"
	e.put(t, entity, api.ClientQuotaWrite{Values: map[string]float64{"producer_byte_rate": 1000, "request_percentage": 50}}, api.WriteOptions{})
	e.put(t, entity, api.ClientQuotaWrite{Values: map[string]float64{"consumer_byte_rate": 2000}, Unset: []string{"request_percentage"}}, api.WriteOptions{})
	e.is(t, entity, map[string]float64{"producer_byte_rate": 1000, "consumer_byte_rate": 2000})
	deletion, err := e.Delete(t.Context(), test.Conn, entity, []string{"consumer_byte_rate"}, api.WriteOptions{DryRun: true})
	if err != nil || len(deletion.Effects) != 1 {
		t.Errorf("the dry run of a delete: %v, %v", deletion, err)
	}
	if _, err := e.Delete(t.Context(), test.Conn, entity, []string{"consumer_byte_rate"}, api.WriteOptions{}); err != nil {
		t.Fatal(err)
	}
	e.is(t, entity, map[string]float64{"producer_byte_rate": 1000})
	if _, err := e.Delete(t.Context(), test.Conn, entity, []string{"producer_byte_rate"}, api.WriteOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := e.Get(t.Context(), test.Conn, entity); !api.HasCode(err, api.CodeNotFound) {
		t.Errorf("with nothing left: %v", err)
	}
}

func testDrift(t *testing.T, e *env) {
	t.Helper()
	user := e.Prefix + "drift"
	before := e.put(t, "user="+user, api.ClientQuotaWrite{Values: map[string]float64{"producer_byte_rate": 1000}}, api.WriteOptions{})
	elsewhere := kadm.AlterClientQuotaEntry{Entity: kadm.ClientQuotaEntity{{Type: "user", Name: &user}}, Ops: []kadm.AlterClientQuotaOp{{Key: "producer_byte_rate", Value: 5}}}
	if _, err := e.Admin.AlterClientQuotas(t.Context(), []kadm.AlterClientQuotaEntry{elsewhere}); err != nil {
		t.Fatal(err)
	}
	real.Eventually(t, func(ctx context.Context) error {
		q, err := e.Get(ctx, test.Conn, "user="+user)
		if err == nil && q.Values["producer_byte_rate"] != 5 {
			err = fmt.Errorf("the quotas are %v", q.Values)
		}
		return err
	})
	_, err := e.Put(t.Context(), test.Conn, "user="+user, api.ClientQuotaWrite{}, api.WriteOptions{Generation: before.Generation}, "")
	test.Want(t, err, api.CodeConflict, "", "changed by someone else")
	if _, err := e.Delete(t.Context(), test.Conn, "user="+user, nil, api.WriteOptions{}); err != nil {
		t.Fatal(err)
	}
}

func testRefusals(t *testing.T, e *env) {
	t.Helper()
	for name, one := range map[string]struct {
		entity    string
		values    map[string]float64
		attribute string
		words     string
	}{
		"entity":      {"group=x", map[string]float64{"producer_byte_rate": 1}, "/entity", "user=NAME"},
		"ip and user": {"user=x,ip=10.1.2.3", map[string]float64{"connection_creation_rate": 1}, "/entity", "ip=ADDRESS"},
		"key":         {"user=x", map[string]float64{"connection_creation_rate": 1}, "/values/connection_creation_rate", "has no quota connection_creation_rate"},
		"ip key":      {"ip=10.1.2.3", map[string]float64{"producer_byte_rate": 1}, "/values/producer_byte_rate", "Use connection_creation_rate"},
		"address":     {"ip=db.internal", map[string]float64{"connection_creation_rate": 1}, "/ip", "10.1.2.3"},
		"zero":        {"user=x", map[string]float64{"producer_byte_rate": 0}, "/values/producer_byte_rate", "more than 0"},
		"fraction":    {"user=x", map[string]float64{"producer_byte_rate": 1.5}, "/values/producer_byte_rate", "whole number"},
		"nothing":     {"user=" + e.Prefix + "nobody", nil, "/values", "Set at least one"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := e.Put(t.Context(), test.Conn, one.entity, api.ClientQuotaWrite{Values: one.values}, api.WriteOptions{DryRun: true}, "")
			test.Want(t, err, api.CodeInvalid, one.attribute, one.words)
		})
	}
	// The broker is asked too, when planning.
	_, err := e.Put(t.Context(), test.Conn, "user=x", api.ClientQuotaWrite{Values: map[string]float64{"producer_byte_rate": 1e300}}, api.WriteOptions{DryRun: true}, "")
	if err != nil && !api.HasCode(err, api.CodeRefused) {
		t.Errorf("an enormous quota: %v", err)
	}
}
