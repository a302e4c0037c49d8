package real

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"strconv"
	"testing"
	"time"
)

const (
	tokenServerVersion = "6.0.2"
	tokenServerJava    = 17
)

// TokenServer is a running OAuth 2.0 and OpenID Connect provider (mock-oauth2-server). It gives signed tokens to any
// client and secret; their audience is the requested scope.
type TokenServer struct {
	dir     workDir
	ports   *portSet
	process *process
}

// StartTokenServer starts a token server whose tokens live for lifetime, and waits until it answers. The context bounds
// the start only. When the start fails other than by cancellation, its folder is kept, and the error names the log in it.
func StartTokenServer(ctx context.Context, lifetime time.Duration) (*TokenServer, error) {
	java, err := findJava(ctx, tokenServerJava)
	if err != nil {
		return nil, fmt.Errorf("prepare the token server: %w", err)
	}
	libs, err := fetchClasspath(ctx, "mock-oauth2-server-"+tokenServerVersion, []artifact{{Group: "no.nav.security", Name: "mock-oauth2-server", Version: tokenServerVersion}})
	if err != nil {
		return nil, fmt.Errorf("prepare the token server: %w", err)
	}
	dir, err := newWorkDir("", "tokenserver")
	if err != nil {
		return nil, err
	}
	ports, err := reservePorts(ctx, 1)
	if err != nil {
		return nil, errors.Join(err, dir.remove())
	}
	s := &TokenServer{dir: dir, ports: ports}
	if err := s.start(ctx, lifetime, java, "-Xmx256m", quickStart, "-cp", filepath.Join(libs, "*")); err != nil {
		if !errors.Is(ctx.Err(), context.Canceled) {
			s.KeepDir()
		}
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func (s *TokenServer) start(ctx context.Context, lifetime time.Duration, java ...string) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()

	config := fmt.Sprintf(`{"tokenCallbacks":[{"issuerId":%q,"tokenExpiry":%d,"requestMappings":[{"requestParam":"grant_type","match":"client_credentials","claims":{"sub":"${clientId}","aud":["${scope}"]}}]}]}`,
		tokenIssuer, int(lifetime.Seconds()))
	argv := append([]string{
		"/usr/bin/env", "SERVER_HOSTNAME=127.0.0.1", "SERVER_PORT=" + strconv.Itoa(s.ports.numbers[0]), "JSON_CONFIG=" + config,
	}, append(java, "no.nav.security.mock.oauth2.StandaloneMockOAuth2ServerKt")...)
	p, err := startProcess("the token server", s.dir.path, filepath.Join(s.dir.path, "tokenserver.log"), argv...)
	if err != nil {
		return err
	}
	s.process = p

	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	return p.waitReady(ctx, func(ctx context.Context) error {
		return answersOK(ctx, client, s.JWKS())
	})
}

// DedicatedTokenServer starts a token server for this test alone and closes it at the test's end. Like [Shared] it skips
// or fails the test when no real systems were asked for.
func DedicatedTokenServer(tb testing.TB, lifetime time.Duration) *TokenServer {
	tb.Helper()
	return dedicated(tb, "a token server", func(ctx context.Context) (*TokenServer, error) { return StartTokenServer(ctx, lifetime) })
}

// tokenIssuer is the one of its issuers that is used.
const tokenIssuer = "headgate"

// Issuer is who signs the tokens.
func (s *TokenServer) Issuer() string {
	return "http://" + loopback(s.ports.numbers[0]) + "/" + tokenIssuer
}

// TokenEndpoint is where tokens come from.
func (s *TokenServer) TokenEndpoint() string {
	return s.Issuer() + "/token"
}

// JWKS is where the keys are that tokens are verified with.
func (s *TokenServer) JWKS() string {
	return s.Issuer() + "/jwks"
}

// Dir returns the folder with the log.
func (s *TokenServer) Dir() string {
	return s.dir.path
}

// KeepDir makes Close leave the folder behind, to look into a failure.
func (s *TokenServer) KeepDir() {
	s.dir.owned = false
}

// Close ends the token server and removes its folder.
func (s *TokenServer) Close() error {
	if s.process != nil && s.process.running() {
		s.process.kill()
	}
	s.ports.release()
	return s.dir.remove()
}
