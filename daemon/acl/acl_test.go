package acl_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/headgate/terraform-provider-headgate/daemon/acl"
	test "github.com/headgate/terraform-provider-headgate/daemon/declared/declaredtest"
	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/internal/real"
)

// env is a service, and a principal of its own for each test.
type env struct {
	*test.Env
	*acl.Service
	principal string
}

func on(t *testing.T, e *test.Env) {
	t.Helper()
	service := acl.New(e.Store, e.Conns, e.Admins)
	for name, run := range map[string]func(t *testing.T, e *env){
		"whole": testWhole, "drift": testDrift, "refusals": testRefusals, "conditions": testConditions, "writers": testWriters, "thousand": testThousand,
	} {
		t.Run(name, func(t *testing.T) {
			run(t, &env{Env: e, Service: service, principal: "User:" + e.Prefix + name})
		})
	}
}

// The same tests run on the in-memory cluster and, as Real, on Apache Kafka.
func TestACLs(t *testing.T)     { on(t, test.Dev(t)) }
func TestRealACLs(t *testing.T) { on(t, test.Real(t)) }

func (e *env) put(t *testing.T, rules ...api.ACLRule) *api.ACL {
	t.Helper()
	a, err := e.Put(t.Context(), test.Conn, e.principal, api.ACLWrite{Rules: rules}, api.WriteOptions{}, "")
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func (e *env) rules(t *testing.T) []string {
	t.Helper()
	a, err := e.Get(t.Context(), test.Conn, e.principal)
	if err != nil {
		t.Fatal(err)
	}
	return lines(a)
}

func lines(a *api.ACL) []string {
	var all []string
	for _, r := range a.Rules {
		all = append(all, fmt.Sprintf("%s %s %s %s %s from %s", r.Permission, strings.Join(r.Operations, ","), r.ResourceType, r.PatternType, r.ResourceName, r.Host))
	}
	return all
}

func same(t *testing.T, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func topic(name string, operations ...string) api.ACLRule {
	return api.ACLRule{ResourceType: "TOPIC", ResourceName: name, Operations: operations}
}

func testWhole(t *testing.T, e *env) {
	t.Helper()
	rules := []api.ACLRule{
		topic("orders", "WRITE", "READ"),
		{ResourceType: "GROUP", ResourceName: "billing-", PatternType: "PREFIXED", Operations: []string{"READ"}},
		{ResourceType: "CLUSTER", Operations: []string{"IDEMPOTENT_WRITE"}},
		{ResourceType: "TRANSACTIONAL_ID", ResourceName: "*", Operations: []string{"ALL"}},
		{ResourceType: "TOPIC", ResourceName: "secrets", Operations: []string{"ALL"}, Permission: "DENY", Host: "10.1.2.3"},
	}
	planned, err := e.Put(t.Context(), test.Conn, e.principal, api.ACLWrite{Rules: rules}, api.WriteOptions{DryRun: true, CreateOnly: true}, "")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := e.Get(t.Context(), test.Conn, e.principal); !api.HasCode(err, api.CodeNotFound) {
		t.Fatalf("after a dry run: %v, want nothing there", err)
	}
	made := e.put(t, rules...)
	want := []string{
		"ALLOW READ,WRITE TOPIC LITERAL orders from *", "DENY ALL TOPIC LITERAL secrets from 10.1.2.3", "ALLOW READ GROUP PREFIXED billing- from *",
		"ALLOW IDEMPOTENT_WRITE CLUSTER LITERAL kafka-cluster from *", "ALLOW ALL TRANSACTIONAL_ID LITERAL * from *",
	}
	same(t, lines(planned), want...)
	same(t, lines(made), want...)
	same(t, e.rules(t), want...)
	if planned.Generation != made.Generation {
		t.Error("what was planned and what was made are of two generations")
	}
	deletion, err := e.Delete(t.Context(), test.Conn, e.principal, api.WriteOptions{DryRun: true})
	if err != nil || len(deletion.Effects) != 6 || deletion.Effects[0].Summary != "ALLOW READ, WRITE on TOPIC orders goes" {
		t.Errorf("the dry run of a delete: %+v, %v", deletion, err)
	}
	if _, err := e.Delete(t.Context(), test.Conn, e.principal, api.WriteOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := e.Delete(t.Context(), test.Conn, e.principal, api.WriteOptions{}); !api.HasCode(err, api.CodeNotFound) {
		t.Errorf("a second delete: %v", err)
	}
}

// What was made elsewhere is seen, and taken away by the next write.
func testDrift(t *testing.T, e *env) {
	t.Helper()
	before := e.put(t, topic("orders", "READ"))
	elsewhere := kadm.NewACLs().Allow(e.principal).AllowHosts("*").Topics("refunds").Operations(kadm.OpRead).ResourcePatternType(kadm.ACLPatternLiteral)
	if _, err := e.Admin.CreateACLs(t.Context(), elsewhere); err != nil {
		t.Fatal(err)
	}
	real.Eventually(t, func(context.Context) error {
		if got := e.rules(t); len(got) != 2 {
			return fmt.Errorf("the rules are %v", got)
		}
		return nil
	})
	_, err := e.Put(t.Context(), test.Conn, e.principal, api.ACLWrite{Rules: []api.ACLRule{topic("orders", "READ", "WRITE")}}, api.WriteOptions{Generation: before.Generation}, "")
	test.Want(t, err, api.CodeConflict, "", "changed by someone else")
	e.put(t, topic("orders", "READ", "WRITE"))
	same(t, e.rules(t), "ALLOW READ,WRITE TOPIC LITERAL orders from *")
	e.put(t, topic("orders", "WRITE"))
	same(t, e.rules(t), "ALLOW WRITE TOPIC LITERAL orders from *")
}

// What is added comes before what is removed; what denies comes first and goes last.
func TestOrder(t *testing.T) {
	fake, err := kfake.NewCluster()
	if err != nil {
		t.Fatal(err)
	}
	defer fake.Close()
	var (
		mu   sync.Mutex
		seen []string
	)
	fake.Control(func(req kmsg.Request) (kmsg.Response, error, bool) {
		fake.KeepControl()
		mu.Lock()
		defer mu.Unlock()
		switch r := req.(type) {
		case *kmsg.CreateACLsRequest:
			for _, one := range r.Creations {
				seen = append(seen, fmt.Sprint("add ", one.PermissionType, " ", one.ResourceName))
			}
		case *kmsg.DeleteACLsRequest:
			for _, one := range r.Filters {
				seen = append(seen, fmt.Sprint("remove ", one.PermissionType, " ", *one.ResourceName))
			}
		}
		return nil, nil, false
	})
	base := test.Connect(t, fake.ListenAddrs())
	e := &env{Env: base, Service: acl.New(base.Store, base.Conns, base.Admins), principal: "User:ordered"}
	deny := func(name string) api.ACLRule {
		return api.ACLRule{ResourceType: "TOPIC", ResourceName: name, Operations: []string{"READ"}, Permission: "DENY"}
	}
	e.put(t, topic("a", "READ"), deny("b"))
	e.put(t, topic("c", "READ"), deny("d"))
	mu.Lock()
	defer mu.Unlock()
	same(t, seen, "add DENY b", "add ALLOW a", "add DENY d", "add ALLOW c", "remove ALLOW a", "remove DENY b")
}

func testRefusals(t *testing.T, e *env) {
	t.Helper()
	for name, one := range map[string]struct {
		rule      api.ACLRule
		attribute string
		words     string
	}{
		"type":           {api.ACLRule{ResourceType: "QUEUE", ResourceName: "x", Operations: []string{"READ"}}, "/rules/0/resource_type", "Use CLUSTER, DELEGATION_TOKEN"},
		"lower case":     {topic("x", "read"), "/rules/0/operations", "Write READ"},
		"operation":      {api.ACLRule{ResourceType: "GROUP", ResourceName: "x", Operations: []string{"WRITE"}}, "/rules/0/operations", "GROUP has no operation WRITE"},
		"no operation":   {topic("x"), "/rules/0/operations", "has no operations"},
		"no name":        {topic("", "READ"), "/rules/0/resource_name", "names no resource"},
		"pattern":        {api.ACLRule{ResourceType: "TOPIC", ResourceName: "x", PatternType: "REGEX", Operations: []string{"READ"}}, "/rules/0/pattern_type", "Use LITERAL, PREFIXED"},
		"permission":     {api.ACLRule{ResourceType: "TOPIC", ResourceName: "x", Permission: "GRANT", Operations: []string{"READ"}}, "/rules/0/permission", "Use ALLOW, DENY"},
		"prefixed star":  {api.ACLRule{ResourceType: "TOPIC", ResourceName: "*", PatternType: "PREFIXED", Operations: []string{"READ"}}, "/rules/0/resource_name", "no wildcard"},
		"literal prefix": {topic("orders.*", "READ"), "/rules/0/resource_name", "Use pattern_type = PREFIXED"},
		"cluster":        {api.ACLRule{ResourceType: "CLUSTER", ResourceName: "main", Operations: []string{"ALTER"}}, "/rules/0/resource_name", "kafka-cluster"},
		"host":           {api.ACLRule{ResourceType: "TOPIC", ResourceName: "x", Host: "db.internal", Operations: []string{"READ"}}, "/rules/0/host", "IP address"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := e.Put(t.Context(), test.Conn, e.principal, api.ACLWrite{Rules: []api.ACLRule{one.rule}}, api.WriteOptions{DryRun: true}, "")
			test.Want(t, err, api.CodeInvalid, one.attribute, one.words)
		})
	}
	_, err := e.Put(t.Context(), test.Conn, e.principal, api.ACLWrite{}, api.WriteOptions{DryRun: true}, "")
	test.Want(t, err, api.CodeInvalid, "/rules", "destroy the resource")
	_, err = e.Put(t.Context(), test.Conn, "billing", api.ACLWrite{Rules: []api.ACLRule{topic("x", "READ")}}, api.WriteOptions{DryRun: true}, "")
	test.Want(t, err, api.CodeInvalid, "/principal", "User:billing")
	if _, err := e.Put(t.Context(), test.Conn, e.principal, api.ACLWrite{Unknown: []string{"/rules"}}, api.WriteOptions{DryRun: true}, ""); err != nil {
		t.Errorf("rules that are not known yet: %v", err)
	}
	// All that is wrong is told at once.
	_, err = e.Put(t.Context(), test.Conn, e.principal, api.ACLWrite{Rules: []api.ACLRule{topic("x", "reed"), topic("y", "READ"), topic("", "READ")}}, api.WriteOptions{DryRun: true}, "")
	var all *api.Error
	if !errors.As(err, &all) || len(all.All()) != 2 || all.All()[1].Attribute != "/rules/2/resource_name" {
		t.Errorf("got %v", err)
	}
}

func testConditions(t *testing.T, e *env) {
	t.Helper()
	_, err := e.Put(t.Context(), test.Conn, e.principal, api.ACLWrite{Rules: []api.ACLRule{topic("x", "READ")}}, api.WriteOptions{Generation: "gone"}, "")
	test.Want(t, err, api.CodeNotFound, "", "does not exist")
	create := func(key string) error {
		_, err := e.Put(t.Context(), test.Conn, e.principal, api.ACLWrite{Rules: []api.ACLRule{topic("x", "READ")}}, api.WriteOptions{CreateOnly: true}, key)
		return err
	}
	if err := create("first"); err != nil {
		t.Fatal(err)
	}
	if err := create("first"); err != nil {
		t.Errorf("a repeat of the same request: %v", err)
	}
	test.Want(t, create("other"), api.CodeAlreadyExists, "/principal", test.Conn+"/"+e.principal)
	if err := e.AbandonCreation(t.Context(), test.Conn, e.principal); err != nil {
		t.Fatal(err)
	}
	if err := create("third"); err != nil {
		t.Errorf("after nobody took the answer: %v", err)
	}
	page, err := e.List(t.Context(), test.Conn, e.principal, "", 10)
	if err != nil || len(page) != 1 || page[0].Principal != e.principal {
		t.Errorf("the list is %v, %v", page, err)
	}
	_, err = e.Get(t.Context(), "nothing", e.principal)
	test.Want(t, err, api.CodeNotFound, "/connection", "nothing")
}

// Of ten writers who saw the same, one wins and nine are told.
func testWriters(t *testing.T, e *env) {
	t.Helper()
	seen := e.put(t, topic("x", "READ"))
	var wait sync.WaitGroup
	errs := make([]error, 10)
	for i := range errs {
		wait.Go(func() {
			_, errs[i] = e.Put(t.Context(), test.Conn, e.principal, api.ACLWrite{Rules: []api.ACLRule{topic(fmt.Sprint("x", i), "READ")}}, api.WriteOptions{Generation: seen.Generation}, "")
		})
	}
	wait.Wait()
	var winners []string
	for i, err := range errs {
		if err == nil {
			winners = append(winners, fmt.Sprintf("ALLOW READ TOPIC LITERAL x%d from *", i))
		} else if !api.HasCode(err, api.CodeConflict) {
			t.Errorf("writer %d: %v", i, err)
		}
	}
	if len(winners) != 1 {
		t.Fatalf("%d writers won", len(winners))
	}
	same(t, e.rules(t), winners...)
}

func testThousand(t *testing.T, e *env) {
	t.Helper()
	var rules []api.ACLRule
	for i := range 500 {
		rules = append(rules, topic(fmt.Sprintf("%s%03d", e.Prefix, i), "READ", "WRITE"))
	}
	begin := time.Now()
	e.put(t, rules...)
	made := time.Since(begin)
	if got := e.rules(t); len(got) != 500 {
		t.Errorf("there are %d rules", len(got))
	}
	begin = time.Now()
	if _, err := e.Delete(t.Context(), test.Conn, e.principal, api.WriteOptions{}); err != nil {
		t.Fatal(err)
	}
	t.Logf("1,000 ACLs: made in %v, removed in %v", made, time.Since(begin))
}

// What is denied is refused by the broker, and what is allowed goes through.
func TestRealACLIsEnforced(t *testing.T) {
	e := test.Real(t)
	service := acl.New(e.Store, e.Conns, e.Admins)
	name := e.Prefix + "enforced"
	real.CreateTopic(t, e.Raw, 1, e.Replicas, nil, name)
	opts, err := e.Cluster.ClientOptions(real.ListenerMTLS)
	if err != nil {
		t.Fatal(err)
	}
	client, err := kgo.NewClient(opts...)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	principal := "User:client"
	produce := func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
		defer cancel()
		return client.ProduceSync(ctx, &kgo.Record{Topic: name, Value: []byte("x")}).FirstErr()
	}
	put := func(permission string) {
		rule := api.ACLRule{ResourceType: "TOPIC", ResourceName: name, Operations: []string{"WRITE"}, Permission: permission}
		if _, err := service.Put(t.Context(), test.Conn, principal, api.ACLWrite{Rules: []api.ACLRule{rule}}, api.WriteOptions{}, ""); err != nil {
			t.Fatal(err)
		}
	}
	put("DENY")
	real.Eventually(t, func(ctx context.Context) error {
		if err := produce(ctx); err == nil {
			return errors.New("what is denied goes through")
		}
		return nil
	})
	put("ALLOW")
	real.Eventually(t, produce)
	if _, err := service.Delete(t.Context(), test.Conn, principal, api.WriteOptions{}); err != nil {
		t.Fatal(err)
	}
}

// A cluster without an authorizer says so, whatever is asked.
func TestNoAuthorizer(t *testing.T) {
	fake, err := kfake.NewCluster()
	if err != nil {
		t.Fatal(err)
	}
	defer fake.Close()
	fake.ControlKey(int16(kmsg.DescribeACLs), func(req kmsg.Request) (kmsg.Response, error, bool) {
		fake.KeepControl()
		resp := req.ResponseKind().(*kmsg.DescribeACLsResponse)
		resp.ErrorCode, resp.ErrorMessage = kerr.SecurityDisabled.Code, new("No Authorizer is configured.")
		return resp, nil, true
	})
	e := test.Connect(t, fake.ListenAddrs())
	_, err = acl.New(e.Store, e.Conns, e.Admins).Get(t.Context(), test.Conn, "User:x")
	test.Want(t, err, api.CodeRefused, "/connection", "authorizer.class.name")
}

// Of a principal that is new nothing is left when the controller refuses one of its rules, and the next attempt makes it.
func TestCreateIsWhole(t *testing.T) {
	e := test.Dev(t)
	service := acl.New(e.Store, e.Conns, e.Admins)
	create := func(key string, rules ...api.ACLRule) error {
		_, err := service.Put(t.Context(), test.Conn, "User:whole", api.ACLWrite{Rules: rules}, api.WriteOptions{CreateOnly: true}, key)
		return err
	}
	// The in-memory cluster has no delegation tokens.
	err := create("first", topic("x", "READ"), api.ACLRule{ResourceType: "DELEGATION_TOKEN", ResourceName: "x", Operations: []string{"DESCRIBE"}})
	test.Want(t, err, api.CodeRefused, "/rules/1", "delegation tokens")
	_, err = service.Get(t.Context(), test.Conn, "User:whole")
	test.Want(t, err, api.CodeNotFound, "", "does not exist")
	if err := create("second", topic("x", "READ")); err != nil {
		t.Errorf("the next attempt: %v", err)
	}
}

// That the user may not list ACLs is a refusal, and nothing that is wrong with the connection.
func TestListWithoutRight(t *testing.T) {
	fake, err := kfake.NewCluster()
	if err != nil {
		t.Fatal(err)
	}
	defer fake.Close()
	fake.ControlKey(int16(kmsg.DescribeACLs), func(req kmsg.Request) (kmsg.Response, error, bool) {
		fake.KeepControl()
		resp := req.ResponseKind().(*kmsg.DescribeACLsResponse)
		resp.ErrorCode = kerr.ClusterAuthorizationFailed.Code
		return resp, nil, true
	})
	e := test.Connect(t, fake.ListenAddrs())
	_, err = acl.New(e.Store, e.Conns, e.Admins).List(t.Context(), test.Conn, "", "", 10)
	test.Want(t, err, api.CodeRefused, "/connection", "Describe the cluster")
}
