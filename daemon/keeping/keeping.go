// Package keeping is what Headgate keeps beside objects that live in other systems: whether they may be deleted, and who
// may take over one whose creation was never answered.
package keeping

import (
	"context"
	"errors"
	"strings"

	"github.com/headgate/terraform-provider-headgate/daemon/keylock"
	"github.com/headgate/terraform-provider-headgate/daemon/store"
	"github.com/headgate/terraform-provider-headgate/internal/api"
)

// Keeper keeps it for one noun, and has one writer at a time work on an object. It is safe for concurrent use.
type Keeper struct {
	store   *store.Store
	name    string
	writing *keylock.Locks
}

// New makes a keeper. noun is the noun in sentences, such as Stream.
func New(st *store.Store, noun string) Keeper {
	return Keeper{store: st, name: noun, writing: keylock.New()}
}

// Turn waits until nobody else writes the object, and keeps others from it until done is called. A dry run waits for nobody.
func (k Keeper) Turn(ctx context.Context, connection, name string, opts api.WriteOptions) (done func(), err error) {
	if opts.DryRun {
		return func() {}, nil
	}
	return k.writing.Lock(ctx, Key(connection, name))
}

// Protected says whether an object is protected from deletion; one that nothing is known about is.
func (k Keeper) Protected(ctx context.Context, connection, name string) (bool, error) {
	row, err := k.store.Topic(ctx, connection, name)
	if errors.Is(err, store.ErrNotFound) {
		return true, nil
	}
	return row.DeletionProtection, err
}

// Unprotected lists the objects of a connection that are not protected.
func (k Keeper) Unprotected(ctx context.Context, connection string) (map[string]bool, error) {
	rows, err := k.store.Topics(ctx, connection)
	if err != nil {
		return nil, err
	}
	found := map[string]bool{}
	for _, row := range rows {
		if !row.DeletionProtection {
			found[row.Name] = true
		}
	}
	return found, nil
}

// Protect notes whether an object is protected.
func (k Keeper) Protect(ctx context.Context, connection, name string, protected bool) error {
	return k.store.PutTopic(ctx, store.Topic{Connection: connection, Name: name, DeletionProtection: protected})
}

// Forget forgets an object that is gone.
func (k Keeper) Forget(ctx context.Context, connection, name string) error {
	return k.store.ForgetTopic(ctx, connection, name)
}

// Precondition checks what the caller of a write believes. generationOf answers the generation of the object, given whether
// it is protected; empty when it is not there.
func (k Keeper) Precondition(ctx context.Context, connection, name string, generationOf func(protected bool) string, opts api.WriteOptions, idempotencyKey string) error {
	protected, err := k.Protected(ctx, connection, name)
	if err != nil {
		return err
	}
	generation := generationOf(protected)
	switch {
	case generation == "" && opts.Generation != "":
		return api.NotFound(k.name, name)
	case generation == "":
		return nil
	case opts.Generation != "" && opts.Generation != generation:
		return api.Conflict(k.name, name)
	case !opts.CreateOnly:
		return nil
	}
	adopt, err := k.store.Unanswered(ctx, k.noun(), Key(connection, name), idempotencyKey)
	if err == nil && !adopt {
		err = k.exists(connection, name)
	}
	return err
}

// Begin notes that an object is about to be made, so that a repeat of the request may take it over.
func (k Keeper) Begin(ctx context.Context, connection, name, idempotencyKey string) error {
	began, err := k.store.BeginCreation(ctx, k.noun(), Key(connection, name), idempotencyKey)
	if err == nil && !began {
		err = k.exists(connection, name)
	}
	return err
}

// Fail closes the note of a creation that failed. After trouble with the connection the object may be there all the same.
func (k Keeper) Fail(ctx context.Context, connection, name string, err error) error {
	return errors.Join(err, k.store.FailCreation(ctx, k.noun(), Key(connection, name), !api.HasCode(err, api.CodeConnection)))
}

// End notes that the answer to a creation has left.
func (k Keeper) End(ctx context.Context, connection, name string) error {
	return k.store.EndCreation(ctx, k.noun(), Key(connection, name))
}

// Abandon notes that nobody took the answer to a creation.
func (k Keeper) Abandon(ctx context.Context, connection, name string) error {
	return k.store.AbandonCreation(ctx, k.noun(), Key(connection, name))
}

// Refusal refuses to delete a protected object; effects are what would go with it.
func (k Keeper) Refusal(name string, effects []api.Warning) error {
	lost := make([]string, 0, len(effects))
	for _, e := range effects {
		lost = append(lost, e.Summary+".")
	}
	return api.Refused(api.CodeProtected, "/deletion_protection", k.name+" \""+name+"\" is protected from deletion",
		strings.Join(lost, " "), "Set deletion_protection = false and apply; then destroy it.")
}

func (k Keeper) exists(connection, name string) error {
	return api.AlreadyExists(k.name, name, "Import it (its import id is "+Key(connection, name)+"), or choose another name.")
}

// noun is the noun in the store.
func (k Keeper) noun() string { return strings.ToLower(k.name) }

// Key is the import id of an object.
func Key(connection, name string) string { return connection + "/" + name }
