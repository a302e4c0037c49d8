package server

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"sync"
	"time"
)

const (
	// readTimeout is how long a request may take to arrive.
	readTimeout = 30 * time.Second
	// writeTimeout is how long a request may take to be answered; waiting for brokers is part of it.
	writeTimeout = 3 * time.Minute
	idleTimeout  = 2 * time.Minute
	// shutdownTimeout is how long requests under way may take when the daemon stops.
	shutdownTimeout = 10 * time.Second
	// headerLimit bounds request headers, in bytes.
	headerLimit = 64 << 10
)

// ListenConfig says where to listen.
type ListenConfig struct {
	// Address is host:port; port 0 takes a free one.
	Address string
	// CertificateFile and KeyFile turn TLS on. They are read again when they change.
	CertificateFile string
	KeyFile         string
}

// Listen opens the listener.
func Listen(ctx context.Context, cfg ListenConfig) (net.Listener, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", cfg.Address)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", cfg.Address, err)
	}
	if cfg.CertificateFile == "" {
		return listener, nil
	}
	certificate := &reloadedCertificate{certificateFile: cfg.CertificateFile, keyFile: cfg.KeyFile}
	if _, err := certificate.get(nil); err != nil {
		return nil, errors.Join(err, listener.Close())
	}
	return tls.NewListener(listener, &tls.Config{
		MinVersion: tls.VersionTLS12, GetCertificate: certificate.get, NextProtos: []string{"h2", "http/1.1"},
	}), nil
}

// Serve answers requests until the context ends, and then lets those under way finish.
func Serve(ctx context.Context, listener net.Listener, handler http.Handler, log *slog.Logger) error {
	requests, abort := context.WithCancel(context.WithoutCancel(ctx))
	defer abort()
	srv := &http.Server{
		Handler: handler, ReadHeaderTimeout: readTimeout, ReadTimeout: readTimeout, WriteTimeout: writeTimeout, IdleTimeout: idleTimeout,
		MaxHeaderBytes: headerLimit, ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
		BaseContext: func(net.Listener) context.Context { return requests },
	}
	silent := newSilentConnections()
	srv.ConnState = silent.note
	served := make(chan error, 1)
	go func() { served <- srv.Serve(listener) }()
	select {
	case err := <-served:
		return fmt.Errorf("serve: %w", err)
	case <-ctx.Done():
	}
	silent.close()
	// Long polls need not be waited for: their callers ask again.
	impatient := time.AfterFunc(shutdownTimeout/2, abort)
	defer impatient.Stop()
	stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTimeout)
	defer cancel()
	err := srv.Shutdown(stopping)
	if errors.Is(err, context.DeadlineExceeded) {
		err = srv.Close()
	}
	if ended := <-served; !errors.Is(ended, http.ErrServerClosed) {
		err = errors.Join(err, ended)
	}
	return err
}

// silentConnections are those that never sent a request, such as clients open in advance. Shutdown would wait five
// seconds for them.
type silentConnections struct {
	mu      sync.Mutex
	list    map[net.Conn]struct{}
	closing bool
}

func newSilentConnections() *silentConnections {
	return &silentConnections{list: map[net.Conn]struct{}{}}
}

func (s *silentConnections) note(conn net.Conn, state http.ConnState) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if state != http.StateNew {
		delete(s.list, conn)
		return
	}
	s.list[conn] = struct{}{}
	if s.closing {
		_ = conn.Close()
	}
}

func (s *silentConnections) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closing = true
	for conn := range s.list {
		_ = conn.Close()
	}
}

// reloadedCertificate reads its files again when they change, so that a renewal needs no restart.
type reloadedCertificate struct {
	certificateFile string
	keyFile         string

	mu      sync.Mutex
	changed time.Time
	looked  time.Time
	loaded  *tls.Certificate
}

// lookInterval is how often the files are looked at.
const lookInterval = time.Second

func (c *reloadedCertificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.loaded != nil && time.Since(c.looked) < lookInterval {
		return c.loaded, nil
	}
	c.looked = time.Now()
	changed, err := lastChange(c.certificateFile, c.keyFile)
	if err == nil && c.loaded != nil && changed.Equal(c.changed) {
		return c.loaded, nil
	}
	pair, loadErr := tls.LoadX509KeyPair(c.certificateFile, c.keyFile)
	if err := errors.Join(err, loadErr); err != nil {
		if c.loaded != nil {
			return c.loaded, nil // half-way through a renewal: the old one still serves
		}
		return nil, fmt.Errorf("load TLS certificate: %w", err)
	}
	c.loaded, c.changed = &pair, changed
	return c.loaded, nil
}

func lastChange(files ...string) (time.Time, error) {
	var last time.Time
	for _, f := range files {
		info, err := os.Stat(f)
		if err != nil {
			return last, err
		}
		if info.ModTime().After(last) {
			last = info.ModTime()
		}
	}
	return last, nil
}
