package real_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/sr"

	"github.com/headgate/terraform-provider-headgate/internal/real"
)

func TestRealListeners(t *testing.T) {
	systems := real.Shared(t)
	listeners := []struct {
		name       string
		mechanisms []string
	}{
		{real.ListenerPlaintext, []string{""}},
		{real.ListenerSSL, []string{""}},
		{real.ListenerMTLS, []string{""}},
		{real.ListenerSASLSSL, mechanisms()},
		{real.ListenerSASLPlaintext, mechanisms()},
	}
	for name, cluster := range map[string]*real.Cluster{"kafka": systems.Kafka, "kafka2": systems.Kafka2} {
		for _, listener := range listeners {
			for _, mechanism := range listener.mechanisms {
				t.Run(name+"/"+listener.name+"/"+mechanism, func(t *testing.T) {
					roundTrip(t, newClient(t, cluster, listener.name, mechanism, cluster.Alice))
				})
			}
		}
	}
}

func TestRealWrongPasswordIsRefused(t *testing.T) {
	cluster := real.Shared(t).Kafka
	for _, listener := range []string{real.ListenerSASLSSL, real.ListenerSASLPlaintext} {
		for _, mechanism := range mechanisms() {
			t.Run(listener+"/"+mechanism, func(t *testing.T) {
				user := real.User{Name: cluster.Alice.Name, Password: "wrong"}
				err := newClient(t, cluster, listener, mechanism, user).Ping(soon(t))
				if !errors.Is(err, kerr.SaslAuthenticationFailed) {
					t.Errorf("ping: %v, want %v", err, kerr.SaslAuthenticationFailed)
				}
			})
		}
	}
}

func TestRealMTLSRefuses(t *testing.T) {
	cluster := real.Shared(t).Kafka
	cases := map[string][]real.KeyPair{
		"no certificate":      nil,
		"expired certificate": {must(t)(cluster.PKI.IssueExpiredClient("client"))},
		"another authority":   {newPKI(t).Client},
	}
	for name, pairs := range cases {
		t.Run(name, func(t *testing.T) {
			config, err := cluster.TLSConfig()
			if err != nil {
				t.Fatal(err)
			}
			// A certificate of another authority would not be sent at all if the client chose by the server's list.
			config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
				shown := &tls.Certificate{}
				for _, pair := range pairs {
					*shown = certificate(t, pair)
				}
				return shown, nil
			}
			client, err := kgo.NewClient(
				kgo.SeedBrokers(cluster.BootstrapServers(real.ListenerMTLS)...), kgo.DialTLSConfig(config),
			)
			if err != nil {
				t.Fatal(err)
			}
			defer client.Close()

			ctx := soon(t)
			_, err = client.SeedBrokers()[0].Request(ctx, kmsg.NewPtrMetadataRequest())
			if err == nil || ctx.Err() != nil {
				t.Errorf("request: %v, want it refused at once", err)
			}
		})
	}
}

func TestRealACLs(t *testing.T) {
	cluster := real.Shared(t).Kafka
	outside := newClient(t, cluster, real.ListenerSASLSSL, real.MechanismSCRAMSHA512, cluster.Admin)
	admin := kadm.NewClient(outside)
	topic := real.Name(t)
	real.CreateTopic(t, outside, 1, 1, nil, topic)

	denied := kadm.NewACLs().Topics(topic).ResourcePatternType(kadm.ACLPatternLiteral).
		Operations(kadm.OpWrite).Deny("User:"+cluster.Alice.Name, "User:client").DenyHosts()
	if results, err := admin.CreateACLs(soon(t), denied); err != nil || results[0].Err != nil {
		t.Fatalf("create the ACL: %v, %v", err, results)
	}
	cases := []struct {
		listener, mechanism string
		user                real.User
		refused             bool
	}{
		{real.ListenerSASLSSL, real.MechanismPlain, cluster.Alice, true},
		{real.ListenerSASLPlaintext, real.MechanismSCRAMSHA256, cluster.Alice, true},
		{real.ListenerMTLS, "", real.User{}, true},
		{real.ListenerSASLSSL, real.MechanismPlain, cluster.Admin, false},
		{real.ListenerPlaintext, "", real.User{}, false},
	}
	for _, c := range cases {
		t.Run(c.listener+"/"+c.user.Name, func(t *testing.T) {
			client := newClient(t, cluster, c.listener, c.mechanism, c.user)
			real.Eventually(t, func(ctx context.Context) error {
				err := client.ProduceSync(ctx, &kgo.Record{Topic: topic, Value: []byte("x")}).FirstErr()
				if c.refused && !errors.Is(err, kerr.TopicAuthorizationFailed) {
					return fmt.Errorf("produced, which is to be refused: %w", err)
				}
				if !c.refused {
					return err
				}
				return nil
			})
		})
	}
}

func TestRealTransactions(t *testing.T) {
	cluster := real.Shared(t).Kafka
	topic := real.Name(t)
	real.CreateTopic(t, newClient(t, cluster, real.ListenerPlaintext, "", real.User{}), 1, 1, nil, topic)

	client := newClient(t, cluster, real.ListenerPlaintext, "", real.User{}, kgo.TransactionalID(topic))
	if err := client.BeginTransaction(); err != nil {
		t.Fatal(err)
	}
	if err := client.ProduceSync(soon(t), &kgo.Record{Topic: topic}).FirstErr(); err != nil {
		t.Fatalf("produce: %v", err)
	}
	if err := client.EndTransaction(soon(t), kgo.TryCommit); err != nil {
		t.Fatalf("commit: %v", err)
	}
}

func TestRealThreeBrokersWithRacks(t *testing.T) {
	k := real.Dedicated(t, real.KafkaOptions{Brokers: 3, Racks: true})
	client := newClient(t, &k.Cluster, real.ListenerSASLSSL, real.MechanismSCRAMSHA512, k.Alice)
	admin := kadm.NewClient(client)
	brokers, err := admin.ListBrokers(soon(t))
	if err != nil {
		t.Fatal(err)
	}
	var racks []string
	for _, broker := range brokers {
		racks = append(racks, *broker.Rack)
	}
	if want := []string{"rack-0", "rack-1", "rack-2"}; !slices.Equal(racks, want) {
		t.Errorf("racks are %v, want %v", racks, want)
	}
	topic := real.Name(t)
	real.CreateTopic(t, client, 1, 3, nil, topic)
	produce(t, client, topic, "before")

	if err := k.KillBroker(1); err != nil {
		t.Fatal(err)
	}
	produce(t, client, topic, "while one is down")
	if err := k.StartBroker(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	waitInSync(t, admin, topic, 3)
	if err := k.StopBroker(soon(t), 2); err != nil {
		t.Fatal(err)
	}
	wantRecords(t, &k.Cluster, topic, "before", "while one is down")

	// With two of three controllers gone, only both together can come back.
	if err := k.KillBroker(1); err != nil {
		t.Fatal(err)
	}
	if err := k.StartBroker(t.Context(), 1, 2); err != nil {
		t.Fatal(err)
	}
}

func TestRealBrokerKeepsItsData(t *testing.T) {
	k := real.Dedicated(t, real.KafkaOptions{Config: map[string]string{"message.max.bytes": "12345"}})
	client := newClient(t, &k.Cluster, real.ListenerMTLS, "", real.User{})
	admin := kadm.NewClient(client)
	configs, err := admin.DescribeBrokerConfigs(soon(t), 0)
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(configs[0].Configs, func(c kadm.Config) bool { return c.Key == "message.max.bytes" })
	if got := configs[0].Configs[i].MaybeValue(); got != "12345" {
		t.Errorf("message.max.bytes is %s, want 12345", got)
	}
	topic := real.Name(t)
	real.CreateTopic(t, client, 1, 1, nil, topic)
	produce(t, client, topic, "kept")

	if err := k.StopBroker(soon(t), 0); err != nil {
		t.Fatal(err)
	}
	if err := k.StopBroker(soon(t), 0); err == nil {
		t.Error("a stopped broker was stopped again without an error")
	}
	if err := k.StartBroker(t.Context(), 0); err != nil {
		t.Fatal(err)
	}
	wantRecords(t, &k.Cluster, topic, "kept")

	if err := k.KillBroker(0); err != nil {
		t.Fatal(err)
	}
	if err := k.StartBroker(t.Context(), 0); err != nil {
		t.Fatal(err)
	}
	wantRecords(t, &k.Cluster, topic, "kept")
	if err := k.StartBroker(t.Context(), 0); err == nil {
		t.Error("a running broker was started again without an error")
	}
}

func TestRealApicurio(t *testing.T) {
	registry := real.Shared(t).Apicurio
	client := real.RegistryClient(t, registry.CompatURL())
	subject := real.Name(t)
	schema := sr.Schema{Type: sr.TypeAvro, Schema: `{"type":"record","name":"R","fields":[{"name":"a","type":"int"}]}`}
	created, err := client.CreateSchema(soon(t), subject, schema)
	if err != nil {
		t.Fatal(err)
	}
	if created.Version != 1 {
		t.Errorf("the first version is %d, want 1", created.Version)
	}
	// No compatibility rule holds unless a test sets one.
	schema.Schema = `{"type":"record","name":"R","fields":[{"name":"b","type":"string"}]}`
	if _, err := client.CreateSchema(soon(t), subject, schema); err != nil {
		t.Errorf("an incompatible version: %v", err)
	}
}

func TestRealApicurioCompatibility(t *testing.T) {
	real.Shared(t)
	a, err := real.StartApicurio(t.Context(), real.ApicurioOptions{Compatibility: "BACKWARD"})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	}()
	client := real.RegistryClient(t, a.CompatURL())
	schema := sr.Schema{Type: sr.TypeAvro, Schema: `{"type":"record","name":"R","fields":[{"name":"a","type":"int"}]}`}
	if _, err := client.CreateSchema(soon(t), "s", schema); err != nil {
		t.Fatal(err)
	}
	schema.Schema = `{"type":"record","name":"R","fields":[{"name":"b","type":"string"}]}`
	_, err = client.CreateSchema(soon(t), "s", schema)
	var refused *sr.ResponseError
	if !errors.As(err, &refused) || refused.StatusCode != http.StatusConflict {
		t.Errorf("an incompatible version: %v, want status %d", err, http.StatusConflict)
	}
}

func mechanisms() []string {
	return []string{real.MechanismPlain, real.MechanismSCRAMSHA256, real.MechanismSCRAMSHA512}
}

func newClient(
	t *testing.T, cluster *real.Cluster, listener, mechanism string, user real.User, more ...kgo.Opt,
) *kgo.Client {
	t.Helper()
	opts, err := cluster.ClientOptions(listener)
	if err != nil {
		t.Fatal(err)
	}
	if mechanism != "" {
		sasl, err := cluster.SASL(mechanism, user)
		if err != nil {
			t.Fatal(err)
		}
		opts = append(opts, sasl)
	}
	client, err := kgo.NewClient(append(opts, more...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}

func soon(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// roundTrip writes a record to a new topic and reads it back, all over the client's listener.
func roundTrip(t *testing.T, client *kgo.Client) {
	t.Helper()
	topic := real.Name(t)
	real.CreateTopic(t, client, 1, 1, nil, topic)
	produce(t, client, topic, "hello")
	client.AddConsumeTopics(topic)
	var got []string
	for ctx := soon(t); len(got) == 0; {
		records := client.PollFetches(ctx)
		if err := records.Err(); err != nil {
			t.Fatalf("fetch: %v", err)
		}
		records.EachRecord(func(r *kgo.Record) { got = append(got, string(r.Value)) })
	}
	if !slices.Equal(got, []string{"hello"}) {
		t.Errorf("read %q, want hello", got)
	}
}

func produce(t *testing.T, client *kgo.Client, topic, value string) {
	t.Helper()
	if err := client.ProduceSync(soon(t), &kgo.Record{Topic: topic, Value: []byte(value)}).FirstErr(); err != nil {
		t.Fatalf("produce to %s: %v", topic, err)
	}
}

func wantRecords(t *testing.T, cluster *real.Cluster, topic string, want ...string) {
	t.Helper()
	client := newClient(t, cluster, real.ListenerSSL, "", real.User{}, kgo.ConsumeTopics(topic))
	var got []string
	for ctx := soon(t); len(got) < len(want) && ctx.Err() == nil; {
		fetches := client.PollFetches(ctx)
		fetches.EachRecord(func(r *kgo.Record) { got = append(got, string(r.Value)) })
	}
	if !slices.Equal(got, want) {
		t.Errorf("topic %s holds %q, want %q", topic, got, want)
	}
}

func waitInSync(t *testing.T, admin *kadm.Client, topic string, replicas int) {
	t.Helper()
	real.Eventually(t, func(ctx context.Context) error {
		topics, err := admin.ListTopics(ctx, topic)
		if err == nil && len(topics[topic].Partitions[0].ISR) != replicas {
			err = fmt.Errorf("in sync are %v", topics[topic].Partitions[0].ISR)
		}
		return err
	})
}
