// Package keeping is what Headgate keeps beside objects that live in other systems: whether they may be deleted, and who
// may take over one whose creation was never answered.
package keeping

import (
	"context"
	"errors"
	"strings"

	"github.com/headgate/terraform-provider-headgate/daemon/store"
	"github.com/headgate/terraform-provider-headgate/internal/api"
)

// Keeper keeps it for one noun.
type Keeper struct {
	Store *store.Store
	// Noun is the noun in sentences, such as Stream.
	Noun string
}

// Protected says whether an object is protected from deletion; one that nothing is known about is.
func (k Keeper) Protected(ctx context.Context, connection, name string) (bool, error) {
	row, err := k.Store.Topic(ctx, connection, name)
	if errors.Is(err, store.ErrNotFound) {
		return true, nil
	}
	return row.DeletionProtection, err
}

// Unprotected lists the objects of a connection that are not protected.
func (k Keeper) Unprotected(ctx context.Context, connection string) (map[string]bool, error) {
	rows, err := k.Store.Topics(ctx, connection)
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
	return k.Store.PutTopic(ctx, store.Topic{Connection: connection, Name: name, DeletionProtection: protected})
}

// Forget forgets an object that is gone.
func (k Keeper) Forget(ctx context.Context, connection, name string) error {
	return k.Store.ForgetTopic(ctx, connection, name)
}

// Precondition checks what the caller of a write believes. generation is that of the object, empty when it is not there.
func (k Keeper) Precondition(ctx context.Context, connection, name, generation string, opts api.WriteOptions, idempotencyKey string) error {
	switch {
	case generation == "" && opts.Generation != "":
		return api.NotFound(k.Noun, name)
	case generation == "":
		return nil
	case opts.Generation != "" && opts.Generation != generation:
		return api.Conflict(k.Noun, name)
	case !opts.CreateOnly:
		return nil
	}
	adopt, err := k.Store.Unanswered(ctx, k.noun(), Key(connection, name), idempotencyKey)
	if err == nil && !adopt {
		err = k.exists(connection, name)
	}
	return err
}

// Begin notes that an object is about to be made, so that a repeat of the request may take it over.
func (k Keeper) Begin(ctx context.Context, connection, name, idempotencyKey string) error {
	began, err := k.Store.BeginCreation(ctx, k.noun(), Key(connection, name), idempotencyKey)
	if err == nil && !began {
		err = k.exists(connection, name)
	}
	return err
}

// Fail closes the note of a creation that failed. After trouble with the connection the object may be there all the same.
func (k Keeper) Fail(ctx context.Context, connection, name string, err error) error {
	return errors.Join(err, k.Store.FailCreation(ctx, k.noun(), Key(connection, name), !api.HasCode(err, api.CodeConnection)))
}

// End notes that the answer to a creation has left.
func (k Keeper) End(ctx context.Context, connection, name string) error {
	return k.Store.EndCreation(ctx, k.noun(), Key(connection, name))
}

// Abandon notes that nobody took the answer to a creation.
func (k Keeper) Abandon(ctx context.Context, connection, name string) error {
	return k.Store.AbandonCreation(ctx, k.noun(), Key(connection, name))
}

// Refusal refuses to delete a protected object; effects are what would go with it.
func (k Keeper) Refusal(name string, effects []api.Warning) error {
	lost := make([]string, 0, len(effects))
	for _, e := range effects {
		lost = append(lost, e.Summary+".")
	}
	return api.Refused(api.CodeProtected, "/deletion_protection", k.Noun+" \""+name+"\" is protected from deletion",
		strings.Join(lost, " "), "Set deletion_protection = false and apply; then destroy it.")
}

func (k Keeper) exists(connection, name string) error {
	return api.AlreadyExists(k.Noun, name, "Import it (its import id is "+Key(connection, name)+"), or choose another name.")
}

func (k Keeper) noun() string { return strings.ToLower(k.Noun) }

// Key is the import id of an object.
func Key(connection, name string) string { return connection + "/" + name }
