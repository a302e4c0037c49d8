package schema

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/headgate/terraform-provider-headgate/internal/api"
)

// ByName is what schemas refer to by the names that they use.
func ByName(texts []Reference) map[string]string {
	named := make(map[string]string, len(texts))
	for _, one := range texts {
		named[one.Name] = one.Text
	}
	return named
}

// referenceError says that a reference of the schema itself, not of one that it refers to, leads nowhere.
type referenceError struct {
	index int
	err   error
}

func (e *referenceError) Error() string { return e.err.Error() }

func (e *referenceError) Unwrap() error { return e.err }

// pinned gives every reference that follows the latest version the version that is the latest now.
func (r *opened) pinned(ctx context.Context, references []api.SchemaReference) ([]api.SchemaReference, error) {
	list := slices.Clone(references)
	for i, ref := range list {
		if ref.Version != latest {
			continue
		}
		found, err := r.Version(ctx, ref.Subject, latest)
		if err != nil {
			return nil, &referenceError{i, fmt.Errorf("read the latest version of subject %q: %w", ref.Subject, err)}
		}
		list[i].Version = found.Number
	}
	return list, nil
}

// texts reads everything that a schema refers to, directly or through others; what is referred to comes first.
func (r *opened) texts(ctx context.Context, references []api.SchemaReference) ([]Reference, error) {
	return follow(ctx, references, r.Version)
}

// follow is texts by way of a function that reads a version.
func follow(ctx context.Context, references []api.SchemaReference, version func(ctx context.Context, subject string, number int64) (*Version, error)) ([]Reference, error) {
	reading := &reading{version: version, seen: map[string]bool{}}
	for i, ref := range references {
		if err := reading.follow(ctx, ref); err != nil {
			return nil, &referenceError{i, err}
		}
	}
	return reading.texts, nil
}

type reading struct {
	version func(ctx context.Context, subject string, number int64) (*Version, error)
	seen    map[string]bool // by name: where two versions have one name, the first counts, as with Confluent's serializers
	texts   []Reference
}

func (rd *reading) follow(ctx context.Context, ref api.SchemaReference) error {
	if rd.seen[ref.Name] {
		return nil
	}
	rd.seen[ref.Name] = true
	if len(rd.seen) > maxReferences {
		return fmt.Errorf("more than %d references", maxReferences)
	}
	found, err := rd.version(ctx, ref.Subject, ref.Version)
	if err != nil {
		return fmt.Errorf("read version %d of subject %q: %w", ref.Version, ref.Subject, err)
	}
	for _, next := range found.References {
		if err := rd.follow(ctx, next); err != nil {
			return err
		}
	}
	rd.texts = append(rd.texts, Reference{ref.Name, found.Schema})
	return nil
}

func sameReferences(a, b []api.SchemaReference) bool { return slices.Equal(sorted(a), sorted(b)) }

func sorted(references []api.SchemaReference) []api.SchemaReference {
	return slices.SortedFunc(slices.Values(references), func(a, b api.SchemaReference) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.Subject, b.Subject), cmp.Compare(a.Version, b.Version))
	})
}
