// Package acl reads and writes the ACLs of Kafka clusters, all of one principal at a time.
package acl

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/headgate/terraform-provider-headgate/daemon/connection"
	"github.com/headgate/terraform-provider-headgate/daemon/connection/kafka"
	"github.com/headgate/terraform-provider-headgate/daemon/declared"
	"github.com/headgate/terraform-provider-headgate/daemon/store"
	"github.com/headgate/terraform-provider-headgate/internal/api"
)

const (
	// batch is how many ACLs one request writes; a controller takes at most 10,000.
	batch = 1000
	// undoTimeout bounds taking ACLs back, for which the time of the write itself may be up.
	undoTimeout = 30 * time.Second
	// maxEffects is how many rules the answer to a delete lists one by one.
	maxEffects = 50
)

// Service reads and writes ACLs.
type Service = declared.Service[api.ACLWrite, api.ACL]

// New makes the service.
func New(st *store.Store, conns *connection.Service, admins *kafka.Admins) *Service {
	return declared.New(st, conns, admins, declared.Definition[api.ACLWrite, api.ACL]{
		Noun: "acl", Title: "An ACL of principal", Attribute: "/principal", CheckName: checkPrincipal,
		Read: read, All: all, Plan: plan, Write: write, Remove: remove, Effects: effects,
		Generation: func(a *api.ACL) string { return a.Generation },
		Name:       func(a *api.ACL) string { return a.Principal },
	})
}

func checkPrincipal(principal string) error {
	kind, name, ok := strings.Cut(principal, ":")
	if ok && kind != "" && name != "" {
		return nil
	}
	return api.Invalid("/principal", fmt.Sprintf("%q is not a principal", principal), "Kafka's principals have a type and a name, with a colon between them.",
		"Write it with its type, such as User:billing; User:* is everyone.")
}

func read(ctx context.Context, c *kafka.Cluster, principal string) (*api.ACL, error) {
	have, err := describe(ctx, c.Raw, &principal)
	if err != nil {
		return nil, failure(c, "read the ACLs of "+principal, err)
	}
	if len(have[principal]) == 0 {
		return nil, nil
	}
	return answer(c, principal, have[principal]), nil
}

func all(ctx context.Context, c *kafka.Cluster) ([]api.ACL, error) {
	have, err := describe(ctx, c.Raw, nil)
	if err != nil {
		return nil, listFailure(c, err)
	}
	list := make([]api.ACL, 0, len(have))
	for principal, bindings := range have {
		list = append(list, *answer(c, principal, bindings))
	}
	return list, nil
}

func answer(c *kafka.Cluster, principal string, have map[binding]bool) *api.ACL {
	a := &api.ACL{Connection: c.Connection, Principal: principal, Rules: rulesOf(have)}
	a.Generation = declared.Hash(a.Rules)
	return a
}

// describe asks for the ACLs of a principal, or of all, by principal.
func describe(ctx context.Context, ask kmsg.Requestor, principal *string) (map[string]map[binding]bool, error) {
	req := kmsg.NewPtrDescribeACLsRequest()
	req.ResourceType, req.ResourcePatternType = kmsg.ACLResourceTypeAny, kmsg.ACLResourcePatternTypeAny
	req.Operation, req.PermissionType = kmsg.ACLOperationAny, kmsg.ACLPermissionTypeAny
	req.Principal = principal
	resp, err := req.RequestWith(ctx, ask)
	if err == nil {
		err = withMessage(resp.ErrorCode, resp.ErrorMessage)
	}
	if err != nil {
		return nil, err
	}
	found := map[string]map[binding]bool{}
	for _, r := range resp.Resources {
		for _, a := range r.ACLs {
			if found[a.Principal] == nil {
				found[a.Principal] = map[binding]bool{}
			}
			found[a.Principal][binding{r.ResourceType, r.ResourceName, r.ResourcePatternType, a.PermissionType, a.Host, a.Operation}] = true
		}
	}
	return found, nil
}

// change is what has to happen to the ACLs of a principal.
type change struct {
	principal    string
	declared     parsed
	add, removed []binding
	added        []binding // of add, those that the controller took
}

// against compares what is declared with what is there.
func against(principal string, have *api.ACL, body api.ACLWrite) (change, error) {
	if len(body.Rules) == 0 && !slices.Contains(body.Unknown, "/rules") {
		return change{}, api.Invalid("/rules", "A principal without rules is nothing to declare", "Kafka knows no principals, only their ACLs.", "Declare at least one rule; to take all access away, destroy the resource.")
	}
	there := bindingsOf(have)
	wanted, err := parse(body.Rules, there)
	if err != nil {
		return change{}, err
	}
	todo := change{principal: principal, declared: wanted}
	for b := range wanted {
		if !there[b] {
			todo.add = append(todo.add, b)
		}
	}
	for b := range there {
		if _, keep := wanted[b]; !keep {
			todo.removed = append(todo.removed, b)
		}
	}
	// Whatever was allowed before and is afterwards is allowed at every moment between, and nothing else is: what denies
	// comes first and goes last.
	slices.SortFunc(todo.add, func(a, b binding) int { return int(a.permission) - int(b.permission) })
	slices.SortFunc(todo.removed, func(a, b binding) int { return int(b.permission) - int(a.permission) })
	return todo, nil
}

// bindingsOf are the ACLs of rules that came from a cluster.
func bindingsOf(a *api.ACL) map[binding]bool {
	have := map[binding]bool{}
	if a == nil {
		return have
	}
	for _, rule := range a.Rules {
		found, _ := parseRule(rule)
		for _, b := range found {
			have[b] = true
		}
	}
	return have
}

func plan(_ context.Context, c *kafka.Cluster, principal string, have *api.ACL, body api.ACLWrite) (*api.ACL, error) {
	todo, err := against(principal, have, body)
	if err != nil {
		return nil, err
	}
	after := make(map[binding]bool, len(todo.declared))
	for b := range todo.declared {
		after[b] = true
	}
	return answer(c, principal, after), nil
}

func write(ctx context.Context, c *kafka.Cluster, principal string, have *api.ACL, body api.ACLWrite) (*api.ACL, error) {
	todo, err := against(principal, have, body)
	if err != nil {
		return nil, err
	}
	if err := todo.apply(ctx, c); err != nil {
		if have == nil {
			return nil, todo.undo(ctx, c, err)
		}
		return nil, err
	}
	written, err := read(ctx, c, principal)
	if err == nil && written == nil {
		err = api.Conflict("An ACL of principal", principal)
	}
	return written, err
}

func remove(ctx context.Context, c *kafka.Cluster, have *api.ACL) error {
	todo := change{principal: have.Principal, removed: slices.SortedFunc(maps.Keys(bindingsOf(have)), func(a, b binding) int { return int(b.permission) - int(a.permission) })}
	return todo.apply(ctx, c)
}

// undo takes back what was added before the controller refused the rest, so that of a principal that is new nothing is
// left, and answers why it failed. After trouble with the connection nobody knows what was added: the next attempt takes
// that over, as it does where this fails.
func (ch *change) undo(ctx context.Context, c *kafka.Cluster, failed error) error {
	if len(ch.added) == 0 || api.HasCode(failed, api.CodeConnection) {
		return failed
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), undoTimeout)
	defer cancel()
	back := change{principal: ch.principal, removed: ch.added}
	slices.SortFunc(back.removed, func(a, b binding) int { return int(b.permission) - int(a.permission) })
	err := back.apply(ctx, c)
	if err == nil {
		return failed
	}
	var all []*api.Error
	for _, one := range []error{failure(c, "remove again the ACLs that were added to "+ch.principal, err), failed} {
		if e, ok := errors.AsType[*api.Error](one); ok {
			all = append(all, e)
		}
	}
	return declared.Join(all)
}

// apply adds first and removes then, and waits until every broker shows it.
func (ch *change) apply(ctx context.Context, c *kafka.Cluster) error {
	for some := range slices.Chunk(ch.add, batch) {
		if err := ch.create(ctx, c, some); err != nil {
			return err
		}
	}
	for some := range slices.Chunk(ch.removed, batch) {
		if err := ch.delete(ctx, c, some); err != nil {
			return err
		}
	}
	if len(ch.add)+len(ch.removed) == 0 {
		return nil
	}
	if err := c.Shown(ctx, ch.shownBy); err != nil {
		return failure(c, "see the change of the ACLs of "+ch.principal, err)
	}
	return nil
}

func (ch *change) create(ctx context.Context, c *kafka.Cluster, some []binding) error {
	req := kmsg.NewPtrCreateACLsRequest()
	for _, b := range some {
		one := kmsg.NewCreateACLsRequestCreation()
		one.ResourceType, one.ResourceName, one.ResourcePatternType = b.resource, b.name, b.pattern
		one.Principal, one.Host, one.Operation, one.PermissionType = ch.principal, b.host, b.operation, b.permission
		req.Creations = append(req.Creations, one)
	}
	doing := "add ACLs of " + ch.principal
	resp, err := req.RequestWith(ctx, c.Raw)
	if err != nil {
		return failure(c, doing, err)
	}
	if len(resp.Results) != len(some) {
		return failure(c, doing, errors.New("the broker's answer leaves ACLs out"))
	}
	var refused []*api.Error
	for i, result := range resp.Results {
		if err := withMessage(result.ErrorCode, result.ErrorMessage); err != nil {
			refused = append(refused, ch.refused(c, some[i], err))
			continue
		}
		ch.added = append(ch.added, some[i])
	}
	return declared.Join(refused)
}

// refused makes an error for people of a broker's answer to a new ACL.
func (ch *change) refused(c *kafka.Cluster, b binding, err error) *api.Error {
	attribute := "/rules"
	if i, ok := ch.declared[b]; ok {
		attribute = fmt.Sprintf("/rules/%d", i)
	}
	if kafka.Unauthorized(err) || errors.Is(err, kerr.SecurityDisabled) || !kafka.Definite(err) {
		if e, ok := errors.AsType[*api.Error](failure(c, "add ACLs of "+ch.principal, err)); ok {
			return e
		}
	}
	return api.Refused(api.CodeRefused, attribute, fmt.Sprintf("The cluster refuses to add the rule %s", line(rulesOf(map[binding]bool{b: true})[0])),
		fmt.Sprintf("Through connection %q, the broker says: %v.", c.Connection, err), "Correct the rule.")
}

func (ch *change) delete(ctx context.Context, c *kafka.Cluster, some []binding) error {
	req := kmsg.NewPtrDeleteACLsRequest()
	for _, b := range some {
		one := kmsg.NewDeleteACLsRequestFilter()
		one.ResourceType, one.ResourceName, one.ResourcePatternType = b.resource, &b.name, b.pattern
		one.Principal, one.Host, one.Operation, one.PermissionType = &ch.principal, &b.host, b.operation, b.permission
		req.Filters = append(req.Filters, one)
	}
	doing := "remove ACLs of " + ch.principal
	resp, err := req.RequestWith(ctx, c.Raw)
	if err != nil {
		return failure(c, doing, err)
	}
	for _, result := range resp.Results {
		if err := withMessage(result.ErrorCode, result.ErrorMessage); err != nil {
			return failure(c, doing, err)
		}
	}
	return nil
}

// shownBy says whether a broker shows the change. What others change meanwhile does not count.
func (ch *change) shownBy(ctx context.Context, broker *kgo.Broker) (bool, error) {
	found, err := describe(ctx, broker, &ch.principal)
	if err != nil {
		return false, err
	}
	shows := func(b binding) bool { return found[ch.principal][b] }
	return !slices.ContainsFunc(ch.removed, shows) && !slices.ContainsFunc(ch.add, func(b binding) bool { return !shows(b) }), nil
}

// effects says what access goes.
func effects(have *api.ACL) []api.Warning {
	var gone []api.Warning
	for i, rule := range have.Rules {
		if i == maxEffects {
			gone = append(gone, api.Warning{Summary: fmt.Sprintf("%d more rules go", len(have.Rules)-i)})
			break
		}
		gone = append(gone, api.Warning{Summary: line(rule) + " goes"})
	}
	return append(gone, api.Warning{
		Summary: have.Principal + " keeps what ACLs of others, such as User:*, allow",
		Detail:  "Where the brokers have allow.everyone.if.no.acl.found=true, a resource that is left without any ACL is open to everyone.",
	})
}

func listFailure(c *kafka.Cluster, err error) error {
	const doing = "list the ACLs"
	if errors.Is(err, kerr.SecurityDisabled) {
		return failure(c, doing, err)
	}
	return c.ListFailure(doing, "Describe the cluster", err)
}

func failure(c *kafka.Cluster, doing string, err error) error {
	if errors.Is(err, kerr.SecurityDisabled) {
		return api.Refused(api.CodeRefused, "/connection", "The cluster has no authorizer, so it keeps no ACLs",
			fmt.Sprintf("Through connection %q, the broker says: %v. Everyone who can connect may do everything.", c.Connection, err),
			"Set authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer and super.users on brokers and controllers, and restart them; or leave the ACLs out.")
	}
	right := "Describe the cluster"
	if !strings.HasPrefix(doing, "read") {
		right = "Alter the cluster"
	}
	return c.Failure(doing, right, err)
}

// withMessage is the error of a code, with what the broker said beside it.
func withMessage(code int16, message *string) error {
	err := kerr.ErrorForCode(code)
	if err == nil || message == nil || *message == "" {
		return err
	}
	return fmt.Errorf("%w: %s", err, *message)
}
