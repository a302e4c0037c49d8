package schema

import (
	"context"
	"fmt"

	"github.com/headgate/terraform-provider-headgate/internal/api"
)

// Reader reads what records were written with, for one who reads many of them: what their schemas refer to is read once. It is
// for one goroutine.
type Reader struct {
	s          *Service
	connection string
	versions   map[place]*Version
}

// place is where a version is.
type place struct {
	subject string
	number  int64
}

// Written is a schema that records were written with.
type Written struct {
	Format, Schema string
	// References are all that it refers to, directly or through others; what is referred to comes first.
	References []Reference
}

// Reference is a schema that another refers to.
type Reference struct {
	Name string // that the referring text uses
	Text string
}

// Reader reads by way of a connection.
func (s *Service) Reader(connection string) *Reader {
	return &Reader{s: s, connection: connection, versions: map[place]*Version{}}
}

// ByID reads what records with an id were written with.
func (rd *Reader) ByID(ctx context.Context, id string) (*Written, error) {
	r, err := rd.s.registry(ctx, rd.connection)
	if err != nil {
		return nil, err
	}
	found, err := r.byID(ctx, id, "")
	if err != nil {
		return nil, err
	}
	references, err := follow(ctx, found.References, func(ctx context.Context, subject string, number int64) (*Version, error) {
		at := place{subject, number}
		if known := rd.versions[at]; known != nil {
			return known, nil
		}
		version, err := r.Version(ctx, subject, number)
		if err == nil {
			rd.versions[at] = version
		}
		return version, err
	})
	if err != nil {
		return nil, r.failure(fmt.Sprintf("read what schema %s refers to", id), err)
	}
	return &Written{found.Format, found.Schema, references}, nil
}

// byID reads what records with an id were written with. Where several subjects have it, subject chooses.
func (r *opened) byID(ctx context.Context, id, subject string) (*Version, error) {
	found, err := r.ByID(ctx, id, subject)
	if is(err, Absent) {
		e := api.NotFound("Schema with id", id)
		e.Detail = fmt.Sprintf("Through connection %q: %s.", r.name, said(err))
		e.Remedy = "Check the id, and that the connection leads to the registry that the records were written with."
		return nil, e
	}
	if err != nil {
		return nil, r.failure("read schema "+id, err)
	}
	return found, nil
}
