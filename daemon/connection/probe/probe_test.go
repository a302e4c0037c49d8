package probe_test

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"github.com/headgate/terraform-provider-headgate/daemon/connection/probe"
	"github.com/headgate/terraform-provider-headgate/internal/api"
)

// nameServer answers every question with one code, over UDP.
func nameServer(t *testing.T, code dnsmessage.RCode) *net.Resolver {
	t.Helper()
	server, err := (&net.ListenConfig{}).ListenPacket(t.Context(), "udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			question := make([]byte, 1500)
			n, from, err := server.ReadFrom(question)
			if err != nil {
				return
			}
			var message dnsmessage.Message
			if message.Unpack(question[:n]) != nil {
				continue
			}
			answer, err := (&dnsmessage.Message{Header: dnsmessage.Header{ID: message.ID, Response: true, RCode: code}, Questions: message.Questions}).Pack()
			if err == nil {
				_, _ = server.WriteTo(answer, from)
			}
		}
	}()
	t.Cleanup(func() {
		_ = server.Close()
		<-done
	})
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "udp", server.LocalAddr().String())
	}}
}

func TestNames(t *testing.T) {
	for name, tt := range map[string]struct {
		code    dnsmessage.RCode
		address string
		cause   string
		remedy  string
	}{
		"NXDOMAIN":     {dnsmessage.RCodeNameError, "b-1.elsewhere.example.:9092", "the host name b-1.elsewhere.example. does not exist", "Check the spelling"},
		"SERVFAIL":     {dnsmessage.RCodeServerFailure, "b-1.elsewhere.example.:9092", "cannot be resolved", "DNS server"},
		"no port":      {dnsmessage.RCodeNameError, "b-1.elsewhere.example", "not host:port", "host:port"},
		"a bare name":  {dnsmessage.RCodeNameError, "kafka.:9092", "does not exist", "private network"},
		"an IP number": {dnsmessage.RCodeNameError, "127.0.0.1:9092", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			r := &probe.Recorder{Attribute: "/spec/servers/0", Resolver: nameServer(t, tt.code)}
			err := r.DNS(t.Context(), tt.address)
			result := r.Result()
			if tt.cause == "" {
				if err != nil || !result.OK {
					t.Errorf("got %v, %+v", err, result)
				}
				return
			}
			if err == nil || result.OK || !strings.Contains(result.Error.Detail, tt.cause) || !strings.Contains(result.Error.Remedy, tt.remedy) || result.Error.Attribute != "/spec/servers/0" {
				t.Errorf("got %+v", result.Error)
			}
		})
	}
}

var errOther = errors.New("what the other side says")

// A failure names fields as its kind has them, and blames the address where it has none.
func TestBlame(t *testing.T) {
	preset := func(field string) string { return map[string]string{"/tls/ca_certificate": "/ca_certificate"}[field] }
	for name, tt := range map[string]struct {
		own               func(string) string
		err               error
		attribute, remedy string
	}{
		"own field":            {nil, probe.Blame("/tls/ca_certificate", "cause", "Set {/tls/ca_certificate}.", errOther), "/spec/tls/ca_certificate", "Set tls.ca_certificate."},
		"no such field":        {nil, probe.Blame("/security_protocol", "cause", "Set it.", errOther), "/spec/url", "Set it."},
		"field of a preset":    {preset, probe.Blame("/tls/ca_certificate", "cause", "Set {/tls/ca_certificate}.", errOther), "/spec/ca_certificate", "Set ca_certificate."},
		"none of the preset's": {preset, probe.Blame("/tls/client_key", "cause", "Set {/tls/client_key}.", errOther), "/spec/url", "Set tls.client_key (with the kind base)."},
		"the address":          {nil, probe.Fail("cause", "Check it.", errOther), "/spec/url", "Check it."},
		"anything else":        {nil, errOther, "/spec/url", ""},
	} {
		t.Run(name, func(t *testing.T) {
			r := &probe.Recorder{Attribute: "/spec/url", Subject: "the door", Own: tt.own, Base: "base"}
			_ = r.Step(t.Context(), api.StepTLS, "host:1", func(context.Context) (string, error) { return "", tt.err })
			e := r.Result().Error
			if e.Attribute != tt.attribute || e.Remedy != tt.remedy || e.Summary != "Connection test failed at step tls for host:1, the door" || !strings.Contains(e.Detail, errOther.Error()) {
				t.Errorf("got %+v", e)
			}
		})
	}
}

func TestForgivenFailuresAreWarnings(t *testing.T) {
	r := &probe.Recorder{Attribute: "/spec/servers/0"}
	_ = r.Step(t.Context(), api.StepTCP, "host:1", func(context.Context) (string, error) {
		time.Sleep(2 * time.Millisecond)
		return "", probe.Fail("nothing listens", "Start it.", nil)
	})
	r.Forgive()
	result := r.Result()
	if !result.OK || result.Steps[0].OK || result.Steps[0].DurationMillis < 2 {
		t.Errorf("got %+v", result)
	}
	if len(result.Warnings) != 1 || result.Warnings[0].Detail != "nothing listens. Start it." || result.Warnings[0].Attribute != "/spec/servers/0" {
		t.Errorf("warnings %+v", result.Warnings)
	}
}
