// Package connection keeps the connections: who may be reached, how, and with which sealed credentials.
package connection

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/headgate/terraform-provider-headgate/daemon/secret"
	"github.com/headgate/terraform-provider-headgate/daemon/store"
	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/internal/spec"
)

const noun = "connection"

var namePattern = regexp.MustCompile(api.NamePattern)

// Kind is what the daemon knows about one kind of connection. Specs are pointers to the struct that describes the kind.
type Kind interface {
	// Check finds what is wrong beyond what the field tags say.
	Check(target any) []spec.Problem
	// Warnings says what works and should still be known.
	Warnings(target any) []api.Warning
	// References lists the connections that this one needs.
	References(target any) []Reference
	// Test tries the connection, step by step.
	Test(ctx context.Context, target any) api.ConnectionTest
}

// Preset is a kind that is another kind underneath, with fewer fields and the right defaults. Whoever asks for a connection
// of that other kind gets the preset too, converted.
type Preset interface {
	Kind
	// Base is the name of the other kind.
	Base() string
	// Convert makes the spec of the other kind.
	Convert(target any) any
}

// Reference is a field that names another connection.
type Reference struct {
	Pointer string // of the field, below the spec
	Name    string
	Kinds   []string // what the other connection may be
}

// Target is a connection with its secrets, ready to be used inside the daemon. It is never logged or answered.
type Target struct {
	Name       string
	Kind       string
	Generation int64
	Spec       any
}

// UsersFunc lists who uses a connection, in words such as `connector "orders-in"`: who names it, and whom the daemon serves
// through it by itself. What lives on without the daemon, such as a topic, uses none; what is kept beside it is forgotten.
type UsersFunc func(ctx context.Context, connection string) ([]string, error)

// Service keeps the connections.
type Service struct {
	store  *store.Store
	sealer *secret.Sealer
	hider  *secret.Hider
	kinds  spec.Kinds
	impls  map[string]Kind

	mu      sync.Mutex
	users   []UsersFunc
	changed []func(name string)
}

// New makes the service. Each kind needs an implementation of the same name.
func New(st *store.Store, sealer *secret.Sealer, kinds spec.Kinds, impls map[string]Kind) (*Service, error) {
	for _, k := range kinds {
		if impls[k.Name] == nil {
			return nil, fmt.Errorf("connection kind %s has no implementation", k.Name)
		}
	}
	return &Service{store: st, sealer: sealer, hider: secret.NewHider(), kinds: kinds, impls: impls}, nil
}

// Hider hides the secrets of all connections, those that are being tried out included.
func (s *Service) Hider() *secret.Hider { return s.hider }

// CheckKey opens every sealed secret, so that a daemon with the wrong key does not start, rather than fail later or seal
// more under a second key.
func (s *Service) CheckKey(ctx context.Context) error {
	const all = 1 << 30
	rows, err := s.store.Connections(ctx, "", all)
	if err != nil {
		return err
	}
	for _, listed := range rows {
		// A list comes without the sealed secrets.
		row, err := s.store.Connection(ctx, listed.Name)
		if err != nil {
			return err
		}
		if _, err := s.secrets(row); err != nil {
			return err
		}
	}
	return nil
}

// AddUsers registers someone who can tell who uses a connection.
func (s *Service) AddUsers(f UsersFunc) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.users = append(s.users, f)
}

// OnChange registers someone who wants to know that a connection was changed or deleted. It must not block.
func (s *Service) OnChange(f func(name string)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.changed = append(s.changed, f)
}

// Get reads a connection, without its secrets.
func (s *Service) Get(ctx context.Context, name string) (*api.Connection, error) {
	row, err := s.row(ctx, name)
	if err != nil {
		return nil, err
	}
	return s.answer(row)
}

// List reads the connections after a cursor, at most limit.
func (s *Service) List(ctx context.Context, after string, limit int) ([]api.Connection, error) {
	rows, err := s.store.Connections(ctx, after, limit)
	if err != nil {
		return nil, err
	}
	list := make([]api.Connection, 0, len(rows))
	for _, row := range rows {
		c, err := s.answer(row)
		if err != nil {
			return nil, err
		}
		list = append(list, *c)
	}
	return list, nil
}

// Resolve opens a connection for use. kinds lists what it may be, presets of these included; pointer is the field that names it, for the error.
func (s *Service) Resolve(ctx context.Context, name, pointer string, kinds ...string) (*Target, error) {
	row, err := s.row(ctx, name)
	if err != nil {
		return nil, at(err, pointer)
	}
	preset, converts := s.impls[row.Kind].(Preset)
	converts = converts && !slices.Contains(kinds, row.Kind) && slices.Contains(kinds, preset.Base())
	if len(kinds) > 0 && !slices.Contains(kinds, row.Kind) && !converts {
		return nil, api.Invalid(pointer, fmt.Sprintf("Connection %q is of kind %s", name, row.Kind),
			fmt.Sprintf("Here a connection of kind %s is needed.", strings.Join(kinds, " or ")), "Name another connection.")
	}
	target, err := s.open(row)
	if err != nil || !converts {
		return target, err
	}
	return &Target{Name: target.Name, Kind: preset.Base(), Generation: target.Generation, Spec: preset.Convert(target.Spec)}, nil
}

// Test tries a connection that exists.
func (s *Service) Test(ctx context.Context, name string) (*api.ConnectionTest, error) {
	row, err := s.row(ctx, name)
	if err != nil {
		return nil, err
	}
	target, err := s.open(row)
	if err != nil {
		return nil, err
	}
	result := s.impls[target.Kind].Test(ctx, target.Spec)
	result.Warnings = append(s.impls[target.Kind].Warnings(target.Spec), result.Warnings...)
	if err := s.compareCluster(ctx, row, &result); err != nil {
		return nil, err
	}
	return &result, nil
}

// Put creates or changes a connection.
func (s *Service) Put(ctx context.Context, name string, body api.ConnectionWrite, opts api.WriteOptions, idempotencyKey string) (*api.Connection, error) {
	if !namePattern.MatchString(name) {
		return nil, api.Invalid("/name", "The name is not allowed", "Names are 1 to 63 lower-case letters, digits, dots, dashes and underscores, and begin and end with a letter or digit.", "Choose another name.")
	}
	existing, err := s.store.Connection(ctx, name)
	exists := err == nil
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return nil, err
	}
	if err := s.precondition(ctx, name, existing, exists, opts, idempotencyKey); err != nil {
		return nil, err
	}
	if exists && existing.Kind != body.Kind {
		return nil, api.Invalid("/kind", fmt.Sprintf("Connection %q is of kind %s", name, existing.Kind), "The kind of a connection cannot change.", "Delete it and create it again, or choose another name.")
	}
	checked, err := s.check(ctx, name, body)
	if err != nil {
		return nil, err
	}
	row := store.Connection{
		Name: name, Kind: body.Kind, Spec: checked.open, SecretVersions: knownVersions(body.SecretVersions), Generation: existing.Generation,
		ClusterID: checked.clusterAfter(existing),
	}
	elsewhere, err := s.leadsElsewhere(ctx, existing, checked)
	if err != nil {
		return nil, err
	}
	checked.warnings = append(checked.warnings, elsewhere...)
	if opts.DryRun {
		return s.answerWith(row, checked.warnings), nil
	}
	if row.Sealed, err = s.seal(name, checked.secrets); err != nil {
		return nil, err
	}
	if err := s.write(ctx, row, exists, idempotencyKey); err != nil {
		return nil, err
	}
	row.Generation++
	s.notify(name)
	return s.answerWith(row, checked.warnings), nil
}

// Delete removes a connection that nobody uses.
func (s *Service) Delete(ctx context.Context, name string, opts api.WriteOptions) (*api.Deletion, error) {
	row, err := s.row(ctx, name)
	if err != nil {
		return nil, err
	}
	if opts.Generation != "" && opts.Generation != generation(row) {
		return nil, api.Conflict("Connection", name)
	}
	users, err := s.usersOf(ctx, name)
	if err != nil {
		return nil, err
	}
	if len(users) > 0 {
		return nil, api.Refused(api.CodeInUse, "/name", fmt.Sprintf("Connection %q is in use", name),
			"It is used by "+strings.Join(users, ", ")+".", "Delete these first, or point them to another connection.")
	}
	effects, err := s.forgotten(ctx, name)
	if err != nil {
		return nil, err
	}
	if opts.DryRun {
		return &api.Deletion{Effects: effects}, nil
	}
	if err := s.store.DeleteConnection(ctx, name, row.Generation); errors.Is(err, store.ErrConflict) {
		return nil, api.Conflict("Connection", name)
	} else if err != nil {
		return nil, err
	}
	s.notify(name)
	s.hider.Forget(name)
	return &api.Deletion{Effects: effects}, nil
}

func (s *Service) precondition(ctx context.Context, name string, existing store.Connection, exists bool, opts api.WriteOptions, idempotencyKey string) error {
	if exists && opts.Generation != "" && opts.Generation != generation(existing) {
		return api.Conflict("Connection", name)
	}
	if !exists && opts.Generation != "" {
		return api.NotFound("Connection", name)
	}
	if !exists || !opts.CreateOnly {
		return nil
	}
	adopt, err := s.store.Unanswered(ctx, noun, name, idempotencyKey)
	if err != nil {
		return err
	}
	if !adopt {
		return api.AlreadyExists("Connection", name, "Choose another name, or import it.")
	}
	return nil
}

type checkedSpec struct {
	open     json.RawMessage
	secrets  map[string]string
	warnings []api.Warning
	// clusterID is what the test found; tested and unknown say whether there was one, and whether there could be one.
	clusterID       string
	tested, unknown bool
}

func (s *Service) check(ctx context.Context, name string, body api.ConnectionWrite) (*checkedSpec, error) {
	kind, ok := s.kinds.Lookup(body.Kind)
	if !ok {
		return nil, api.Invalid("/kind", "There is no such kind of connection", "", "Use one of "+strings.Join(s.kinds.Names(), ", ")+".")
	}
	target, object, err := DecodeSpec(kind, body.Spec, body.Unknown)
	if err != nil {
		return nil, err
	}
	impl := s.impls[kind.Name]
	unknown := len(body.Unknown) > 0
	if !unknown {
		if err := Problems(kind, impl.Check(target)); err != nil {
			return nil, err
		}
	}
	if err := s.checkReferences(ctx, name, impl.References(target)); err != nil {
		return nil, err
	}
	checked := &checkedSpec{warnings: impl.Warnings(target), secrets: spec.TakeSecrets(kind.Fields, object), unknown: unknown}
	// What they are tried out on may repeat them.
	s.hider.Hide(name, slices.Collect(maps.Values(checked.secrets))...)
	if !unknown && (body.Test == nil || *body.Test) {
		result := impl.Test(ctx, target)
		if result.Error != nil {
			return nil, result.Error
		}
		checked.warnings = append(checked.warnings, result.Warnings...)
		checked.tested, checked.clusterID = true, result.ClusterID
	}
	if checked.open, err = json.Marshal(object); err != nil {
		return nil, fmt.Errorf("encode spec: %w", err)
	}
	return checked, nil
}

func (s *Service) checkReferences(ctx context.Context, name string, refs []Reference) error {
	for _, ref := range refs {
		pointer := "/spec" + ref.Pointer
		if ref.Name == name {
			return api.Invalid(pointer, "The connection names itself", "", "Name another connection of kind "+strings.Join(ref.Kinds, " or ")+".")
		}
		if _, err := s.Resolve(ctx, ref.Name, pointer, ref.Kinds...); err != nil {
			return err
		}
	}
	return nil
}

func (s *Service) write(ctx context.Context, row store.Connection, exists bool, idempotencyKey string) error {
	if exists {
		err := s.store.UpdateConnection(ctx, row)
		if errors.Is(err, store.ErrConflict) {
			return api.Conflict("Connection", row.Name)
		}
		return err
	}
	began, err := s.store.BeginCreation(ctx, noun, row.Name, idempotencyKey)
	if err != nil {
		return err
	}
	if !began {
		return api.AlreadyExists("Connection", row.Name, "Choose another name, or import it.")
	}
	err = s.store.InsertConnection(ctx, row)
	if err == nil {
		return nil
	}
	if errors.Is(err, store.ErrConflict) {
		err = api.AlreadyExists("Connection", row.Name, "Choose another name, or import it.")
	}
	return errors.Join(err, s.store.EndCreation(ctx, noun, row.Name))
}

func (s *Service) row(ctx context.Context, name string) (store.Connection, error) {
	row, err := s.store.Connection(ctx, name)
	if errors.Is(err, store.ErrNotFound) {
		return row, api.NotFound("Connection", name)
	}
	return row, err
}

func (s *Service) seal(name string, secrets map[string]string) (map[string][]byte, error) {
	sealed := make(map[string][]byte, len(secrets))
	for field, value := range secrets {
		box, err := s.sealer.Seal(name, field, value)
		if err != nil {
			return nil, err
		}
		sealed[field] = box
	}
	return sealed, nil
}

// secrets opens what is sealed; from then on it is hidden.
func (s *Service) secrets(row store.Connection) (map[string]string, error) {
	secrets := make(map[string]string, len(row.Sealed))
	for field, box := range row.Sealed {
		value, err := s.sealer.Open(row.Name, field, box)
		if err != nil {
			return nil, err
		}
		secrets[field] = value
	}
	s.hider.Hide(row.Name, slices.Collect(maps.Values(secrets))...)
	return secrets, nil
}

func (s *Service) open(row store.Connection) (*Target, error) {
	kind, ok := s.kinds.Lookup(row.Kind)
	if !ok {
		return nil, fmt.Errorf("connection %s is of the unknown kind %s", row.Name, row.Kind)
	}
	secrets, err := s.secrets(row)
	if err != nil {
		return nil, err
	}
	var object map[string]any
	if err := json.Unmarshal(row.Spec, &object); err != nil {
		return nil, fmt.Errorf("decode stored connection %s: %w", row.Name, err)
	}
	spec.PutSecrets(object, secrets)
	target := kind.New()
	if err := spec.Into(object, target); err != nil {
		return nil, err
	}
	return &Target{Name: row.Name, Kind: row.Kind, Generation: row.Generation, Spec: target}, nil
}

func (s *Service) answer(row store.Connection) (*api.Connection, error) {
	kind, ok := s.kinds.Lookup(row.Kind)
	if !ok {
		return nil, fmt.Errorf("connection %s is of the unknown kind %s", row.Name, row.Kind)
	}
	target := kind.New()
	if err := json.Unmarshal(row.Spec, target); err != nil {
		return nil, fmt.Errorf("decode stored connection %s: %w", row.Name, err)
	}
	return s.answerWith(row, s.impls[row.Kind].Warnings(target)), nil
}

func (s *Service) answerWith(row store.Connection, warnings []api.Warning) *api.Connection {
	return &api.Connection{Name: row.Name, Kind: row.Kind, Spec: row.Spec, SecretVersions: row.SecretVersions, Generation: generation(row), ClusterID: row.ClusterID, Warnings: warnings}
}

func (s *Service) usersOf(ctx context.Context, name string) ([]string, error) {
	s.mu.Lock()
	finders := slices.Clone(s.users)
	s.mu.Unlock()
	users, err := s.connectionUsers(ctx, name)
	if err != nil {
		return nil, err
	}
	for _, find := range finders {
		found, err := find(ctx, name)
		if err != nil {
			return nil, err
		}
		users = append(users, found...)
	}
	return users, nil
}

func (s *Service) connectionUsers(ctx context.Context, name string) ([]string, error) {
	const all = 1 << 30
	rows, err := s.store.Connections(ctx, "", all)
	if err != nil {
		return nil, err
	}
	var users []string
	for _, row := range rows {
		kind, ok := s.kinds.Lookup(row.Kind)
		if !ok {
			continue
		}
		target := kind.New()
		if err := json.Unmarshal(row.Spec, target); err != nil {
			return nil, fmt.Errorf("decode stored connection %s: %w", row.Name, err)
		}
		if slices.ContainsFunc(s.impls[row.Kind].References(target), func(r Reference) bool { return r.Name == name }) {
			users = append(users, fmt.Sprintf("connection %q", row.Name))
		}
	}
	return users, nil
}

// forgotten tells what a connection takes along: what is kept beside the topics and streams behind it.
func (s *Service) forgotten(ctx context.Context, name string) ([]api.Warning, error) {
	const maxNamed = 10
	rows, err := s.store.Topics(ctx, name)
	if err != nil || len(rows) == 0 {
		return []api.Warning{}, err
	}
	named := make([]string, 0, maxNamed+1)
	for _, row := range rows[:min(len(rows), maxNamed)] {
		named = append(named, strconv.Quote(row.Name))
	}
	if more := len(rows) - maxNamed; more > 0 {
		named = append(named, fmt.Sprintf("and %d more", more))
	}
	return []api.Warning{{
		Summary: "Headgate forgets what it keeps beside " + strings.Join(named, ", "),
		Detail:  "Those that are not deleted before stay where they are, and lose their description, labels and deletion protection here.",
	}}, nil
}

func (s *Service) notify(name string) {
	s.mu.Lock()
	listeners := slices.Clone(s.changed)
	s.mu.Unlock()
	for _, f := range listeners {
		f(name)
	}
}

// AbandonCreation notes that nobody took the answer to a create: the next attempt may take the connection over.
func (s *Service) AbandonCreation(ctx context.Context, name string) error {
	return s.store.AbandonCreation(ctx, noun, name)
}

// EndCreation notes that the answer to a create has left.
func (s *Service) EndCreation(ctx context.Context, name string) error {
	return s.store.EndCreation(ctx, noun, name)
}

func generation(row store.Connection) string { return strconv.FormatInt(row.Generation, 10) }

func knownVersions(versions map[string]int64) map[string]int64 {
	if versions == nil {
		return map[string]int64{}
	}
	return versions
}

// at moves an error of the API to the field that is to blame.
func at(err error, pointer string) error {
	var e *api.Error
	if pointer != "" && errors.As(err, &e) {
		moved := *e
		moved.Attribute = pointer
		return &moved
	}
	return err
}
