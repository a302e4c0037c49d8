package acl

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/headgate/terraform-provider-headgate/internal/api"
)

type model struct {
	ConnectionName types.String `tfsdk:"connection_name"`
	Principal      types.String `tfsdk:"principal"`
	// Rules stays as it comes: into structs, a thousand rules would be moved by reflection several times in each plan.
	Rules types.Map `tfsdk:"rules"`
}

// The attributes of a rule.
const (
	resourceType = "resource_type"
	resourceName = "resource_name"
	patternType  = "pattern_type"
	operations   = "operations"
	permission   = "permission"
	host         = "host"
)

var ruleType = types.ObjectType{AttrTypes: map[string]attr.Type{
	resourceType: types.StringType, resourceName: types.StringType, patternType: types.StringType,
	operations: types.SetType{ElemType: types.StringType}, permission: types.StringType, host: types.StringType,
}}

func (m *model) what() string { return fmt.Sprintf("the ACLs of %q", m.Principal.ValueString()) }

// labels are those of the rules that are known, in order: the order in which the daemon hears of them.
func (m *model) labels() []string {
	var known []string
	for label, element := range m.Rules.Elements() {
		if _, ok := ruleOf(element); ok {
			known = append(known, label)
		}
	}
	slices.Sort(known)
	return known
}

// expand makes the request of a plan. A rule with a value that is not known yet is left out, and the daemon told so.
func (m *model) expand() api.ACLWrite {
	w := api.ACLWrite{Rules: []api.ACLRule{}}
	elements := m.Rules.Elements()
	for _, label := range m.labels() {
		rule, _ := ruleOf(elements[label])
		w.Rules = append(w.Rules, rule)
	}
	if m.Rules.IsUnknown() || len(w.Rules) < len(elements) {
		w.Unknown = []string{"/rules"}
	}
	return w
}

// ruleOf answers false when not all of a rule is known.
func ruleOf(element attr.Value) (api.ACLRule, bool) {
	object, ok := element.(types.Object)
	if !ok || object.IsUnknown() || object.IsNull() {
		return api.ACLRule{}, false
	}
	attributes := object.Attributes()
	known := true
	text := func(value attr.Value) string {
		s, ok := value.(types.String)
		known = known && ok && !s.IsUnknown()
		return s.ValueString()
	}
	rule := api.ACLRule{
		ResourceType: text(attributes[resourceType]), ResourceName: text(attributes[resourceName]), PatternType: text(attributes[patternType]),
		Permission: text(attributes[permission]), Host: text(attributes[host]), Operations: []string{},
	}
	set, ok := attributes[operations].(types.Set)
	known = known && ok && !set.IsUnknown()
	for _, operation := range set.Elements() {
		rule.Operations = append(rule.Operations, text(operation))
	}
	slices.Sort(rule.Operations)
	return rule, known
}

// target is everything of a rule but its operations, with the defaults filled in.
type target struct{ kind, name, pattern, permission, host string }

// acl is one ACL as Kafka counts them.
type acl struct {
	target
	operation string
}

func targetOf(r api.ACLRule) target {
	on := target{r.ResourceType, r.ResourceName, cmp.Or(r.PatternType, api.DefaultACLPattern), cmp.Or(r.Permission, api.DefaultACLPermission), cmp.Or(r.Host, api.DefaultACLHost)}
	if on.kind == "CLUSTER" && on.name == "" {
		on.name = api.ACLClusterName
	}
	return on
}

// aclsOf are the ACLs that rules stand for.
func aclsOf(rules []api.ACLRule) map[acl]bool {
	all := map[acl]bool{}
	for _, r := range rules {
		for _, operation := range r.Operations {
			all[acl{targetOf(r), operation}] = true
		}
	}
	return all
}

// sameMeaning says whether both are known and stand for the same ACLs.
func (m *model) sameMeaning(other model) bool {
	mine, its := m.expand(), other.expand()
	return len(mine.Unknown)+len(its.Unknown) == 0 && maps.Equal(aclsOf(mine.Rules), aclsOf(its.Rules))
}

// flatten keeps the rules as they are where the cluster has what they say. Where it has less, their operations are those
// that are left; what else there is comes as rules of its own.
func (m *model) flatten(a *api.ACL) error {
	there := aclsOf(a.Rules)
	left := maps.Clone(there)
	rules := map[string]attr.Value{}
	for label, element := range m.Rules.Elements() {
		rule, ok := ruleOf(element)
		if !ok {
			continue
		}
		declared := len(rule.Operations)
		rule.Operations = slices.DeleteFunc(rule.Operations, func(operation string) bool {
			delete(left, acl{targetOf(rule), operation})
			return !there[acl{targetOf(rule), operation}]
		})
		switch len(rule.Operations) {
		case 0:
		case declared:
			rules[label] = element
		default:
			rules[label] = value(rule)
		}
	}
	for _, rule := range a.Rules {
		rule.Operations = slices.DeleteFunc(slices.Clone(rule.Operations), func(operation string) bool { return !left[acl{targetOf(rule), operation}] })
		if len(rule.Operations) > 0 {
			rules[unused(rules, rule)] = value(rule)
		}
	}
	m.Rules = types.MapValueMust(ruleType, rules)
	return nil
}

// unused is a label for a rule that nobody has given one.
func unused(rules map[string]attr.Value, r api.ACLRule) string {
	label := fmt.Sprintf("%s %s %s", cmp.Or(r.Permission, api.DefaultACLPermission), r.ResourceType, r.ResourceName)
	if r.PatternType == "PREFIXED" {
		label += "*"
	}
	if r.Host != "" && r.Host != api.DefaultACLHost {
		label += " from " + r.Host
	}
	for {
		if _, taken := rules[label]; !taken {
			return label
		}
		label += " "
	}
}

// value writes a rule as one would: without what is the default.
func value(r api.ACLRule) attr.Value {
	operationValues := make([]attr.Value, 0, len(r.Operations))
	for _, operation := range r.Operations {
		operationValues = append(operationValues, types.StringValue(operation))
	}
	name := types.StringValue(r.ResourceName)
	if r.ResourceType == "CLUSTER" {
		name = unless(r.ResourceName, api.ACLClusterName)
	}
	return types.ObjectValueMust(ruleType.AttrTypes, map[string]attr.Value{
		resourceType: types.StringValue(r.ResourceType), resourceName: name, patternType: unless(r.PatternType, api.DefaultACLPattern),
		operations: types.SetValueMust(types.StringType, operationValues), permission: unless(r.Permission, api.DefaultACLPermission), host: unless(r.Host, api.DefaultACLHost),
	})
}

// unless is null for the default.
func unless(text, standard string) types.String {
	if text == "" || text == standard {
		return types.StringNull()
	}
	return types.StringValue(text)
}
