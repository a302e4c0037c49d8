package topic

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"golang.org/x/sync/errgroup"

	"github.com/headgate/terraform-provider-headgate/daemon/devkafka"
	"github.com/headgate/terraform-provider-headgate/daemon/gather"
	"github.com/headgate/terraform-provider-headgate/internal/api"
)

// requests counts what a client sends to brokers.
type requests struct{ atomic.Int64 }

func (r *requests) OnBrokerWrite(kgo.BrokerMetadata, int16, int, time.Duration, time.Duration, error) {
	r.Add(1)
}

var _ kgo.HookBrokerWrite = &requests{}

// thousands makes topics, and a client whose requests are counted.
func thousands(t *testing.T, topics int, configs map[string]*string) (*cluster, *requests) {
	t.Helper()
	kafka, err := devkafka.Start(t.Context(), devkafka.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(kafka.Close)
	sent := &requests{}
	client, err := kgo.NewClient(kgo.SeedBrokers(kafka.BootstrapServers()...), kgo.WithHooks(sent))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	names := make([]string, topics)
	for i := range names {
		names[i] = fmt.Sprintf("t%04d", i)
	}
	admin := kadm.NewClient(client)
	if _, err := admin.CreateTopics(t.Context(), 1, 1, configs, names...); err != nil {
		t.Fatal(err)
	}
	c := newCluster("main", client, admin)
	t.Cleanup(c.close)
	sent.Store(0)
	return c, sent
}

func TestThousandsOfTopicsInFewRequests(t *testing.T) {
	const topics, most = 5000, 10
	c, sent := thousands(t, topics, nil)
	found, err := c.all(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if n := sent.Load(); len(found) != topics || n > most {
		t.Errorf("%d topics in %d requests, want %d in at most %d", len(found), n, topics, most)
	}
	for _, st := range found {
		if policy, ok := st.config("cleanup.policy"); !ok || policy.value != "delete" {
			t.Fatalf("topic %s has cleanup.policy %q", st.name, policy.value)
		}
	}
}

// beside produces records by a client of its own: one that has produced goes on asking about what it has written to.
func beside(t *testing.T, c *cluster, records ...*kgo.Record) {
	t.Helper()
	servers, ok := c.client.OptValue(kgo.SeedBrokers).([]string)
	if !ok {
		t.Fatal("the client has no brokers")
	}
	producer, err := kgo.NewClient(kgo.SeedBrokers(servers...))
	if err != nil {
		t.Fatal(err)
	}
	defer producer.Close()
	if err := producer.ProduceSync(t.Context(), records...).FirstErr(); err != nil {
		t.Fatal(err)
	}
}

// Where the brokers' own configs may not be read, nobody knows what a topic goes back to: its records may go.
func TestBrokersDefaultIsNotTold(t *testing.T) {
	c, _ := thousands(t, 1, map[string]*string{api.RetentionConfig: new("-1")})
	c.defaults.Close()
	c.defaults = gather.New(gather.Config[struct{}, map[string]string]{
		Do: func(context.Context, []struct{}) ([]map[string]string, error) {
			return nil, errors.New("access is denied")
		},
		Limit: 1, Timeout: time.Minute,
	})
	st, err := c.one(t.Context(), "t0000")
	if err != nil {
		t.Fatal(err)
	}
	d := declaration{TopicWrite: api.TopicWrite{Unset: []string{api.RetentionConfig}}}
	change, err := d.against(st)
	if err != nil {
		t.Fatal(err)
	}
	if lost, err := c.losses(t.Context(), change, d); err != nil || len(lost) > 0 {
		t.Errorf("of an empty topic: %v, %v", lost, err)
	}
	beside(t, c, &kgo.Record{Topic: "t0000", Value: []byte("v")})
	_, err = c.losses(t.Context(), change, d)
	const want = `Records of topic "t0000" may go: retention.ms goes back to the broker's default, which is not known`
	if e, ok := errors.AsType[*api.Error](err); !ok || e.Code != api.CodeProtected || !strings.Contains(e.Detail, want) || !strings.Contains(e.Detail, "What that is could not be told: access is denied.") {
		t.Errorf("got %v, want it refused: %s", err, want)
	}
}

// Only topics whose change shortens something are asked about, and together.
func TestLossesOfThousandsInFewRequests(t *testing.T) {
	const topics, most = 2000, 400
	c, sent := thousands(t, topics, map[string]*string{api.RetentionConfig: new("-1")})
	found, err := c.all(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	records := []*kgo.Record{
		{Topic: "t0007", Partition: 0, Value: []byte("v"), Timestamp: time.Now().Add(-3 * time.Hour)},
		{Topic: "t0008", Partition: 0, Value: []byte("v")},
	}
	beside(t, c, records...)
	look := func(key string, value int64) (refused map[string]*api.Error) {
		t.Helper()
		sent.Store(0)
		refused = map[string]*api.Error{}
		lost := make(chan *api.Error, topics)
		var asking errgroup.Group
		asking.SetLimit(manyAtOnce)
		for _, st := range found {
			asking.Go(func() error {
				d := declaration{TopicWrite: api.TopicWrite{Config: map[string]string{key: strconv.FormatInt(value, 10)}}}
				change, err := d.against(st)
				if err != nil {
					return err
				}
				_, err = c.losses(t.Context(), change, d)
				if e, ok := errors.AsType[*api.Error](err); ok {
					lost <- e
					return nil
				}
				return err
			})
		}
		if err := asking.Wait(); err != nil {
			t.Fatal(err)
		}
		close(lost)
		for e := range lost {
			refused[e.Summary] = e
		}
		return refused
	}
	if refused := look("max.message.bytes", 5000); len(refused) > 0 || sent.Load() > 0 {
		t.Errorf("what loses nothing took %d requests, and %v", sent.Load(), refused)
	}
	refused := look(api.RetentionConfig, time.Hour.Milliseconds())
	if len(refused) != 1 || refused[`Topic "t0007" is protected from losing what it holds`] == nil {
		t.Errorf("a shorter retention is refused of %v", refused)
	}
	if n := sent.Load(); n > most {
		t.Errorf("a shorter retention of %d topics took %d requests, want at most %d", topics, n, most)
	} else {
		t.Logf("%d topics in %d requests", topics, n)
	}
	if refused := look(retentionBytes, 1<<30); len(refused) > 0 {
		t.Errorf("room enough is refused of %v", refused)
	}
}

// What cannot be told counts as lost, unless the topic is known to be empty.
func TestLossesThatCannotBeTold(t *testing.T) {
	tiered := []config{{key: tieredConfig, value: "true"}, {key: "cleanup.policy", value: "delete"}, {key: api.RetentionConfig, value: "-1"}, {key: retentionBytes, value: "-1"}}
	set := func(key, value string) change {
		return change{have: &state{name: "t", partitions: 2, configs: tiered}, configs: []kadm.AlterConfig{{Op: kadm.SetConfig, Name: key, Value: &value}}}
	}
	unset := func(key string) change {
		return change{have: &state{name: "t", partitions: 2, configs: tiered}, configs: []kadm.AlterConfig{{Op: kadm.DeleteConfig, Name: key}}}
	}
	trouble := errors.New("no leader")
	for what, tt := range map[string]struct {
		change change
		held   held
		words  string
	}{
		"size":                   {set(retentionBytes, "5"), held{records: 3, overErr: trouble}, `Records of topic "t" may go: partitions hold at most 5 B from now on. retention.bytes goes from unlimited to 5 B. How many could not be told: no leader.`},
		"size of nothing":        {set(retentionBytes, "5"), held{overErr: trouble}, ""},
		"age":                    {set(api.RetentionConfig, "5"), held{records: 3, oldErr: trouble}, `Records of topic "t" may go: they are older than 5ms. retention.ms goes from unlimited to 5ms. How many could not be told: no leader.`},
		"keys":                   {set("cleanup.policy", "compact"), held{recordsErr: trouble}, `Records of topic "t" may go: it is compacted from now on.`},
		"an age not told":        {unset(api.RetentionConfig), held{records: 3, old: 2}, `Records of topic "t" may go: retention.ms goes back to the broker's default, which is not known. retention.ms goes from unlimited to the broker's default.`},
		"a size not told":        {unset(retentionBytes), held{records: 3, over: 2}, `Records of topic "t" may go: retention.bytes goes back to the broker's default, which is not known. retention.bytes goes from unlimited to the broker's default.`},
		"not told, and nothing":  {unset(api.RetentionConfig), held{}, ""},
		"tiered storage ends":    {set(tieredConfig, "false"), held{records: 3, away: 2}, `2 records of topic "t" go: tiered storage ends, with what only it has. remote.storage.enable goes from true to false.`},
		"with nothing in it":     {set(tieredConfig, "false"), held{records: 3}, ""},
		"with who knows what":    {set(tieredConfig, "false"), held{records: 3, awayErr: trouble}, `Records of topic "t" may go: tiered storage ends`},
		"a policy of nothing":    {set("cleanup.policy", ""), held{records: 3}, ""},
		"not a number":           {set(api.RetentionConfig, "much"), held{records: 3}, ""},
		"something else of them": {set("max.message.bytes", "5"), held{records: 3}, ""},
	} {
		q, loses := tt.change.losing(time.Now())
		losses := q.losses(tt.held)
		if tt.words == "" {
			if len(losses) > 0 && loses {
				t.Errorf("%s: %+v", what, losses)
			}
			continue
		}
		if !loses || len(losses) != 1 || !strings.HasPrefix(losses[0].Summary+". "+losses[0].Detail, tt.words) {
			t.Errorf("%s: %+v, want %q", what, losses, tt.words)
		}
	}
}

// A broker has the age in three configs, of which the first that is set counts.
func TestBrokerLimits(t *testing.T) {
	for want, configs := range map[string]map[string]string{
		"map[retention.ms:360000000]":                   {"log.retention.hours": "100"},
		"map[retention.ms:120000]":                      {"log.retention.hours": "100", "log.retention.minutes": "2"},
		"map[retention.ms:5]":                           {"log.retention.hours": "100", "log.retention.minutes": "2", "log.retention.ms": "5"},
		"map[retention.bytes:7 retention.ms:-1]":        {"log.retention.hours": "-1", "log.retention.bytes": "7"},
		"map[retention.bytes:-1 retention.ms:36000000]": {"log.retention.hours": "10", "log.retention.ms": "null", "log.retention.bytes": "-1"},
		"map[]": {"log.dirs": "/data"},
	} {
		var told []kadm.Config
		for key, value := range configs {
			c := kadm.Config{Key: key, Value: &value}
			if value == "null" {
				c.Value = nil
			}
			told = append(told, c)
		}
		if got := fmt.Sprint(brokerLimits(told)); got != want {
			t.Errorf("%v: %s, want %s", configs, got, want)
		}
	}
}
