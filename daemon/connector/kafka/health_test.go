package kafka

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

func TestHealth(t *testing.T) {
	away := errors.New("connection refused")
	var (
		broker  kgo.BrokerMetadata
		connect = func(h *health, err error) { h.OnBrokerConnect(broker, 0, nil, err) }
		answer  = func(h *health, key kmsg.Key) { h.OnBrokerRead(broker, key.Int16(), 0, 0, 0, nil) }
	)
	for name, tt := range map[string]struct {
		do    func(h *health)
		down  error
		tells int
	}{
		"nothing yet":            {func(*health) {}, nil, 0},
		"away for a moment":      {func(h *health) { connect(h, away) }, nil, 1},
		"away for long":          {func(h *health) { connect(h, away); time.Sleep(downLimit); connect(h, away) }, away, 1},
		"away, and back":         {func(h *health) { connect(h, away); answer(h, kmsg.Fetch); time.Sleep(downLimit) }, nil, 1},
		"refused":                {func(h *health) { connect(h, kerr.SaslAuthenticationFailed) }, kerr.SaslAuthenticationFailed, 1},
		"asks for the login":     {func(h *health) { connect(h, away); answer(h, kmsg.ApiVersions); time.Sleep(downLimit) }, away, 1},
		"refused again":          {func(h *health) { connect(h, kerr.SaslAuthenticationFailed); answer(h, kmsg.SASLAuthenticate) }, kerr.SaslAuthenticationFailed, 1},
		"closed by ourselves":    {func(h *health) { connect(h, kgo.ErrClientClosed); time.Sleep(downLimit) }, nil, 0},
		"waits a while":          {func(h *health) { h.quiet(time.Now().Add(-silentLimit + time.Second)) }, nil, 0},
		"says nothing":           {func(h *health) { h.quiet(time.Now().Add(-silentLimit)); h.quiet(time.Now().Add(-silentLimit)) }, nil, 1},
		"says something":         {func(h *health) { answer(h, kmsg.Fetch); h.quiet(time.Now().Add(-silentLimit)) }, nil, 0},
		"says nothing, as known": {func(h *health) { connect(h, away); h.quiet(time.Now().Add(-silentLimit)) }, nil, 1},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				told := 0
				h := &health{report: func(string, error) { told++ }}
				tt.do(h)
				if got := h.down(); !errors.Is(got, tt.down) || (got == nil) != (tt.down == nil) {
					t.Errorf("down %v, want %v", got, tt.down)
				}
				if told != tt.tells {
					t.Errorf("told %d times, want %d", told, tt.tells)
				}
			})
		})
	}
}
