package acl_test

import (
	"context"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/terraform"
	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/headgate/terraform-provider-headgate/internal/acctest"
	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/internal/real"
	"github.com/headgate/terraform-provider-headgate/provider/providertest"
)

const address = "headgate_acl.billing"

// declares is a configuration with the ACLs of a principal.
func declares(d *acctest.Daemon, principal string, rules ...string) string {
	return providertest.Connections(d) + fmt.Sprintf(`
resource "headgate_acl" "billing" {
  connection_name = headgate_connection.main.name
  principal       = %q
  rules = {
    %s
  }
}
`, principal, labelled(rules))
}

// labelled gives each rule a label by its place.
func labelled(rules []string) string {
	lines := make([]string, len(rules))
	for i, rule := range rules {
		lines[i] = fmt.Sprintf("rule-%d = %s", i, rule)
	}
	return strings.Join(lines, "\n    ")
}

// principal is one that no other test uses.
func principal(t *testing.T) string {
	t.Helper()
	return "User:" + real.Name(t)
}

const (
	reads     = `{ resource_type = "TOPIC", resource_name = "orders", operations = ["READ", "DESCRIBE"] }`
	group     = `{ resource_type = "GROUP", resource_name = "billing-", pattern_type = "PREFIXED", operations = ["READ"] }`
	denies    = `{ resource_type = "TOPIC", resource_name = "secrets", operations = ["ALL"], permission = "DENY", host = "10.1.2.3" }`
	cluster   = `{ resource_type = "CLUSTER", operations = ["IDEMPOTENT_WRITE"] }`
	inWords   = `{ resource_type = "TOPIC", resource_name = "orders", pattern_type = "LITERAL", operations = ["DESCRIBE"], permission = "ALLOW", host = "*" }`
	inParts   = `{ resource_type = "TOPIC", resource_name = "orders", operations = ["READ"] }`
	subsuming = `{ resource_type = "TOPIC", resource_name = "orders", operations = ["ALL"] }`
)

func test(t *testing.T, steps ...resource.TestStep) {
	t.Helper()
	resource.Test(t, resource.TestCase{ProtoV6ProviderFactories: providertest.Factories(), Steps: steps})
}

// has checks what the cluster has, ACL by ACL.
func has(t *testing.T, d *acctest.Daemon, principal string, want ...string) resource.TestCheckFunc {
	t.Helper()
	return func(*terraform.State) error {
		a, err := d.Client.GetACL(t.Context(), "main", principal)
		if err != nil {
			return err
		}
		var got []string
		for _, r := range a.Rules {
			for _, operation := range r.Operations {
				got = append(got, fmt.Sprintf("%s %s %s %s", r.Permission, operation, r.ResourceType, r.ResourceName))
			}
		}
		slices.Sort(got)
		if !slices.Equal(got, want) {
			return fmt.Errorf("the ACLs are %q, want %q", got, want)
		}
		return nil
	}
}

func TestAccACLLives(t *testing.T) {
	t.Parallel()
	d := acctest.Dev(t)
	who := principal(t)
	all := declares(d, who, reads, group, denies, cluster)
	reordered := declares(d, who, cluster, denies, group, inWords, inParts)
	fewer := declares(d, who, reads, subsuming)
	test(t,
		providertest.Does(plancheck.ResourceActionCreate, address, all,
			resource.TestCheckResourceAttr(address, "rules.%", "4"),
			has(t, d, who, "ALLOW DESCRIBE TOPIC orders", "ALLOW IDEMPOTENT_WRITE CLUSTER kafka-cluster", "ALLOW READ GROUP billing-", "ALLOW READ TOPIC orders", "DENY ALL TOPIC secrets"),
		),
		providertest.Unchanged(all),
		// The same in other words and another order is no change.
		providertest.Unchanged(reordered),
		providertest.Does(plancheck.ResourceActionUpdate, address, fewer, has(t, d, who, "ALLOW ALL TOPIC orders", "ALLOW DESCRIBE TOPIC orders", "ALLOW READ TOPIC orders")),
		providertest.Unchanged(fewer),
		providertest.Applied(providertest.Connections(d), func(*terraform.State) error {
			if _, err := d.Client.GetACL(t.Context(), "main", who); !api.HasCode(err, api.CodeNotFound) || strings.Contains(err.Error(), "Connection") {
				return fmt.Errorf("after destroy: %w", err)
			}
			return nil
		}),
	)
}

func TestAccACLImport(t *testing.T) {
	t.Parallel()
	d := acctest.Dev(t)
	who := principal(t) + "/of,all=kinds"
	config := declares(d, who, reads, group, denies, cluster)
	test(t,
		providertest.Applied(config),
		resource.TestStep{ResourceName: address, ImportState: true, ImportStateId: "main/" + who, ImportStateCheck: func(states []*terraform.InstanceState) error {
			if got := states[0].Attributes["rules.%"]; got != "4" {
				return fmt.Errorf("%s rules were imported", got)
			}
			return nil
		}},
		resource.TestStep{ResourceName: address, ImportState: true, ImportStateId: "main", ExpectError: regexp.MustCompile(`connection_name/principal, such as`)},
		resource.TestStep{ResourceName: address, ImportState: true, ImportStateId: "main/bob", ExpectError: regexp.MustCompile(`(?s)import id is not valid.*such as\s+User:billing`)},
		resource.TestStep{ResourceName: address, ImportState: true, ImportStateId: "main/User:nobody", ExpectError: regexp.MustCompile(`(?s)does not exist.*nothing to\s+import by the id`)},
	)
}

func TestAccACLDrift(t *testing.T) {
	t.Parallel()
	d := acctest.Dev(t)
	who := principal(t)
	config := declares(d, who, reads, group)
	wanted := has(t, d, who, "ALLOW DESCRIBE TOPIC orders", "ALLOW READ GROUP billing-", "ALLOW READ TOPIC orders")
	builder := func(topic string, operation kadm.ACLOperation) *kadm.ACLBuilder {
		return kadm.NewACLs().Allow(who).AllowHosts("*").Topics(topic).Operations(operation).ResourcePatternType(kadm.ACLPatternLiteral)
	}
	repaired := func(action plancheck.ResourceActionType, do func(ctx context.Context, admin *kadm.Client) error) resource.TestStep {
		step := providertest.Does(action, address, config, wanted)
		step.PreConfig = func() { d.Behind(t, do) }
		return step
	}
	test(t,
		providertest.Applied(config),
		// One operation of a rule that has two.
		repaired(plancheck.ResourceActionUpdate, func(ctx context.Context, admin *kadm.Client) error {
			_, err := admin.DeleteACLs(ctx, builder("orders", kadm.OpDescribe))
			return err
		}),
		providertest.Unchanged(config),
	)
}

func TestAccACLExists(t *testing.T) {
	t.Parallel()
	d := acctest.Dev(t)
	who := principal(t)
	elsewhere := func(ctx context.Context, admin *kadm.Client) error {
		_, err := admin.CreateACLs(ctx, kadm.NewACLs().Allow(who).AllowHosts("*").Topics("orders").Operations(kadm.OpRead, kadm.OpDescribe).ResourcePatternType(kadm.ACLPatternLiteral))
		return err
	}
	config := declares(d, who, reads)
	test(t,
		providertest.Applied(providertest.Connections(d)),
		resource.TestStep{
			PreConfig: func() { d.Behind(t, elsewhere) },
			Config:    config, ExpectError: regexp.MustCompile(`(?s)already exists.*terraform\s+import\s+headgate_acl.<name>\s+'main/User:`),
		},
		providertest.Applied(config+fmt.Sprintf("\nimport {\n  to = %s\n  id = \"main/%s\"\n}\n", address, who)),
		providertest.Unchanged(config),
	)
}

func TestAccACLRefusesBadInput(t *testing.T) {
	t.Parallel()
	d := acctest.Dev(t)
	rules := map[string]string{
		"type":      `{ resource_type = "QUEUE", resource_name = "x", operations = ["READ"] }`,
		"lower":     `{ resource_type = "TOPIC", resource_name = "x", operations = ["read"] }`,
		"operation": `{ resource_type = "GROUP", resource_name = "x", operations = ["WRITE"] }`,
		"nameless":  `{ resource_type = "TOPIC", operations = ["READ"] }`,
		"prefix":    `{ resource_type = "TOPIC", resource_name = "orders-*", operations = ["READ"] }`,
		"host":      `{ resource_type = "TOPIC", resource_name = "x", operations = ["READ"], host = "10.0.0.0/8" }`,
		"token":     `{ resource_type = "DELEGATION_TOKEN", resource_name = "x", operations = ["READ"] }`,
		"none":      ``,
		"principal": reads,
	}
	var config strings.Builder
	config.WriteString(providertest.Connections(d))
	for _, name := range slices.Sorted(maps.Keys(rules)) {
		who := "User:" + name
		if name == "principal" {
			who = "billing"
		}
		rule := ""
		if rules[name] != "" {
			rule = "mine = " + rules[name]
		}
		fmt.Fprintf(&config, "resource \"headgate_acl\" %q {\n  connection_name = headgate_connection.main.name\n  principal = %q\n  rules = {\n    %s\n  }\n}\n", name, who, rule)
	}
	// What the provider refuses by itself hides what the daemon would say.
	without := regexp.MustCompile(`(?s)resource "headgate_acl" "principal".*?\n}\n`).ReplaceAllString(config.String(), "")
	providertest.Refused(t, "", config.String(), map[string]string{"headgate_acl.principal": `such as User:billing`})
	providertest.Refused(t, providertest.Connections(d), without, map[string]string{
		"headgate_acl.type":      `"QUEUE" is none of Kafka's words`,
		"headgate_acl.lower":     `Write READ`,
		"headgate_acl.operation": `GROUP has no operation WRITE.*rules\["mine"\].operations`,
		"headgate_acl.nameless":  `names no resource`,
		"headgate_acl.prefix":    `pattern_type = PREFIXED`,
		"headgate_acl.host":      `Set host to an IP address`,
		"headgate_acl.token":     `Use DESCRIBE or ALL`,
		"headgate_acl.none":      `destroy the resource`,
	})
}

// Values that are known only after apply skip only the checks that need them.
func TestAccACLUnknownValues(t *testing.T) {
	t.Parallel()
	d := acctest.Dev(t)
	who := principal(t)
	later := `
resource "terraform_data" "later" {
  input = { topic = "orders", operation = "READ" }
}
`
	named := `{ resource_type = "TOPIC", resource_name = terraform_data.later.output.topic, operations = [terraform_data.later.output.operation] }`
	config := later + declares(d, who, named, group)
	test(t,
		providertest.Applied(providertest.Connections(d)),
		resource.TestStep{Config: later + declares(d, who, named, `{ resource_type = "TOPIC", resource_name = "x", operations = ["reed"] }`), PlanOnly: true, ExpectError: regexp.MustCompile(`none of Kafka's words`)},
		providertest.Applied(config, has(t, d, who, "ALLOW READ GROUP billing-", "ALLOW READ TOPIC orders")),
		providertest.Unchanged(config),
	)
}

// A thousand ACLs are one resource that is quick to plan and to apply.
func TestAccACLThousand(t *testing.T) {
	t.Parallel()
	d := acctest.Dev(t)
	who := principal(t)
	rules := `{ for i in range(334) : "orders-${i}" => { resource_type = "TOPIC", resource_name = "orders-${i}", operations = ["READ", "WRITE", "DESCRIBE"] } }`
	config := strings.Replace(declares(d, who), "{\n    \n  }", rules, 1)
	fewer := strings.Replace(config, "range(334)", "range(333)", 1)
	timed := func(what string, step resource.TestStep) resource.TestStep {
		var begin time.Time
		step.PreConfig = func() { begin = time.Now() }
		step.Check = func(*terraform.State) error {
			t.Logf("%s: %v", what, time.Since(begin))
			return nil
		}
		return step
	}
	test(t,
		timed("create", providertest.Applied(config)),
		timed("no change", providertest.Unchanged(config)),
		timed("one rule less", providertest.Does(plancheck.ResourceActionUpdate, address, fewer)),
	)
}
