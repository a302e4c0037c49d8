// Package quota reads and writes the client quotas of Kafka clusters.
package quota

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/headgate/terraform-provider-headgate/daemon/connection"
	"github.com/headgate/terraform-provider-headgate/daemon/connection/kafka"
	"github.com/headgate/terraform-provider-headgate/daemon/declared"
	"github.com/headgate/terraform-provider-headgate/daemon/store"
	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/internal/spec"
)

// Service reads and writes client quotas.
type Service struct {
	*declared.Service[api.ClientQuotaWrite, api.ClientQuota]
}

// New makes the service.
func New(st *store.Store, conns *connection.Service, admins *kafka.Admins) *Service {
	return &Service{declared.New(st, conns, admins, declared.Definition[api.ClientQuotaWrite, api.ClientQuota]{
		Noun: "client_quota", Title: "A quota of", Attribute: "/entity", CheckName: checkName,
		Read: read, All: all, Plan: plan, Write: write, Remove: remove,
		Effects:    func(have *api.ClientQuota) []api.Warning { return effects(have, nil) },
		Generation: func(a *api.ClientQuota) string { return a.Generation },
		Name:       func(a *api.ClientQuota) string { return a.Entity },
	})}
}

// Delete takes the quotas away that are named, or all; those of the entity that are not named stay.
func (s *Service) Delete(ctx context.Context, connection, entity string, only []string, opts api.WriteOptions) (*api.Deletion, error) {
	if len(only) == 0 {
		return s.Service.Delete(ctx, connection, entity, opts)
	}
	have, err := s.Get(ctx, connection, entity)
	if err != nil {
		return nil, err
	}
	deletion := &api.Deletion{Effects: effects(have, only)}
	if opts.DryRun {
		return deletion, nil
	}
	_, err = s.Put(ctx, connection, entity, api.ClientQuotaWrite{Unset: only}, opts, "")
	return deletion, err
}

func checkName(name string) error {
	if _, err := api.ParseQuotaEntity(name); err != nil {
		return api.Invalid("/entity", "It is not the entity of a quota", err.Error()+".", "")
	}
	return nil
}

// components make a request ask for one entity, and for no other.
func components(entity api.QuotaEntity) []kmsg.DescribeClientQuotasRequestComponent {
	var all []kmsg.DescribeClientQuotasRequestComponent
	for _, part := range parts(entity) {
		one := kmsg.NewDescribeClientQuotasRequestComponent()
		one.EntityType, one.Match = part.Type, part.Name
		one.MatchType = kmsg.QuotasMatchTypeExact
		if part.Name == nil {
			one.MatchType = kmsg.QuotasMatchTypeDefault
		}
		all = append(all, one)
	}
	return all
}

func parts(entity api.QuotaEntity) kadm.ClientQuotaEntity {
	var all kadm.ClientQuotaEntity
	add := func(kind string, name *string) {
		if name != nil && *name == api.QuotaDefault {
			all = append(all, kadm.ClientQuotaEntityComponent{Type: kind})
		} else if name != nil {
			all = append(all, kadm.ClientQuotaEntityComponent{Type: kind, Name: name})
		}
	}
	add("user", entity.User)
	add("client-id", entity.ClientID)
	add("ip", entity.IP)
	return all
}

func read(ctx context.Context, c *kafka.Cluster, name string) (*api.ClientQuota, error) {
	entity, err := api.ParseQuotaEntity(name)
	if err != nil {
		return nil, nil //nolint:nilerr // no cluster has a quota of something that is no entity
	}
	found, err := describe(ctx, c.Raw, components(entity))
	if err != nil {
		return nil, failure(c, "read the quotas of "+name, err)
	}
	if len(found[name]) == 0 {
		return nil, nil
	}
	return answer(c, name, found[name]), nil
}

func all(ctx context.Context, c *kafka.Cluster) ([]api.ClientQuota, error) {
	found, err := describe(ctx, c.Raw, nil)
	if err != nil {
		return nil, c.ListFailure("list the quotas", "DescribeConfigs the cluster", err)
	}
	list := make([]api.ClientQuota, 0, len(found))
	for name, values := range found {
		list = append(list, *answer(c, name, values))
	}
	return list, nil
}

// describe asks for the quotas of an entity, or of all, by entity.
func describe(ctx context.Context, ask kmsg.Requestor, of []kmsg.DescribeClientQuotasRequestComponent) (map[string]map[string]float64, error) {
	req := kmsg.NewPtrDescribeClientQuotasRequest()
	req.Components, req.Strict = of, len(of) > 0
	resp, err := req.RequestWith(ctx, ask)
	if err == nil {
		err = kerr.ErrorForCode(resp.ErrorCode)
	}
	if err != nil {
		return nil, err
	}
	found := map[string]map[string]float64{}
	for _, entry := range resp.Entries {
		var entity api.QuotaEntity
		for _, part := range entry.Entity {
			name := part.Name
			if name == nil {
				name = new(api.QuotaDefault)
			}
			switch part.Type {
			case "user":
				entity.User = name
			case "client-id":
				entity.ClientID = name
			case "ip":
				entity.IP = name
			}
		}
		values := map[string]float64{}
		for _, v := range entry.Values {
			values[v.Key] = v.Value
		}
		found[entity.String()] = values
	}
	return found, nil
}

func answer(c *kafka.Cluster, entity string, values map[string]float64) *api.ClientQuota {
	return &api.ClientQuota{Connection: c.Connection, Entity: entity, Values: values, Generation: declared.Hash(values)}
}

// possible are the quotas that an entity can have.
func possible(entity api.QuotaEntity) []string {
	if entity.IP != nil {
		return []string{api.QuotaConnectionCreationRate}
	}
	return []string{api.QuotaProducerByteRate, api.QuotaConsumerByteRate, api.QuotaRequestPercentage, api.QuotaControllerMutationRate}
}

func check(entity api.QuotaEntity, body api.ClientQuotaWrite) error {
	var wrong []*api.Error
	if entity.IP != nil && *entity.IP != api.QuotaDefault {
		if _, err := netip.ParseAddr(*entity.IP); err != nil {
			wrong = append(wrong, api.Invalid("/ip", fmt.Sprintf("%q is not an IP address", *entity.IP), "Kafka counts the connections of an address.", "Write an address such as 10.1.2.3, or "+api.QuotaDefault+"."))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(body.Values)) {
		at, value := spec.Join("/values", name), body.Values[name]
		switch {
		case !slices.Contains(possible(entity), name):
			wrong = append(wrong, api.Invalid(at, fmt.Sprintf("%s has no quota %s", entity, name), "Users and client ids have quotas of bytes, requests and changes; IP addresses have one of connections.",
				"Use "+strings.Join(possible(entity), ", ")+"."))
		case value <= 0 || math.IsInf(value, 0) || math.IsNaN(value):
			wrong = append(wrong, api.Invalid(at, "A quota is more than 0", fmt.Sprintf("%s = %s would let nothing through.", name, number(value)), "To deny access, use an ACL; to lift the quota, leave it out."))
		case whole(name) && value != math.Trunc(value):
			wrong = append(wrong, api.Invalid(at, "This quota is a whole number", "", "Round it."))
		}
		if slices.Contains(body.Unset, name) {
			wrong = append(wrong, api.Invalid(at, "The quota is both declared and taken away", "", "Leave it out of unset, or of values."))
		}
	}
	return declared.Join(wrong)
}

func whole(name string) bool {
	return name == api.QuotaProducerByteRate || name == api.QuotaConsumerByteRate || name == api.QuotaConnectionCreationRate
}

// against compares what is declared with what is there, and answers what to do and what comes of it.
func against(name string, have *api.ClientQuota, body api.ClientQuotaWrite) (kadm.AlterClientQuotaEntry, map[string]float64, error) {
	entity, err := api.ParseQuotaEntity(name)
	if err != nil {
		return kadm.AlterClientQuotaEntry{}, nil, checkName(name)
	}
	if err := check(entity, body); err != nil {
		return kadm.AlterClientQuotaEntry{}, nil, err
	}
	after := map[string]float64{}
	if have != nil {
		maps.Copy(after, have.Values)
	}
	entry := kadm.AlterClientQuotaEntry{Entity: parts(entity)}
	for _, key := range slices.Sorted(maps.Keys(body.Values)) {
		if now, ok := after[key]; !ok || now != body.Values[key] {
			entry.Ops = append(entry.Ops, kadm.AlterClientQuotaOp{Key: key, Value: body.Values[key]})
			after[key] = body.Values[key]
		}
	}
	for _, key := range slices.Compact(slices.Sorted(slices.Values(body.Unset))) {
		if _, ok := after[key]; ok {
			entry.Ops = append(entry.Ops, kadm.AlterClientQuotaOp{Key: key, Remove: true})
			delete(after, key)
		}
	}
	if have == nil && len(after) == 0 && len(body.Unknown) == 0 {
		return entry, nil, api.Invalid("/values", "There is no quota to declare", "", "Set at least one of "+strings.Join(possible(entity), ", ")+".")
	}
	return entry, after, nil
}

func plan(ctx context.Context, c *kafka.Cluster, name string, have *api.ClientQuota, body api.ClientQuotaWrite) (*api.ClientQuota, error) {
	entry, after, err := against(name, have, body)
	if err != nil {
		return nil, err
	}
	if err := alter(ctx, c, name, entry, true); err != nil {
		return nil, err
	}
	return answer(c, name, after), nil
}

func write(ctx context.Context, c *kafka.Cluster, name string, have *api.ClientQuota, body api.ClientQuotaWrite) (*api.ClientQuota, error) {
	entry, after, err := against(name, have, body)
	if err != nil {
		return nil, err
	}
	if err := alter(ctx, c, name, entry, false); err != nil {
		return nil, err
	}
	return answer(c, name, after), nil
}

func remove(ctx context.Context, c *kafka.Cluster, have *api.ClientQuota) error {
	_, err := write(ctx, c, have.Entity, have, api.ClientQuotaWrite{Unset: slices.Collect(maps.Keys(have.Values))})
	return err
}

func alter(ctx context.Context, c *kafka.Cluster, name string, entry kadm.AlterClientQuotaEntry, dryRun bool) error {
	if len(entry.Ops) == 0 {
		return nil
	}
	send := c.Admin.AlterClientQuotas
	if dryRun {
		send = c.Admin.ValidateAlterClientQuotas
	}
	doing := "write the quotas of " + name
	answers, err := send(ctx, []kadm.AlterClientQuotaEntry{entry})
	if err == nil && len(answers) != 1 {
		err = errors.New("the broker's answer leaves the entity out")
	}
	if err != nil {
		return failure(c, doing, err)
	}
	if err := answers[0].Err; err != nil {
		return refused(c, name, entry, err, answers[0].ErrMessage)
	}
	if dryRun {
		return nil
	}
	if err := c.Shown(ctx, func(ctx context.Context, broker *kgo.Broker) (bool, error) { return shownBy(ctx, broker, name, entry) }); err != nil {
		return failure(c, "see the change of the quotas of "+name, err)
	}
	return nil
}

func refused(c *kafka.Cluster, name string, entry kadm.AlterClientQuotaEntry, err error, message string) error {
	if kafka.Unauthorized(err) || !kafka.Definite(err) {
		return failure(c, "write the quotas of "+name, err)
	}
	at := "/values"
	for _, op := range entry.Ops {
		if strings.Contains(message, op.Key) {
			at = spec.Join("/values", op.Key)
		}
	}
	return api.Refused(api.CodeRefused, at, fmt.Sprintf("The cluster refuses the quotas of %s", name),
		fmt.Sprintf("Through connection %q, the broker says: %s", c.Connection, kafka.Said(err, message)), "Correct what the broker objects to.")
}

// shownBy says whether a broker shows the change. What others change meanwhile does not count.
func shownBy(ctx context.Context, broker *kgo.Broker, name string, entry kadm.AlterClientQuotaEntry) (bool, error) {
	entity, err := api.ParseQuotaEntity(name)
	if err != nil {
		return false, err
	}
	found, err := describe(ctx, broker, components(entity))
	if err != nil {
		return false, err
	}
	for _, op := range entry.Ops {
		value, has := found[name][op.Key]
		if has == op.Remove || has && value != op.Value {
			return false, nil
		}
	}
	return true, nil
}

func effects(have *api.ClientQuota, only []string) []api.Warning {
	gone := []api.Warning{}
	for _, key := range slices.Sorted(maps.Keys(have.Values)) {
		if len(only) == 0 || slices.Contains(only, key) {
			gone = append(gone, api.Warning{Summary: fmt.Sprintf("The quota %s = %s of %s goes", key, number(have.Values[key]), have.Entity)})
		}
	}
	return gone
}

func number(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }

func failure(c *kafka.Cluster, doing string, err error) error {
	right := "DescribeConfigs the cluster"
	if strings.HasPrefix(doing, "write") {
		right = "AlterConfigs the cluster"
	}
	return c.Failure(doing, right, err)
}
