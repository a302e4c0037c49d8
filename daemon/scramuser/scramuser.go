// Package scramuser reads and writes the SCRAM users of Kafka clusters.
package scramuser

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/headgate/terraform-provider-headgate/daemon/connection"
	"github.com/headgate/terraform-provider-headgate/daemon/connection/kafka"
	"github.com/headgate/terraform-provider-headgate/daemon/declared"
	"github.com/headgate/terraform-provider-headgate/daemon/secret"
	"github.com/headgate/terraform-provider-headgate/daemon/store"
	"github.com/headgate/terraform-provider-headgate/internal/api"
)

// Service reads and writes SCRAM users.
type Service = declared.Service[api.SCRAMUserWrite, api.SCRAMAccount]

// users is what the service knows beside the cluster.
type users struct {
	mu sync.Mutex
	// marks has a random word for each user that this daemon has written. No cluster tells of a changed password, so
	// without it two writers could change one unseen. It is no loss when a daemon starts without it.
	marks map[string]string
	hider *secret.Hider
}

// New makes the service.
func New(st *store.Store, conns *connection.Service, admins *kafka.Admins) *Service {
	u := &users{marks: map[string]string{}, hider: conns.Hider()}
	return declared.New(st, conns, admins, declared.Definition[api.SCRAMUserWrite, api.SCRAMAccount]{
		Noun: "scram_user", Title: "SCRAM user", Attribute: "/username", CheckName: checkName,
		Read: u.read, All: u.all, Plan: u.plan, Write: u.write, Remove: u.remove, Effects: effects,
		Generation: func(a *api.SCRAMAccount) string { return a.Generation },
		Matches:    matches,
		Name:       func(a *api.SCRAMAccount) string { return a.Username },
	})
}

func checkName(name string) error {
	if name != "" {
		return nil
	}
	return api.Invalid("/username", "A user needs a name", "", "Set username.")
}

var mechanisms = map[string]kadm.ScramMechanism{"SCRAM-SHA-256": kadm.ScramSha256, "SCRAM-SHA-512": kadm.ScramSha512}

func (u *users) read(ctx context.Context, c *kafka.Cluster, name string) (*api.SCRAMAccount, error) {
	described, err := c.Admin.DescribeUserSCRAMs(ctx, name)
	if err != nil {
		return nil, failure(c, "read SCRAM user "+name, err)
	}
	one, ok := described[name]
	switch {
	case !ok:
		return nil, failure(c, "read SCRAM user "+name, errors.New("the broker's answer leaves the user out"))
	case errors.Is(one.Err, kerr.ResourceNotFound):
		return nil, nil
	case one.Err != nil:
		return nil, failure(c, "read SCRAM user "+name, one.Err)
	}
	return u.answer(c, name, one.CredInfos), nil
}

func (u *users) all(ctx context.Context, c *kafka.Cluster) ([]api.SCRAMAccount, error) {
	described, err := c.Admin.DescribeUserSCRAMs(ctx)
	if err == nil {
		err = described.Error()
	}
	if err != nil {
		return nil, c.ListFailure("list the SCRAM users", "Describe the cluster", err)
	}
	list := make([]api.SCRAMAccount, 0, len(described))
	for name, one := range described {
		list = append(list, *u.answer(c, name, one.CredInfos))
	}
	return list, nil
}

func (u *users) answer(c *kafka.Cluster, name string, infos []kadm.CredInfo) *api.SCRAMAccount {
	a := &api.SCRAMAccount{Connection: c.Connection, Username: name, Credentials: []api.SCRAMCredential{}}
	for _, info := range infos {
		a.Credentials = append(a.Credentials, api.SCRAMCredential{Mechanism: info.Mechanism.String(), Iterations: int64(info.Iterations)})
	}
	slices.SortFunc(a.Credentials, func(a, b api.SCRAMCredential) int { return strings.Compare(a.Mechanism, b.Mechanism) })
	a.Generation = declared.Hash(a.Credentials)
	u.mu.Lock()
	defer u.mu.Unlock()
	if mark := u.marks[key(c, name)]; mark != "" {
		a.Generation += "." + mark
	}
	return a
}

func key(c *kafka.Cluster, name string) string { return c.Connection + "/" + name }

// matches compares with the mark only where this daemon has one.
func matches(seen string, have *api.SCRAMAccount) bool {
	now, mark, marked := strings.Cut(have.Generation, ".")
	then, thenMark, _ := strings.Cut(seen, ".")
	return now == then && (!marked || mark == thenMark)
}

// change is what has to happen to a user.
type change struct {
	upsert []kadm.UpsertSCRAM
	remove []kadm.DeleteSCRAM
	after  []kadm.CredInfo
}

// against compares what is declared with what is there. A password that is given is always written.
func against(name string, have *api.SCRAMAccount, body api.SCRAMUserWrite, planning bool) (change, error) {
	if len(body.Mechanisms) == 0 {
		body.Mechanisms = []string{api.DefaultSCRAMMechanism}
	}
	if body.Iterations == 0 {
		body.Iterations = api.DefaultSCRAMIterations
	}
	if err := check(body); err != nil {
		return change{}, err
	}
	there := map[string]int64{}
	if have != nil {
		for _, credential := range have.Credentials {
			there[credential.Mechanism] = credential.Iterations
		}
	}
	var todo change
	for _, word := range slices.Compact(slices.Sorted(slices.Values(body.Mechanisms))) {
		iterations := int32(body.Iterations) // #nosec G115 -- checked before
		todo.after = append(todo.after, kadm.CredInfo{Mechanism: mechanisms[word], Iterations: iterations})
		if there[word] != body.Iterations || body.Password != "" {
			todo.upsert = append(todo.upsert, kadm.UpsertSCRAM{User: name, Mechanism: mechanisms[word], Iterations: iterations, Password: body.Password})
		}
	}
	for word := range there {
		if !slices.Contains(body.Mechanisms, word) {
			todo.remove = append(todo.remove, kadm.DeleteSCRAM{User: name, Mechanism: mechanisms[word]})
		}
	}
	if len(todo.upsert) > 0 && body.Password == "" && !planning {
		return todo, api.Invalid("/password", fmt.Sprintf("The password of SCRAM user %q is needed", name),
			"What a cluster keeps is made of password, mechanism and iterations together, so none of them can change without the password.", "Give the password.")
	}
	return todo, nil
}

func check(body api.SCRAMUserWrite) error {
	var all []*api.Error
	for _, word := range body.Mechanisms {
		if _, ok := mechanisms[word]; !ok {
			all = append(all, api.Invalid("/mechanisms", fmt.Sprintf("%q is not a SCRAM mechanism", word), "", "Use "+strings.Join(slices.Sorted(maps.Keys(mechanisms)), " or ")+"."))
		}
	}
	if body.Iterations < api.MinSCRAMIterations || body.Iterations > api.MaxSCRAMIterations {
		all = append(all, api.Invalid("/iterations", "The number of iterations is not possible", fmt.Sprintf("Kafka takes %d to %d.", api.MinSCRAMIterations, api.MaxSCRAMIterations),
			fmt.Sprintf("Leave it out for %d.", api.DefaultSCRAMIterations)))
	}
	return declared.Join(all)
}

func (u *users) plan(_ context.Context, c *kafka.Cluster, name string, have *api.SCRAMAccount, body api.SCRAMUserWrite) (*api.SCRAMAccount, error) {
	u.hide(c, name, body)
	todo, err := against(name, have, body, true)
	if err != nil {
		return nil, err
	}
	return u.answer(c, name, todo.after), nil
}

func (u *users) write(ctx context.Context, c *kafka.Cluster, name string, have *api.SCRAMAccount, body api.SCRAMUserWrite) (*api.SCRAMAccount, error) {
	u.hide(c, name, body)
	todo, err := against(name, have, body, false)
	if err != nil {
		return nil, err
	}
	if len(todo.upsert)+len(todo.remove) == 0 {
		return have, nil
	}
	u.mark(c, name)
	if err := todo.apply(ctx, c, name); err != nil {
		return nil, err
	}
	return u.answer(c, name, todo.after), nil
}

// hide keeps the password out of what brokers say about it.
func (u *users) hide(c *kafka.Cluster, name string, body api.SCRAMUserWrite) {
	u.hider.Hide("SCRAM user "+key(c, name), body.Password)
}

func (u *users) mark(c *kafka.Cluster, name string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.marks[key(c, name)] = rand.Text()[:8]
}

func (u *users) remove(ctx context.Context, c *kafka.Cluster, have *api.SCRAMAccount) error {
	var todo change
	for _, credential := range have.Credentials {
		todo.remove = append(todo.remove, kadm.DeleteSCRAM{User: have.Username, Mechanism: mechanisms[credential.Mechanism]})
	}
	if err := todo.apply(ctx, c, have.Username); err != nil {
		return err
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	delete(u.marks, key(c, have.Username))
	return nil
}

// apply writes one mechanism after the other, for a request may name a user only once.
func (ch change) apply(ctx context.Context, c *kafka.Cluster, name string) error {
	for _, one := range ch.upsert {
		if err := alter(ctx, c, name, nil, []kadm.UpsertSCRAM{one}); err != nil {
			return err
		}
	}
	for _, one := range ch.remove {
		if err := alter(ctx, c, name, []kadm.DeleteSCRAM{one}, nil); err != nil {
			return err
		}
	}
	if err := c.Shown(ctx, func(ctx context.Context, broker *kgo.Broker) (bool, error) { return ch.shownBy(ctx, broker, name) }); err != nil {
		return failure(c, "see the change of SCRAM user "+name, err)
	}
	return nil
}

func alter(ctx context.Context, c *kafka.Cluster, name string, remove []kadm.DeleteSCRAM, upsert []kadm.UpsertSCRAM) error {
	doing := "write SCRAM user " + name
	answers, err := c.Admin.AlterUserSCRAMs(ctx, remove, upsert)
	if err != nil {
		return failure(c, doing, err)
	}
	one, ok := answers[name]
	switch {
	case !ok:
		return failure(c, doing, errors.New("the broker's answer leaves the user out"))
	case one.Err == nil, len(remove) > 0 && errors.Is(one.Err, kerr.ResourceNotFound):
		return nil
	case kafka.Unauthorized(one.Err) || !kafka.Definite(one.Err):
		return failure(c, doing, one.Err)
	}
	return api.Refused(api.CodeRefused, "/username", fmt.Sprintf("The cluster refuses to write SCRAM user %q", name),
		fmt.Sprintf("Through connection %q, the broker says: %s", c.Connection, kafka.Said(one.Err, one.ErrMessage)), "Correct what the broker objects to.")
}

// shownBy says whether a broker shows the user as it is to be.
func (ch change) shownBy(ctx context.Context, broker *kgo.Broker, name string) (bool, error) {
	req := kmsg.NewPtrDescribeUserSCRAMCredentialsRequest()
	req.Users = append(req.Users, kmsg.DescribeUserSCRAMCredentialsRequestUser{Name: name})
	resp, err := req.RequestWith(ctx, broker)
	if err == nil {
		err = kerr.ErrorForCode(resp.ErrorCode)
	}
	if err != nil {
		return false, err
	}
	shown := map[kadm.ScramMechanism]int32{}
	for _, result := range resp.Results {
		for _, info := range result.CredentialInfos {
			shown[kadm.ScramMechanism(info.Mechanism)] = info.Iterations
		}
	}
	wanted := map[kadm.ScramMechanism]int32{}
	for _, info := range ch.after {
		wanted[info.Mechanism] = info.Iterations
	}
	return maps.Equal(shown, wanted), nil
}

func effects(have *api.SCRAMAccount) []api.Warning {
	words := make([]string, 0, len(have.Credentials))
	for _, credential := range have.Credentials {
		words = append(words, credential.Mechanism)
	}
	return []api.Warning{{
		Summary: fmt.Sprintf("User %q can no longer log in with %s", have.Username, strings.Join(words, " or ")),
		Detail:  "Its open connections stay until they end or authenticate anew (connections.max.reauth.ms); its ACLs and quotas stay.",
	}}
}

func failure(c *kafka.Cluster, doing string, err error) error {
	right := "Describe the cluster"
	if strings.HasPrefix(doing, "write") {
		right = "Alter the cluster"
	}
	return c.Failure(doing, right, err)
}
