package kafka

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

const (
	// downLimit is how long no broker may answer until the instance counts as failed.
	downLimit = 30 * time.Second
	// silentLimit is how long a reader that waits hears nothing until that is told. Brokers answer a fetch after 5 s, be there
	// records or not.
	silentLimit = 10 * time.Second
)

// health watches the connections of a client. The client itself goes on trying for ever and tells nobody.
type health struct {
	report func(doing string, err error) // called once per outage

	mu        sync.Mutex
	downSince time.Time
	last      error
	answered  time.Time // when a broker answered last
	toldQuiet bool      // of the silence since then
}

var (
	_ kgo.HookBrokerConnect = (*health)(nil)
	_ kgo.HookBrokerRead    = (*health)(nil)
)

// OnBrokerConnect notes a connection that could not be made, or over which nobody could log in.
func (h *health) OnBrokerConnect(_ kgo.BrokerMetadata, _ time.Duration, _ net.Conn, err error) {
	if err == nil || errors.Is(err, context.Canceled) || errors.Is(err, kgo.ErrClientClosed) {
		return
	}
	h.mu.Lock()
	first := h.downSince.IsZero()
	if first {
		h.downSince = time.Now()
	}
	h.last = err
	h.mu.Unlock()
	if first && h.report != nil {
		h.report("connect to a broker", err)
	}
}

// OnBrokerRead notes that a broker answers. What it says before the login says nothing about what comes after.
func (h *health) OnBrokerRead(_ kgo.BrokerMetadata, key int16, _ int, _, _ time.Duration, err error) {
	if err != nil || isLogin(key) {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.downSince, h.last = time.Time{}, nil
	h.answered, h.toldQuiet = time.Now(), false
}

func isLogin(key int16) bool {
	switch kmsg.Key(key) {
	case kmsg.ApiVersions, kmsg.SASLHandshake, kmsg.SASLAuthenticate:
		return true
	}
	return false
}

// down answers the last error once no broker has answered for too long, and at once when one refuses the login.
func (h *health) down() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.downSince.IsZero() || time.Since(h.downSince) < downLimit && !errors.Is(h.last, kerr.SaslAuthenticationFailed) {
		return nil
	}
	return h.last
}

// trouble answers the last error while no broker answers.
func (h *health) trouble() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.last
}

// quiet tells once when somebody has been waiting since then and no broker has answered for long.
func (h *health) quiet(since time.Time) {
	h.mu.Lock()
	if h.answered.After(since) {
		since = h.answered
	}
	silence := time.Since(since)
	tell := silence >= silentLimit && !h.toldQuiet && h.last == nil
	h.toldQuiet = h.toldQuiet || tell
	h.mu.Unlock()
	if tell {
		h.report("read from the brokers", fmt.Errorf("no broker has answered for %s", silence.Round(time.Second)))
	}
}
