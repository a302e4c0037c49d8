package kafka

import (
	"net"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// downLimit is how long no broker may answer until the instance counts as failed.
const downLimit = 30 * time.Second

// health watches the connections of a client. The client itself goes on trying for ever and tells nobody.
type health struct {
	report func(error) // called once per outage

	mu        sync.Mutex
	downSince time.Time
	last      error
}

var (
	_ kgo.HookBrokerConnect = (*health)(nil)
	_ kgo.HookBrokerRead    = (*health)(nil)
)

// OnBrokerConnect notes a connection that could not be made.
func (h *health) OnBrokerConnect(_ kgo.BrokerMetadata, _ time.Duration, _ net.Conn, err error) {
	if err == nil {
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
		h.report(err)
	}
}

// OnBrokerRead notes that a broker answers.
func (h *health) OnBrokerRead(_ kgo.BrokerMetadata, _ int16, _ int, _, _ time.Duration, err error) {
	if err != nil {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.downSince, h.last = time.Time{}, nil
}

// down answers the last error once no broker has answered for too long.
func (h *health) down() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.downSince.IsZero() || time.Since(h.downSince) < downLimit {
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
