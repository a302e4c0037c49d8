// Package store keeps the little that must survive a restart of the daemon: connections with their sealed secrets,
// hosted connector specs, ownership metadata of topics and the built-in registry. What the streaming systems know
// themselves is never mirrored here.
package store

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"
	"github.com/google/uuid"
	"github.com/pressly/goose/v3"
	_ "modernc.org/sqlite" // the database/sql driver "sqlite"

	"github.com/headgate/terraform-provider-headgate/daemon/gather"
)

//go:embed migrations/*.sql
var migrations embed.FS

const (
	// commitLimit is how many small writes are committed together.
	commitLimit   = 1000
	commitTimeout = time.Minute
)

// ErrNotFound says that the row asked for is proven absent.
var ErrNotFound = errors.New("not found in the store")

// ErrConflict says that the row is not at the generation the caller saw.
var ErrConflict = errors.New("changed since it was read")

// Store is a SQLite database. It is safe for concurrent use; statements run one at a time.
type Store struct {
	db   *sql.DB
	lock *flock.Flock
	// boot names this run of the daemon: what an earlier run left unanswered may be adopted by a later one.
	boot string
	// small writes that arrive together are committed together: a commit waits for the disk.
	small *gather.Group[write, error]
}

// write is a part of a transaction. Its context is the transaction's.
type write func(ctx context.Context, tx *sql.Tx) error

// Open opens or creates the store in the data directory, migrates it, and locks the directory against a second daemon.
func Open(ctx context.Context, dir string) (*Store, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("create data directory: %w", err)
	}
	lock := flock.New(filepath.Join(dir, "headgated.lock"), flock.SetPermissions(0o600))
	held, err := lock.TryLock()
	if err != nil {
		return nil, fmt.Errorf("lock data directory %s: %w", dir, err)
	}
	if !held {
		return nil, fmt.Errorf("data directory %s is in use by another headgated: stop it, or give this one a directory of its own with --data-dir", dir)
	}
	file := filepath.Join(dir, "headgate.db")
	if err := createPrivate(file); err != nil {
		return nil, errors.Join(err, lock.Unlock())
	}
	s, err := open(ctx, "file:"+file+"?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=foreign_keys(1)&_pragma=busy_timeout(5000)")
	if err != nil {
		return nil, errors.Join(err, lock.Unlock())
	}
	s.lock = lock
	return s, nil
}

// OpenMemory opens an empty store that is gone when it is closed.
func OpenMemory(ctx context.Context) (*Store, error) {
	return open(ctx, "file::memory:?_pragma=foreign_keys(1)")
}

// createPrivate makes the database file before SQLite does, so that nobody else can read it.
func createPrivate(file string) error {
	f, err := os.OpenFile(file, os.O_CREATE|os.O_RDWR, 0o600) // #nosec G304 -- the operator's own data directory
	if err != nil {
		return fmt.Errorf("create database file: %w", err)
	}
	return f.Close()
}

func open(ctx context.Context, dsn string) (*Store, error) {
	db, err := sql.Open("sqlite", dsn)
	if err != nil {
		return nil, fmt.Errorf("open store: %w", err)
	}
	// One connection: SQLite has one writer anyway, and an in-memory database lives in its connection.
	db.SetMaxOpenConns(1)
	db.SetConnMaxLifetime(0)
	if err := migrate(ctx, db); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	s := &Store{db: db, boot: uuid.NewString()}
	s.small = gather.New(gather.Config[write, error]{Do: s.commit, Limit: commitLimit, Timeout: commitTimeout})
	return s, nil
}

func migrate(ctx context.Context, db *sql.DB) error {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return fmt.Errorf("read migrations: %w", err)
	}
	provider, err := goose.NewProvider(goose.DialectSQLite3, db, files)
	if err != nil {
		return fmt.Errorf("prepare migrations: %w", err)
	}
	if _, err := provider.Up(ctx); err != nil {
		return fmt.Errorf("migrate store: %w", err)
	}
	return nil
}

// Close closes the database and frees the data directory.
func (s *Store) Close() error {
	s.small.Close()
	err := s.db.Close()
	if s.lock != nil {
		err = errors.Join(err, s.lock.Unlock())
	}
	return err
}

// Ping says whether the database answers.
func (s *Store) Ping(ctx context.Context) error {
	return s.db.PingContext(ctx)
}

// inTx runs fn in a transaction and commits it when fn succeeds.
func (s *Store) inTx(ctx context.Context, fn func(tx *sql.Tx) error) error {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("begin transaction: %w", err)
	}
	if err := fn(tx); err != nil {
		return errors.Join(err, tx.Rollback())
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("commit transaction: %w", err)
	}
	return nil
}

// together runs fn in a transaction that others may share. When fn fails, its own part is undone.
func (s *Store) together(ctx context.Context, fn write) error {
	failed, err := s.small.Ask(ctx, fn)
	return errors.Join(err, failed)
}

// commit does the parts of a transaction and answers which of them failed.
func (s *Store) commit(ctx context.Context, parts []write) ([]error, error) {
	failed := make([]error, len(parts))
	return failed, s.inTx(ctx, func(tx *sql.Tx) error {
		for i, part := range parts {
			if _, err := tx.ExecContext(ctx, "SAVEPOINT part"); err != nil {
				return fmt.Errorf("begin a part of a transaction: %w", err)
			}
			end := "RELEASE part"
			if failed[i] = part(ctx, tx); failed[i] != nil {
				end = "ROLLBACK TO part; RELEASE part"
			}
			if _, err := tx.ExecContext(ctx, end); err != nil {
				return fmt.Errorf("end a part of a transaction: %w", err)
			}
		}
		return nil
	})
}
