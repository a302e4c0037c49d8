package export

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"github.com/zclconf/go-cty/cty"

	"github.com/headgate/terraform-provider-headgate/internal/api"
)

func acls(ctx context.Context, client *api.Client, o Options) ([]resource, error) {
	return written(o.Prefix, func(a api.ACL) string { return a.Principal }, acl, func(cursor string) (*api.Page[api.ACL], error) {
		return client.ListACLs(ctx, o.Connection, o.Prefix, cursor)
	})
}

func acl(a api.ACL) resource {
	r := resource{typ: "headgate_acl", name: a.Principal, importID: a.Connection + "/" + a.Principal}
	r.setText("connection_name", a.Connection)
	r.setText("principal", a.Principal)
	r.set("rules", rules(a.Rules))
	return r
}

// rules gives each rule a label that says what it is about.
func rules(list []api.ACLRule) cty.Value {
	labelled := map[string]cty.Value{}
	for _, r := range list {
		base := label("", r.ResourceType+"_"+r.ResourceName, map[string]bool{})
		chosen := base
		for n := 2; labelled[chosen] != cty.NilVal; n++ {
			chosen = base + "_" + strconv.Itoa(n)
		}
		labelled[chosen] = rule(r)
	}
	return cty.ObjectVal(labelled)
}

func rule(r api.ACLRule) cty.Value {
	values := map[string]cty.Value{"resource_type": cty.StringVal(r.ResourceType), "operations": texts(r.Operations)}
	for name, value := range map[string]struct{ text, standard string }{
		"resource_name": {r.ResourceName, ""},
		"pattern_type":  {r.PatternType, api.DefaultACLPattern},
		"permission":    {r.Permission, api.DefaultACLPermission},
		"host":          {r.Host, api.DefaultACLHost},
	} {
		if value.text != "" && value.text != value.standard {
			values[name] = cty.StringVal(value.text)
		}
	}
	return cty.ObjectVal(values)
}

// texts is a set of strings, sorted; it is not empty.
func texts(values []string) cty.Value {
	list := make([]cty.Value, 0, len(values))
	for _, v := range slices.Sorted(slices.Values(values)) {
		list = append(list, cty.StringVal(v))
	}
	return cty.ListVal(list)
}

// scramUsers come without their passwords: those that the users have stay as long as nothing else of them is changed.
func scramUsers(ctx context.Context, client *api.Client, o Options) ([]resource, error) {
	return written(o.Prefix, func(u api.SCRAMAccount) string { return u.Username }, scramUser, func(cursor string) (*api.Page[api.SCRAMAccount], error) {
		return client.ListSCRAMUsers(ctx, o.Connection, o.Prefix, cursor)
	})
}

func scramUser(u api.SCRAMAccount) resource {
	r := resource{typ: "headgate_scram_user", name: u.Username, importID: u.Connection + "/" + u.Username}
	r.setText("connection_name", u.Connection)
	r.setText("username", u.Username)
	var mechanisms []string
	for _, c := range u.Credentials {
		mechanisms = append(mechanisms, c.Mechanism)
	}
	r.set("mechanisms", texts(mechanisms))
	r.set("iterations", cty.NumberIntVal(u.Credentials[0].Iterations))
	return r
}

func quotas(ctx context.Context, client *api.Client, o Options) ([]resource, error) {
	found, err := all(o.Prefix, func(q api.ClientQuota) string { return q.Entity }, func(cursor string) (*api.Page[api.ClientQuota], error) {
		return client.ListClientQuotas(ctx, o.Connection, o.Prefix, cursor)
	})
	if err != nil {
		return nil, err
	}
	resources := make([]resource, len(found))
	for i, q := range found {
		if resources[i], err = quota(q); err != nil {
			return nil, err
		}
	}
	return resources, nil
}

func quota(q api.ClientQuota) (resource, error) {
	r := resource{typ: "headgate_client_quota", name: q.Entity, importID: q.Connection + "/" + q.Entity}
	entity, err := api.ParseQuotaEntity(q.Entity)
	if err != nil {
		return r, fmt.Errorf("export quotas: %w", err)
	}
	r.setText("connection_name", q.Connection)
	r.setTextIf("user", entity.User)
	r.setTextIf("client_id", entity.ClientID)
	r.setTextIf("ip", entity.IP)
	for _, name := range []string{api.QuotaProducerByteRate, api.QuotaConsumerByteRate} {
		if value, set := q.Values[name]; set {
			r.setText(name, strconv.FormatInt(int64(value), 10))
		}
	}
	for _, name := range []string{api.QuotaRequestPercentage, api.QuotaControllerMutationRate, api.QuotaConnectionCreationRate} {
		if value, set := q.Values[name]; set {
			r.set(name, cty.NumberFloatVal(value))
		}
	}
	return r, nil
}
