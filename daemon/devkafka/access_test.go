package devkafka_test

import (
	"context"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	systems "github.com/headgate/terraform-provider-headgate/internal/real"
)

// accessRefusal is an ACL or a quota that a broker must refuse, with the code and part of the message.
type accessRefusal struct {
	ask     func(ctx context.Context, c client) (code int16, message *string, err error)
	code    *kerr.Error
	message string
}

func accessRefusals() map[string]accessRefusal {
	return map[string]accessRefusal{
		"acl of another cluster": {acl(func(a *kmsg.CreateACLsRequestCreation) {
			a.ResourceType, a.ResourceName = kmsg.ACLResourceTypeCluster, "x"
		}), kerr.InvalidRequest, "The only valid name for the CLUSTER resource is kafka-cluster"},
		"acl without a name":         {acl(func(a *kmsg.CreateACLsRequestCreation) { a.ResourceName = "" }), kerr.InvalidRequest, ""},
		"acl of no principal":        {acl(func(a *kmsg.CreateACLsRequestCreation) { a.Principal = "billing" }), kerr.InvalidRequest, ""},
		"quota of another key":       {quota("user", "x", kadm.AlterClientQuotaOp{Key: "bytes", Value: 1}), kerr.InvalidRequest, "bytes"},
		"quota of connections":       {quota("user", "x", kadm.AlterClientQuotaOp{Key: "connection_creation_rate", Value: 1}), kerr.InvalidRequest, "connection_creation_rate"},
		"quota of bytes of an ip":    {quota("ip", "10.1.2.3", kadm.AlterClientQuotaOp{Key: "producer_byte_rate", Value: 1}), kerr.InvalidRequest, "producer_byte_rate"},
		"quota of no ip":             {quota("ip", "no.such.host.invalid", kadm.AlterClientQuotaOp{Key: "connection_creation_rate", Value: 1}), kerr.InvalidRequest, "is not a valid IP"},
		"quota of zero":              {quota("user", "x", kadm.AlterClientQuotaOp{Key: "producer_byte_rate", Value: 0}), kerr.InvalidRequest, "must be greater than 0"},
		"quota of part of a byte":    {quota("user", "x", kadm.AlterClientQuotaOp{Key: "producer_byte_rate", Value: 1.5}), kerr.InvalidRequest, ""},
		"quota of another entity":    {quota("group", "x", kadm.AlterClientQuotaOp{Key: "producer_byte_rate", Value: 1}), kerr.InvalidRequest, "group"},
		"quota of an empty name":     {quota("user", "", kadm.AlterClientQuotaOp{Key: "producer_byte_rate", Value: 1}), kerr.InvalidRequest, ""},
		"user of too few iterations": {user("x", 100), kerr.UnacceptableCredential, ""},
		"user without a name":        {user("", 4096), kerr.UnacceptableCredential, ""},
	}
}

func acl(change func(*kmsg.CreateACLsRequestCreation)) func(context.Context, client) (int16, *string, error) {
	return func(ctx context.Context, c client) (int16, *string, error) {
		one := kmsg.NewCreateACLsRequestCreation()
		one.ResourceType, one.ResourceName, one.ResourcePatternType = kmsg.ACLResourceTypeTopic, "x", kmsg.ACLResourcePatternTypeLiteral
		one.Principal, one.Host, one.Operation, one.PermissionType = "User:x", "*", kmsg.ACLOperationRead, kmsg.ACLPermissionTypeAllow
		change(&one)
		req := kmsg.NewPtrCreateACLsRequest()
		req.Creations = append(req.Creations, one)
		resp, err := req.RequestWith(ctx, c.raw)
		if err != nil {
			return 0, nil, err
		}
		return resp.Results[0].ErrorCode, resp.Results[0].ErrorMessage, nil
	}
}

func quota(kind, name string, op kadm.AlterClientQuotaOp) func(context.Context, client) (int16, *string, error) {
	return func(ctx context.Context, c client) (int16, *string, error) {
		req := kmsg.NewPtrAlterClientQuotasRequest()
		req.ValidateOnly = true
		req.Entries = []kmsg.AlterClientQuotasRequestEntry{{
			Entity: []kmsg.AlterClientQuotasRequestEntryEntity{{Type: kind, Name: &name}},
			Ops:    []kmsg.AlterClientQuotasRequestEntryOp{{Key: op.Key, Value: op.Value}},
		}}
		resp, err := req.RequestWith(ctx, c.raw)
		if err != nil {
			return 0, nil, err
		}
		return resp.Entries[0].ErrorCode, resp.Entries[0].ErrorMessage, nil
	}
}

func user(name string, iterations int32) func(context.Context, client) (int16, *string, error) {
	return func(ctx context.Context, c client) (int16, *string, error) {
		req := kmsg.NewPtrAlterUserSCRAMCredentialsRequest()
		req.Upsertions = []kmsg.AlterUserSCRAMCredentialsRequestUpsertion{{Name: name, Mechanism: 2, Iterations: iterations, Salt: []byte("salt"), SaltedPassword: []byte("salted")}}
		resp, err := req.RequestWith(ctx, c.raw)
		if err != nil {
			return 0, nil, err
		}
		return resp.Results[0].ErrorCode, resp.Results[0].ErrorMessage, nil
	}
}

func refusesAccess(t *testing.T, c client) {
	t.Helper()
	for name, one := range accessRefusals() {
		t.Run(name, func(t *testing.T) {
			code, message, err := one.ask(t.Context(), c)
			if err != nil {
				t.Fatal(err)
			}
			said := ""
			if message != nil {
				said = *message
			}
			if code != one.code.Code || !strings.Contains(said, one.message) {
				t.Errorf("got %v, %q, want %v, %q", kerr.ErrorForCode(code), said, one.code, one.message)
			}
		})
	}
}

func TestAccessRefusals(t *testing.T) {
	refusesAccess(t, newClient(t, kgo.SeedBrokers(start(t).BootstrapServers()...)))
}

// TestRealAccessParity runs the same table against Apache Kafka.
func TestRealAccessParity(t *testing.T) {
	opts, err := systems.Shared(t).Kafka.ClientOptions(systems.ListenerPlaintext)
	if err != nil {
		t.Fatal(err)
	}
	refusesAccess(t, newClient(t, opts...))
}

// Of ACLs that are created together, those that are possible are, and what the in-memory API has no room for says so.
func TestCreateSomeACLs(t *testing.T) {
	c := newClient(t, kgo.SeedBrokers(start(t).BootstrapServers()...))
	req := kmsg.NewPtrCreateACLsRequest()
	for _, kind := range []kmsg.ACLResourceType{kmsg.ACLResourceTypeUser, kmsg.ACLResourceTypeTopic, kmsg.ACLResourceTypeDelegationToken} {
		one := kmsg.NewCreateACLsRequestCreation()
		one.ResourceType, one.ResourceName, one.ResourcePatternType = kind, "x", kmsg.ACLResourcePatternTypeLiteral
		one.Principal, one.Host, one.Operation, one.PermissionType = "User:x", "*", kmsg.ACLOperationAll, kmsg.ACLPermissionTypeAllow
		req.Creations = append(req.Creations, one)
	}
	resp, err := req.RequestWith(t.Context(), c.raw)
	if err != nil {
		t.Fatal(err)
	}
	unsupported := kerr.UnsupportedVersion.Code
	if got := resp.Results; got[0].ErrorCode != unsupported || got[1].ErrorCode != 0 || got[2].ErrorCode != unsupported {
		t.Errorf("the answers are %+v", got)
	}
}
