package acl

import (
	"cmp"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/headgate/terraform-provider-headgate/daemon/declared"
	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/internal/spec"
)

// binding is one ACL of a principal, as Kafka counts them.
type binding struct {
	resource   kmsg.ACLResourceType
	name       string
	pattern    kmsg.ACLResourcePatternType
	permission kmsg.ACLPermissionType
	host       string
	operation  kmsg.ACLOperation
}

// group is everything of a binding but its operation.
type group struct {
	resource   kmsg.ACLResourceType
	name       string
	pattern    kmsg.ACLResourcePatternType
	permission kmsg.ACLPermissionType
	host       string
}

func (b binding) group() group { return group{b.resource, b.name, b.pattern, b.permission, b.host} }

// The words of Kafka for what the protocol has numbers for.
var (
	resourceTypes = map[string]kmsg.ACLResourceType{
		"TOPIC": kmsg.ACLResourceTypeTopic, "GROUP": kmsg.ACLResourceTypeGroup, "CLUSTER": kmsg.ACLResourceTypeCluster,
		"TRANSACTIONAL_ID": kmsg.ACLResourceTypeTransactionalId, "DELEGATION_TOKEN": kmsg.ACLResourceTypeDelegationToken, "USER": kmsg.ACLResourceTypeUser,
	}
	patternTypes = map[string]kmsg.ACLResourcePatternType{"LITERAL": kmsg.ACLResourcePatternTypeLiteral, "PREFIXED": kmsg.ACLResourcePatternTypePrefixed}
	permissions  = map[string]kmsg.ACLPermissionType{"ALLOW": kmsg.ACLPermissionTypeAllow, "DENY": kmsg.ACLPermissionTypeDeny}
	operations   = map[string]kmsg.ACLOperation{
		"ALL": kmsg.ACLOperationAll, "READ": kmsg.ACLOperationRead, "WRITE": kmsg.ACLOperationWrite, "CREATE": kmsg.ACLOperationCreate,
		"DELETE": kmsg.ACLOperationDelete, "ALTER": kmsg.ACLOperationAlter, "DESCRIBE": kmsg.ACLOperationDescribe,
		"CLUSTER_ACTION": kmsg.ACLOperationClusterAction, "DESCRIBE_CONFIGS": kmsg.ACLOperationDescribeConfigs, "ALTER_CONFIGS": kmsg.ACLOperationAlterConfigs,
		"IDEMPOTENT_WRITE": kmsg.ACLOperationIdempotentWrite, "CREATE_TOKENS": kmsg.ACLOperationCreateTokens, "DESCRIBE_TOKENS": kmsg.ACLOperationDescribeTokens,
		"TWO_PHASE_COMMIT": twoPhaseCommit,
	}
	resourceWords   = invert(resourceTypes)
	patternWords    = invert(patternTypes)
	permissionWords = invert(permissions)
	operationWords  = invert(operations)
)

// twoPhaseCommit came with Kafka 4.1 (KIP-939).
const twoPhaseCommit kmsg.ACLOperation = 15

// possible are the operations that Kafka asks the authorizer about, by resource (its AclEntry.supportedOperations). A rule
// with another one is stored and never does anything.
var possible = map[kmsg.ACLResourceType][]string{
	kmsg.ACLResourceTypeTopic:           {"READ", "WRITE", "CREATE", "DELETE", "ALTER", "DESCRIBE", "DESCRIBE_CONFIGS", "ALTER_CONFIGS"},
	kmsg.ACLResourceTypeGroup:           {"READ", "DESCRIBE", "DELETE", "DESCRIBE_CONFIGS", "ALTER_CONFIGS"},
	kmsg.ACLResourceTypeCluster:         {"CREATE", "CLUSTER_ACTION", "DESCRIBE_CONFIGS", "ALTER_CONFIGS", "IDEMPOTENT_WRITE", "ALTER", "DESCRIBE"},
	kmsg.ACLResourceTypeTransactionalId: {"DESCRIBE", "WRITE", "TWO_PHASE_COMMIT"},
	kmsg.ACLResourceTypeDelegationToken: {"DESCRIBE"},
	kmsg.ACLResourceTypeUser:            {"CREATE_TOKENS", "DESCRIBE_TOKENS"},
}

func invert[V comparable](words map[string]V) map[V]string {
	inverted := make(map[V]string, len(words))
	for word, value := range words {
		inverted[value] = word
	}
	return inverted
}

// parsed is what rules declare: for each binding the index of a rule that declares it.
type parsed map[binding]int

// parse reads rules, and says what is wrong with them. What the cluster has already is taken as it is.
func parse(rules []api.ACLRule, have map[binding]bool) (parsed, error) {
	all := parsed{}
	var problems []*api.Error
	for i, rule := range rules {
		found, problem := parseRule(rule)
		if problem == nil {
			for _, b := range found {
				if _, known := all[b]; !known {
					all[b] = i
				}
				if problem == nil && !have[b] {
					problem = check(b)
				}
			}
		}
		if problem != nil {
			problem.Attribute = spec.Join("/rules", strconv.Itoa(i)) + problem.Attribute
			problem.Summary = fmt.Sprintf("The rule %s is not possible", line(rule))
			problems = append(problems, problem)
		}
	}
	return all, declared.Join(problems)
}

func parseRule(rule api.ACLRule) ([]binding, *api.Error) {
	b := binding{name: rule.ResourceName, host: cmp.Or(rule.Host, api.DefaultACLHost)}
	var problem *api.Error
	b.resource = word(resourceTypes, rule.ResourceType, "/resource_type", &problem)
	b.pattern = word(patternTypes, cmp.Or(rule.PatternType, api.DefaultACLPattern), "/pattern_type", &problem)
	b.permission = word(permissions, cmp.Or(rule.Permission, api.DefaultACLPermission), "/permission", &problem)
	if b.resource == kmsg.ACLResourceTypeCluster && b.name == "" {
		b.name = api.ACLClusterName
	}
	if problem == nil && b.name == "" {
		problem = api.Invalid("/resource_name", "", "It names no resource.", "Set resource_name to the name, to * for all, or with pattern_type = PREFIXED to what the names begin with.")
	}
	if problem == nil && len(rule.Operations) == 0 {
		problem = api.Invalid("/operations", "", "It has no operations.", "List at least one operation, such as READ, or leave the rule out.")
	}
	all := make([]binding, 0, len(rule.Operations))
	for _, name := range rule.Operations {
		b.operation = word(operations, name, "/operations", &problem)
		all = append(all, b)
	}
	return all, problem
}

// word looks a word up. The first problem counts.
func word[V any](words map[string]V, given, pointer string, problem **api.Error) V {
	value, ok := words[given]
	if ok || *problem != nil {
		return value
	}
	detail := fmt.Sprintf("%q is none of Kafka's words for it.", given)
	remedy := "Use " + strings.Join(slices.Sorted(maps.Keys(words)), ", ") + "."
	if _, upper := words[strings.ToUpper(given)]; upper {
		remedy = fmt.Sprintf("Write %s.", strings.ToUpper(given))
	}
	*problem = api.Invalid(pointer, "", detail, remedy)
	return value
}

// check refuses a new ACL that would never do what its author thinks.
func check(b binding) *api.Error {
	if b.operation != kmsg.ACLOperationAll && !slices.Contains(possible[b.resource], operationWords[b.operation]) {
		return api.Invalid("/operations", "", fmt.Sprintf("%s has no operation %s: Kafka would keep the rule, and never ask for it.", resourceWords[b.resource], operationWords[b.operation]),
			fmt.Sprintf("Use %s or ALL.", strings.Join(possible[b.resource], ", ")))
	}
	if b.pattern == kmsg.ACLResourcePatternTypePrefixed && b.name == "*" {
		return api.Invalid("/resource_name", "", "With pattern_type PREFIXED, * is no wildcard: the rule is about names that begin with a star.",
			"For all names use pattern_type = LITERAL; for those that begin alike, write what they begin with, without the star.")
	}
	if b.pattern == kmsg.ACLResourcePatternTypeLiteral && b.name != "*" && strings.HasSuffix(b.name, "*") {
		return api.Invalid("/resource_name", "", "With pattern_type LITERAL, a star at the end is no wildcard: no such name exists.",
			"Use pattern_type = PREFIXED, and leave the star out.")
	}
	if b.resource == kmsg.ACLResourceTypeCluster && (b.name != api.ACLClusterName || b.pattern != kmsg.ACLResourcePatternTypeLiteral) {
		return api.Invalid("/resource_name", "", fmt.Sprintf("There is one resource of type CLUSTER only: %s.", api.ACLClusterName), "Leave resource_name and pattern_type out.")
	}
	if _, err := netip.ParseAddr(b.host); err != nil && b.host != api.DefaultACLHost {
		return api.Invalid("/host", "", "Kafka compares it with the client's IP address, letter by letter: a host name or a range never matches.",
			"Set host to an IP address such as 10.1.2.3, or leave it out for all.")
	}
	return nil
}

// rulesOf groups bindings, in an order that is always the same.
func rulesOf(bindings map[binding]bool) []api.ACLRule {
	grouped := map[group][]kmsg.ACLOperation{}
	for b := range bindings {
		grouped[b.group()] = append(grouped[b.group()], b.operation)
	}
	groups := slices.SortedFunc(maps.Keys(grouped), func(a, b group) int {
		return cmp.Or(cmp.Compare(a.resource, b.resource), cmp.Compare(a.name, b.name), cmp.Compare(a.pattern, b.pattern),
			cmp.Compare(a.permission, b.permission), cmp.Compare(a.host, b.host))
	})
	rules := make([]api.ACLRule, 0, len(groups))
	for _, g := range groups {
		rule := api.ACLRule{
			ResourceType: resourceWords[g.resource], ResourceName: g.name, PatternType: patternWords[g.pattern],
			Permission: permissionWords[g.permission], Host: g.host,
		}
		for _, op := range slices.Sorted(slices.Values(grouped[g])) {
			rule.Operations = append(rule.Operations, operationWords[op])
		}
		rules = append(rules, rule)
	}
	return rules
}

// line is a rule as a person reads it, such as ALLOW READ, WRITE on topics orders*.
func line(r api.ACLRule) string {
	text := fmt.Sprintf("%s %s on %s %s", cmp.Or(r.Permission, api.DefaultACLPermission), strings.Join(r.Operations, ", "), r.ResourceType, cmp.Or(r.ResourceName, api.ACLClusterName))
	if r.PatternType == "PREFIXED" {
		text += " (PREFIXED)"
	}
	if r.Host != "" && r.Host != api.DefaultACLHost {
		text += " from " + r.Host
	}
	return text
}
