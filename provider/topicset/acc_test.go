package topicset_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/terraform"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/headgate/terraform-provider-headgate/internal/acctest"
	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/provider/providertest"
)

const address = "headgate_topic_set.all"

// setOf declares a set with the topics between the braces, and what stands beside them.
func setOf(d *acctest.Daemon, beside, topics string) string {
	return providertest.Connections(d) + fmt.Sprintf(`
resource "headgate_topic_set" "all" {
  connection_name = headgate_connection.main.name
  %s
  topics = {
    %s
  }
}
`, beside, topics)
}

const unprotected = "defaults = { deletion_protection = false }\n"

func test(t *testing.T, steps ...resource.TestStep) {
	t.Helper()
	resource.Test(t, resource.TestCase{ProtoV6ProviderFactories: providertest.Factories(), Steps: steps})
}

// changes checks which topics of the set a plan changes.
type changes []string

func (want changes) CheckPlan(_ context.Context, req plancheck.CheckPlanRequest, resp *plancheck.CheckPlanResponse) {
	for _, r := range req.Plan.ResourceChanges {
		if r.Address != address {
			continue
		}
		before, after := topicsIn(r.Change.Before), topicsIn(r.Change.After)
		var got []string
		for name := range before {
			if _, stays := after[name]; !stays {
				got = append(got, "-"+name)
			}
		}
		for name, now := range after {
			old, was := before[name]
			switch {
			case !was:
				got = append(got, "+"+name)
			case fmt.Sprint(old) != fmt.Sprint(now):
				got = append(got, "~"+name)
			}
		}
		if !sameElements(got, want) {
			resp.Error = fmt.Errorf("the plan changes %v, want %v", got, []string(want))
		}
		return
	}
	resp.Error = fmt.Errorf("%s is not in the plan", address)
}

var _ plancheck.PlanCheck = changes{}

func topicsIn(value any) map[string]any {
	set, _ := value.(map[string]any)
	topics, _ := set["topics"].(map[string]any)
	return topics
}

func sameElements(a, b []string) bool {
	count := map[string]int{}
	for _, s := range a {
		count[s]++
	}
	for _, s := range b {
		count[s]--
	}
	for _, n := range count {
		if n != 0 {
			return false
		}
	}
	return true
}

func changing(config string, want ...string) resource.TestStep {
	step := providertest.Applied(config)
	step.ConfigPlanChecks.PreApply = []plancheck.PlanCheck{changes(want)}
	return step
}

func topicAttr(name, attribute, value string) resource.TestCheckFunc {
	return resource.TestCheckResourceAttr(address, "topics."+name+"."+attribute, value)
}

func TestAccTopicSetLives(t *testing.T) {
	t.Parallel()
	d := acctest.Dev(t)
	first := setOf(d, `defaults = {
    partitions = 2, retention = "24h", deletion_protection = false
    config = { "max.message.bytes" = "2000000" }, labels = { team = "shop" }
  }`, `
    orders  = {}
    refunds = { partitions = 4, retention = "1h", description = "Money back", labels = { domain = "money" }, config = { "cleanup.policy" = "compact, delete" } }
    clicks  = { config = { "retention.ms" = "3600000" } }`)
	second := strings.Replace(first, "clicks  = {", "views   = {}\n    clicks  = { partitions = 3,", 1)
	third := strings.Replace(second, "views   = {}", "", 1)
	fewer := strings.Replace(third, `, config = { "cleanup.policy" = "compact, delete" }`, "", 1)
	defaults := strings.Replace(fewer, "2000000", "3000000", 1)
	test(t,
		providertest.Does(plancheck.ResourceActionCreate, address, first,
			topicAttr("orders", "partitions", "2"), topicAttr("orders", "replication_factor", "3"), topicAttr("orders", "retention", "24h"),
			topicAttr("refunds", "partitions", "4"), topicAttr("refunds", "retention", "1h"), topicAttr("clicks", "retention", "1h"),
			has(t, d, "refunds", map[string]string{"max.message.bytes": "2000000", "cleanup.policy": "compact,delete", "retention.ms": "3600000"}),
			has(t, d, "orders", map[string]string{"max.message.bytes": "2000000", "retention.ms": "86400000"}),
		),
		providertest.Unchanged(first),
		changing(second, "+views", "~clicks"),
		providertest.Unchanged(second),
		changing(third, "-views"),
		changing(fewer, "~refunds"),
		providertest.Unchanged(fewer),
		providertest.Applied(defaults, has(t, d, "refunds", map[string]string{"max.message.bytes": "3000000", "retention.ms": "3600000"})),
		providertest.Unchanged(defaults),
	)
}

// Of a set, each topic that would lose records is refused by itself.
func TestAccTopicSetKeepsRecords(t *testing.T) {
	t.Parallel()
	d := acctest.Dev(t)
	week := setOf(d, "", "a = { partitions = 1 }\n b = { partitions = 1 }")
	hour := setOf(d, `defaults = { retention = "1h" }`, "a = { partitions = 1 }\n b = { partitions = 1 }")
	open := setOf(d, `defaults = { retention = "1h" }`, "a = { partitions = 1, deletion_protection = false }\n b = { partitions = 1 }")
	done := setOf(d, unprotected, "a = { partitions = 1, retention = \"1h\" }\n b = { partitions = 1 }")
	produce := func() {
		client, err := kgo.NewClient(kgo.SeedBrokers(strings.Split(d.Kafka, ",")...))
		if err != nil {
			t.Fatal(err)
		}
		defer client.Close()
		records := []*kgo.Record{{Topic: "a", Value: []byte("v"), Timestamp: time.Now().Add(-3 * time.Hour)}, {Topic: "b", Value: []byte("v")}}
		if err := client.ProduceSync(t.Context(), records...).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	test(t,
		providertest.Applied(week),
		resource.TestStep{
			PreConfig: produce, Config: hour,
			ExpectError: regexp.MustCompile(`(?s)"a"\s+is\s+protected\s+from\s+losing.*1\s+record\s+of.*older\s+than\s+1h.*deletion_protection\s+=\s+false`),
		},
		providertest.Unchanged(week),
		providertest.Applied(open, has(t, d, "a", map[string]string{"retention.ms": "3600000"}), has(t, d, "b", map[string]string{"retention.ms": "3600000"})),
		providertest.Unchanged(open),
		providertest.Applied(done),
	)
}

// has checks the configs that are set on a topic.
func has(t *testing.T, d *acctest.Daemon, name string, want map[string]string) resource.TestCheckFunc {
	t.Helper()
	return func(*terraform.State) error {
		topic, err := d.Client.GetTopic(t.Context(), "main", name)
		if err != nil {
			return err
		}
		if fmt.Sprint(topic.Config) != fmt.Sprint(want) {
			return fmt.Errorf("configs of %s are %v, want %v", name, topic.Config, want)
		}
		return nil
	}
}

// A second plan is empty, whatever is set: every optional attribute alone, in an entry and in the defaults.
func TestAccTopicSetSecondPlan(t *testing.T) {
	t.Parallel()
	d := acctest.Dev(t)
	attributes := []string{
		"", `partitions = 4`, `replication_factor = 2`, `retention = "90m"`, `retention = "unlimited"`, `deletion_protection = false`,
		`config = {}`, `config = { "retention.ms" = "-1" }`, `config = { "cleanup.policy" = "compact, delete" }`, `config = { "max.message.bytes" = null }`,
		`labels = {}`, `labels = { a = "b" }`, `retention = "60m", config = { "retention.ms" = "3600000" }`,
	}
	var entries, byDefault, unprotect []string
	for i, a := range attributes {
		entries = append(entries, fmt.Sprintf("t%d = { %s }", i, a))
		set := func(defaults string) string {
			return fmt.Sprintf(`
resource "headgate_topic_set" "by_default_%[1]d" {
  connection_name = headgate_connection.main.name
  defaults        = { %[2]s }
  topics          = { d%[1]d = {}, e%[1]d = { config = { "segment.ms" = "60000" }, labels = { x = "y" } } }
}
`, i, defaults)
		}
		byDefault = append(byDefault, set(a))
		if !strings.Contains(a, "deletion_protection") {
			a = strings.TrimPrefix(a+", deletion_protection = false", ", ")
		}
		unprotect = append(unprotect, set(a))
	}
	entries = append(entries, `description = { description = "d" }`, `empty = { description = "" }`)
	own := strings.Join(entries, "\n    ")
	all := setOf(d, "", own) + strings.Join(byDefault, "")
	test(t,
		providertest.Applied(all), providertest.Unchanged(all),
		providertest.Applied(setOf(d, unprotected, strings.ReplaceAll(own, "deletion_protection = false", ""))+strings.Join(unprotect, "")),
	)
}

func TestAccTopicSetRefusesBadInput(t *testing.T) {
	t.Parallel()
	d := acctest.Dev(t)
	steps := []resource.TestStep{providertest.Applied(providertest.Connections(d))}
	for name, tt := range map[string]struct{ beside, topics, want string }{
		"count":       {"", `a = { partitions = 0 }`, `(?s)partitions of topic "a" is not valid.*whole number.*Attribute:\s+topics\["a"\].partitions`},
		"half":        {"", `a = { partitions = 1.5 }`, `(?s)partitions of topic "a" is not valid.*whole number.*Attribute:\s+topics\["a"\].partitions`},
		"name":        {"", `"a b" = {}`, `(?s)Topic name "a b" is not valid.*Attribute:\s+topics\["a b"\]`},
		"null":        {"", `a = null`, `Topic "a" is null`},
		"retention":   {"", `a = { retention = "7 days" }`, `(?s)retention of topic "a" is not valid.*"7 days" is not a duration.*Attribute:\s+topics\["a"\].retention`},
		"twice":       {"", `a = { retention = "1h", config = { "retention.ms" = "5" } }`, `(?s)Two different retentions of topic "a".*Attribute:\s+topics\["a"\].retention`},
		"defaults":    {`defaults = { retention = "7 days" }`, `a = {}`, `(?s)retention of the defaults is not valid.*"7 days" is not a duration.*Attribute:\s+defaults.retention`},
		"replicas":    {"", "a = {}\nb = { replication_factor = 9 }", `(?s)replica.*Attribute:\s+topics\["b"\].replication_factor`},
		"config":      {"", "a = {}\nb = { config = { \"cleanup.policy\" = \"odd\" } }", `(?s)cleanup.policy.*Attribute:\s+topics\["b"\].config\["cleanup.policy"\]`},
		"collides":    {"", "a-b = {}\nb = { config = { \"no.such\" = \"1\" } }", `(?s)no\.such`},
		"not one but": {"", "a = { replication_factor = 9 }\nb = { replication_factor = 8 }", `(?s)topics\["a"\].*topics\["b"\]`},
	} {
		steps = append(steps, resource.TestStep{Config: "# " + name + "\n" + setOf(d, tt.beside, tt.topics), PlanOnly: true, ExpectError: regexp.MustCompile(tt.want)})
	}
	test(t, append(steps, providertest.Applied(providertest.Connections(d)))...)
}

func TestAccTopicSetIsProtected(t *testing.T) {
	t.Parallel()
	d := acctest.Dev(t)
	both := setOf(d, "", "a = {}\n b = {}")
	one := setOf(d, "", "a = {}")
	bOpen := setOf(d, "", "a = {}\n b = { deletion_protection = false }")
	open := setOf(d, unprotected, "a = {}")
	refused := regexp.MustCompile(`(?s)Topic "b" is protected from deletion.*removed \{.*destroy = false.*names\s+that\s+stay.*deletion_protection = false`)
	test(t,
		providertest.Applied(both),
		resource.TestStep{Config: one, ExpectError: refused},
		resource.TestStep{Config: both, Destroy: true, ExpectError: refused},
		resource.TestStep{Config: strings.ReplaceAll(both, "headgate_connection.main", "headgate_connection.second"), ExpectError: refused},
		resource.TestStep{Config: setOf(d, "", "a = {}\n b = { partitions = 2 }"), ExpectError: regexp.MustCompile(`(?s)cannot shrink.*Attribute:\s+topics\["b"\].partitions`)},
		changing(bOpen, "~b"),
		changing(one, "-b"),
		providertest.Unchanged(one),
		changing(open, "~a"),
	)
	for _, name := range []string{"a", "b"} {
		if _, err := d.Client.GetTopic(t.Context(), "main", name); err == nil {
			t.Errorf("topic %s is still there", name)
		}
	}
}

// sneak is a way to the daemon on which somebody else makes a topic just before the set writes its own, once.
func sneak(t *testing.T, d *acctest.Daemon, topic string) string {
	t.Helper()
	return before(t, d, func(context.Context) error {
		d.Behind(t, func(ctx context.Context, admin *kadm.Client) error {
			_, err := admin.CreateTopic(ctx, 3, 3, nil, topic)
			return err
		})
		return nil
	})
}

// before is a way to the daemon on which somebody else does something just before the set is written, once.
func before(t *testing.T, d *acctest.Daemon, do func(ctx context.Context) error) string {
	t.Helper()
	target, err := url.Parse(d.Endpoint)
	if err != nil {
		t.Fatal(err)
	}
	var once sync.Once
	way := httputil.NewSingleHostReverseProxy(target)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPatch && r.URL.Query().Get("dry_run") == "" {
			once.Do(func() {
				if err := do(context.WithoutCancel(r.Context())); err != nil {
					t.Error(err)
				}
			})
		}
		way.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	return server.URL
}

func TestAccTopicSetPartialFailure(t *testing.T) {
	t.Parallel()
	d := acctest.Dev(t)
	one := setOf(d, unprotected, "a = {}")
	three := setOf(d, unprotected, "a = { partitions = 4 }\n b = {}\n c = {}")
	adopt := strings.Replace(three, "topics = {", "adopt_existing = true\n  topics = {", 1)
	test(t,
		providertest.Applied(one),
		resource.TestStep{Config: strings.ReplaceAll(three, d.Endpoint, sneak(t, d, "b")), ExpectError: regexp.MustCompile(`(?s)Topic "b" already exists.*adopt_existing = true`)},
		changing(adopt, "+b"),
		providertest.Unchanged(adopt),
	)
}

// A create that fails in part keeps what it made; Terraform taints it, and the plan says the way out.
func TestAccTopicSetPartialCreate(t *testing.T) {
	t.Parallel()
	d := acctest.Dev(t)
	config := setOf(d, "", "a = {}\n b = {}")
	test(t,
		providertest.Applied(providertest.Connections(d)),
		resource.TestStep{Config: strings.ReplaceAll(config, d.Endpoint, sneak(t, d, "b")), ExpectError: regexp.MustCompile(`(?s)Not all topics of the set could be made.*1 of 2.*terraform\s+untaint.*Topic "b" already exists`)},
		resource.TestStep{Config: config, ExpectError: regexp.MustCompile(`(?s)deletes the topics of the set.*terraform\s+untaint`)},
		resource.TestStep{Config: setOf(d, "adopt_existing = true", "a = {}\n b = {}"), ExpectError: regexp.MustCompile(`(?s)deletes the topics of the set.*terraform\s+untaint`)},
		resource.TestStep{
			PreConfig: func() {
				if _, err := d.Client.PutTopic(t.Context(), "main", "a", api.TopicWrite{DeletionProtection: new(false)}, api.WriteOptions{}); err != nil {
					t.Fatal(err)
				}
			},
			Config: setOf(d, "adopt_existing = true\n"+unprotected, "a = {}\n b = {}"),
		},
	)
}

// A create that makes nothing leaves nothing to taint.
func TestAccTopicSetFailedCreate(t *testing.T) {
	t.Parallel()
	d := acctest.Dev(t)
	config := setOf(d, unprotected, "a = {}")
	test(t,
		providertest.Applied(providertest.Connections(d)),
		resource.TestStep{Config: strings.ReplaceAll(config, d.Endpoint, sneak(t, d, "a")), ExpectError: regexp.MustCompile(`Topic "a" already exists`)},
		providertest.Does(plancheck.ResourceActionCreate, address, strings.Replace(config, "topics = {", "adopt_existing = true\n  topics = {", 1)),
	)
}

// A config that the defaults no longer have goes from every topic, also when the first attempt fails.
func TestAccTopicSetDefaultTakenAway(t *testing.T) {
	t.Parallel()
	d := acctest.Dev(t)
	first := setOf(d, `defaults = { deletion_protection = false, config = { "max.message.bytes" = "2000000" } }`, "a = {}\n b = {}")
	second := setOf(d, unprotected, "a = {}\n b = {}")
	way := before(t, d, func(ctx context.Context) error {
		_, err := d.Client.PutTopic(ctx, "main", "b", api.TopicWrite{DeletionProtection: new(false), Labels: map[string]string{"by": "another"}}, api.WriteOptions{})
		return err
	})
	week := map[string]string{"retention.ms": "604800000"}
	test(t,
		providertest.Applied(first),
		resource.TestStep{Config: strings.ReplaceAll(second, d.Endpoint, way), ExpectError: regexp.MustCompile(`Topic "b"`)},
		changing(second, "~b"),
		providertest.Applied(second, has(t, d, "a", week), has(t, d, "b", week)),
	)
}

// A set whose connection is gone leaves the state.
func TestAccTopicSetOutlivesItsConnection(t *testing.T) {
	t.Parallel()
	d := acctest.Dev(t)
	gone := providertest.Applied(providertest.Provider(d))
	gone.PreConfig = func() {
		if _, err := d.Client.DeleteConnection(t.Context(), "main", api.WriteOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	test(t, providertest.Applied(setOf(d, "", "a = {}")), gone)
}

func TestAccTopicSetReplicationFactor(t *testing.T) {
	t.Parallel()
	d := acctest.Dev(t)
	first := setOf(d, unprotected, "a = { replication_factor = 1 }\n b = {}")
	second := strings.Replace(first, "replication_factor = 1", "replication_factor = 3", 1)
	test(t,
		providertest.Applied(first),
		changing(second, "~a"),
		providertest.Unchanged(second),
		changing(first, "~a"),
		providertest.Unchanged(first),
	)
}

// The throttle and how long to wait are the set's own.
func TestAccTopicSetThrottled(t *testing.T) {
	t.Parallel()
	d := acctest.Dev(t)
	with := func(own string, factor int) string {
		return setOf(d, own+unprotected, fmt.Sprintf("a = { replication_factor = %d }\n b = { replication_factor = 2 }", factor))
	}
	const own = "replication_throttle = \"20MiB\"\n  timeouts = { create = \"90s\", update = \"5m\" }\n  "
	first := with("", 1)
	test(t,
		providertest.Applied(first),
		changing(with(own, 3), "~a"),
		providertest.Unchanged(with(own, 3)),
		changing(with(strings.Replace(own, "20MiB", "unlimited", 1), 3)),
		resource.TestStep{Config: with(strings.Replace(own, "20MiB", "fast", 1), 3), ExpectError: regexp.MustCompile(`replication_throttle is not valid`)},
		resource.TestStep{Config: with(strings.Replace(own, "5m", "soon", 1), 3), ExpectError: regexp.MustCompile(`(?s)timeout is not valid.*"soon".*Attribute:\s+timeouts.update`)},
		providertest.Applied(first),
	)
}

func TestAccTopicSetDrift(t *testing.T) {
	t.Parallel()
	d := acctest.Dev(t)
	config := setOf(d, `defaults = { deletion_protection = false, config = { "max.message.bytes" = "2000000" } }`, `a = {}
    b = { config = { "cleanup.policy" = "compact" } }
    c = {}`)
	alter := func(topic, key, value string) {
		d.Behind(t, func(ctx context.Context, admin *kadm.Client) error {
			_, err := admin.AlterTopicConfigs(ctx, []kadm.AlterConfig{{Op: kadm.SetConfig, Name: key, Value: &value}}, topic)
			return err
		})
		d.AwaitTopic(t, topic, func(now *api.Topic) bool { return now != nil && now.Config[key] == value })
	}
	behind := func(step resource.TestStep, do func()) resource.TestStep {
		step.PreConfig = do
		return step
	}
	test(t,
		providertest.Applied(config),
		behind(changing(config, "~a"), func() { alter("a", "max.message.bytes", "5") }),
		behind(changing(config, "~b"), func() { alter("b", "cleanup.policy", "delete") }),
		behind(changing(config, "~c"), func() { alter("c", "retention.ms", "5000") }),
		behind(providertest.Unchanged(config), func() { alter("c", "segment.ms", "5000") }),
		behind(changing(config, "+b"), func() {
			d.Behind(t, func(ctx context.Context, admin *kadm.Client) error {
				_, err := admin.DeleteTopics(ctx, "b")
				return err
			})
			d.AwaitTopic(t, "b", func(now *api.Topic) bool { return now == nil })
		}),
		providertest.Unchanged(config),
	)
}

func TestAccTopicSetImport(t *testing.T) {
	t.Parallel()
	d := acctest.Dev(t)
	elsewhere := func() {
		d.Behind(t, func(ctx context.Context, admin *kadm.Client) error {
			configs := map[string]*string{"retention.ms": new("7200000"), "cleanup.policy": new("compact")}
			made, err := admin.CreateTopics(ctx, 2, 3, configs, "pay.a", "pay.b", "other")
			if err == nil {
				err = made.Error()
			}
			return err
		})
	}
	entry := `{ partitions = 2, retention = "120m", config = { "cleanup.policy" = "compact" } }`
	imports := func(id string, names ...string) string {
		var entries []string
		for _, name := range names {
			entries = append(entries, fmt.Sprintf("%q = %s", name, entry))
		}
		return setOf(d, "", strings.Join(entries, "\n    ")) + fmt.Sprintf("import {\n  to = %s\n  id = %q\n}\n", address, id)
	}
	refused := func(id, want string) resource.TestStep {
		return resource.TestStep{Config: imports(id, "other"), PlanOnly: true, ExpectError: regexp.MustCompile(want)}
	}
	removed := providertest.Connections(d) + "removed {\n  from = headgate_topic_set.all\n  lifecycle {\n    destroy = false\n  }\n}\n"
	first := providertest.Applied(providertest.Connections(d))
	second := refused("main/", `(?s)import id is not valid.*connection/prefix\*`)
	second.PreConfig = elsewhere
	test(t, first, second,
		refused("main/none*", `There is nothing to import`),
		refused("main/none", `Topic "none" does not exist`),
		providertest.Applied(imports("main/pay.*", "pay.a", "pay.b")),
		providertest.Unchanged(imports("main/pay.*", "pay.a", "pay.b")),
		providertest.Applied(removed),
		providertest.Applied(imports("main/pay.a,other", "pay.a", "other")),
		providertest.Applied(removed),
		providertest.Applied(imports("main", "pay.a", "pay.b", "other")),
		providertest.Unchanged(imports("main", "pay.a", "pay.b", "other")),
		providertest.Applied(removed),
	)
}

// What a configuration says by its defaults is what an import found in each topic: the plan is empty.
func TestAccTopicSetImportWithDefaults(t *testing.T) {
	t.Parallel()
	d := acctest.Dev(t)
	written := setOf(d, `defaults = {
    partitions = 2, retention = "120m"
    config = { "max.message.bytes" = "2000000", "retention.ms" = "7200000" }, labels = { team = "shop" }
  }`, `
    a = { description = "A", labels = { tier = "1" } }
    b = { partitions = 4, config = { "cleanup.policy" = "compact, delete" } }`)
	imported := written + "import {\n  to = headgate_topic_set.all\n  id = \"main\"\n}\n"
	alone := setOf(d, "", `
    a = { partitions = 2, retention = "2h", description = "A", labels = { tier = "1", team = "shop" }, config = { "max.message.bytes" = "2000000" } }
    b = { partitions = 5, retention = "2h", labels = { team = "shop" }, config = { "cleanup.policy" = "compact,delete", "max.message.bytes" = "2000000" } }`)
	removed := providertest.Connections(d) + "removed {\n  from = headgate_topic_set.all\n  lifecycle {\n    destroy = false\n  }\n}\n"
	nothing := func(config string) resource.TestStep {
		return providertest.Does(plancheck.ResourceActionNoop, address, config)
	}
	test(t,
		providertest.Applied(written),
		providertest.Applied(removed),
		nothing(imported),
		providertest.Unchanged(written),
		changing(strings.Replace(written, `partitions = 4,`, `partitions = 5,`, 1), "~a", "~b"),
		providertest.Applied(removed),
		nothing(strings.Replace(imported, `partitions = 4,`, `partitions = 5,`, 1)),
		providertest.Applied(removed),
		nothing(alone+"import {\n  to = headgate_topic_set.all\n  id = \"main\"\n}\n"),
		providertest.Applied(setOf(d, unprotected, "a = { partitions = 2 }\n b = { partitions = 5 }")),
	)
}

// A topic moves from a resource of its own into a set without losing a record.
func TestAccTopicSetTakesOver(t *testing.T) {
	t.Parallel()
	d := acctest.Dev(t)
	alone := providertest.Connections(d) + `
resource "headgate_topic" "orders" {
  connection_name = headgate_connection.main.name
  name            = "orders"
  partitions      = 5
}
`
	into := setOf(d, "adopt_existing = true", `orders = { partitions = 5 }`) + "removed {\n  from = headgate_topic.orders\n  lifecycle {\n    destroy = false\n  }\n}\n"
	open := setOf(d, "adopt_existing = true\n"+unprotected, `orders = { partitions = 5 }`)
	var id string
	identify := func(*terraform.State) error {
		topic, err := d.Client.GetTopic(t.Context(), "main", "orders")
		if err == nil && id != "" && topic.ID != id {
			return fmt.Errorf("topic id %s, was %s: the topic was made again", topic.ID, id)
		}
		if err == nil {
			id = topic.ID
		}
		return err
	}
	test(t,
		providertest.Applied(alone, identify),
		providertest.Applied(into, identify),
		providertest.Unchanged(strings.Split(into, "removed {")[0]),
		providertest.Applied(open, identify),
	)
}

// A renamed set without a moved block would be deleted and made, or taken over, in any order.
func TestAccTopicSetRenamed(t *testing.T) {
	t.Parallel()
	d := acctest.Dev(t)
	named := func(name, beside string) string {
		return strings.ReplaceAll(setOf(d, unprotected+beside, "a = {}\n b = {}"), `"headgate_topic_set" "all"`, `"headgate_topic_set" "`+name+`"`)
	}
	moved := "moved {\n  from = headgate_topic_set.all\n  to   = headgate_topic_set.renamed\n}\n"
	refused := regexp.MustCompile(`(?s)both creates and deletes 2 topics.*moved {.*The topics: a, b`)
	test(t,
		providertest.Applied(named("all", "")),
		resource.TestStep{Config: named("renamed", ""), ExpectError: refused},
		resource.TestStep{Config: named("renamed", "adopt_existing = true"), ExpectError: refused},
		providertest.Unchanged(named("renamed", "")+moved),
	)
}

// Values that are known only after apply skip only the checks that need them.
func TestAccTopicSetUnknownValues(t *testing.T) {
	t.Parallel()
	d := acctest.Dev(t)
	later := `
resource "terraform_data" "later" {
  input = { retention = "2h", bytes = "2000000", label = "x", partitions = 4, topics = { late = { partitions = 2 } } }
}
`
	config := later + setOf(d, unprotected, `
    a = { retention = terraform_data.later.output.retention, partitions = terraform_data.later.output.partitions }
    b = { config = { "max.message.bytes" = terraform_data.later.output.bytes }, labels = { domain = terraform_data.later.output.label } }
    c = terraform_data.later.output.topics.late`)
	wrong := later + setOf(d, "", `a = { retention = terraform_data.later.output.retention, config = { "no.such.config" = "1" } }`)
	whole := later + strings.Replace(setOf(d, unprotected, ""), "topics = {\n    \n  }", "topics = terraform_data.later.output.topics", 1)
	test(t,
		resource.TestStep{Config: wrong, PlanOnly: true, ExpectError: regexp.MustCompile(`no.such.config`)},
		providertest.Applied(config, topicAttr("a", "retention", "2h"), topicAttr("a", "partitions", "4"), topicAttr("c", "partitions", "2")),
		providertest.Unchanged(config),
		providertest.Applied(whole, topicAttr("late", "partitions", "2")),
	)
}

// What is wrong whatever the cluster says is refused when planning, also when the plan makes the connection too.
func TestAccTopicSetBeforeItsConnection(t *testing.T) {
	t.Parallel()
	d := acctest.Dev(t)
	test(t,
		resource.TestStep{
			Config:      setOf(d, "", "a = { config = { \"cleanup.policy\" = \"odd\" } }\n b = { replication_factor = 1, config = { \"min.insync.replicas\" = \"2\" } }"),
			PlanOnly:    true,
			ExpectError: regexp.MustCompile(`(?s)No cluster takes this value of cleanup.policy.*topics\["a"\].config\["cleanup.policy"\].*cannot have 2 replicas in sync.*topics\["b"\].config\["min.insync.replicas"\]`),
		},
		providertest.Applied(setOf(d, unprotected, "a = { config = { \"cleanup.policy\" = \"compact\" } }")),
	)
}

// What goes with several topics is one warning.
func TestAccTopicSetHundreds(t *testing.T) {
	t.Parallel()
	d := acctest.Dev(t)
	many := func(n int, partitions int) string {
		return providertest.Connections(d) + fmt.Sprintf(`
resource "headgate_topic_set" "all" {
  connection_name = headgate_connection.main.name
  defaults        = { deletion_protection = false, partitions = %d }
  topics          = { for n in range(%d) : format("t%%03d", n) => {} }
}
`, partitions, n)
	}
	test(t,
		providertest.Applied(many(300, 1), resource.TestCheckResourceAttr(address, "topics.%", "300")),
		providertest.Unchanged(many(300, 1)),
		providertest.Applied(many(300, 2), topicAttr("t299", "partitions", "2")),
		providertest.Applied(many(200, 2), resource.TestCheckResourceAttr(address, "topics.%", "200")),
	)
}
