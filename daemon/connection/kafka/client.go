package kafka

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/headgate/terraform-provider-headgate/daemon/connection"
	"github.com/headgate/terraform-provider-headgate/daemon/connection/tlsclient"
	"github.com/headgate/terraform-provider-headgate/internal/api"
)

// dialTimeout bounds one attempt to connect to a broker, TLS handshake included.
const dialTimeout = 10 * time.Second

// Options are the client options that reach the cluster of a connection.
func Options(c *api.KafkaConnection) ([]kgo.Opt, error) {
	opts := []kgo.Opt{
		kgo.SeedBrokers(c.BootstrapServers...),
		kgo.ClientID("headgate"),
		kgo.SoftwareNameAndVersion("headgate", "1"),
	}
	if usesTLS(c) {
		// The configuration is made once, for a key may take long to decrypt; the dialer sets the name of each broker.
		cfg, err := tlsclient.Config(c.TLS, "")
		if err != nil {
			return nil, err
		}
		opts = append(opts, kgo.Dialer(tlsDialer(cfg)))
	} else {
		opts = append(opts, kgo.DialTimeout(dialTimeout))
	}
	if usesSASL(c) {
		m, err := mechanism(c.SASL)
		if err != nil {
			return nil, err
		}
		opts = append(opts, kgo.SASL(m))
	}
	return opts, nil
}

func tlsDialer(base *tls.Config) func(ctx context.Context, network, address string) (net.Conn, error) {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		ctx, cancel := context.WithTimeout(ctx, dialTimeout)
		defer cancel()
		host, _, err := net.SplitHostPort(address)
		if err != nil {
			return nil, fmt.Errorf("split broker address: %w", err)
		}
		cfg := base.Clone()
		cfg.ServerName = host
		return (&tls.Dialer{NetDialer: &net.Dialer{}, Config: cfg}).DialContext(ctx, network, address)
	}
}

// NewClient makes a client for a connection. The caller closes it.
func NewClient(target *connection.Target, extra ...kgo.Opt) (*kgo.Client, error) {
	c, err := Of(target)
	if err != nil {
		return nil, err
	}
	opts, err := Options(c)
	if err != nil {
		return nil, fmt.Errorf("connection %s: %w", target.Name, err)
	}
	client, err := kgo.NewClient(append(opts, extra...)...)
	if err != nil {
		return nil, fmt.Errorf("make client of connection %s: %w", target.Name, err)
	}
	return client, nil
}

// Fresh makes kadm ask the brokers for metadata instead of using what it heard within MetadataMinAge: kadm takes the
// cache unless authorized operations are wanted too. A topic that was just created is missing from the cache.
func Fresh(ctx context.Context) context.Context { return kadm.WithAuthorizedOps(ctx) }

// Admins keeps one administrative client per connection, and makes a new one when the connection changed.
type Admins struct {
	requests *prometheus.CounterVec

	mu   sync.Mutex
	open map[string]*openAdmin
}

type openAdmin struct {
	generation int64
	raw        *kgo.Client
	client     *kadm.Client
	leases     int
	retired    bool // closed with its last lease
}

// NewAdmins makes an empty set.
func NewAdmins() *Admins {
	requests := prometheus.CounterOpts{Name: "headgate_kafka_requests_total", Help: "Administrative requests to the brokers of a connection, by their name in Kafka's protocol."}
	return &Admins{requests: prometheus.NewCounterVec(requests, []string{"connection", "request"}), open: map[string]*openAdmin{}}
}

// Requests counts what the clients ask.
func (a *Admins) Requests() prometheus.Collector { return a.requests }

// counting counts the requests of a connection.
type counting struct{ requests *prometheus.CounterVec }

var _ kgo.HookBrokerWrite = counting{}

// OnBrokerWrite implements [kgo.HookBrokerWrite].
func (c counting) OnBrokerWrite(_ kgo.BrokerMetadata, key int16, _ int, _, _ time.Duration, _ error) {
	c.requests.WithLabelValues(kmsg.NameForKey(key)).Inc()
}

// Admin answers the client of a connection, for one request; it stays the set's to close.
func (a *Admins) Admin(target *connection.Target) (*kadm.Client, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	one, err := a.current(target)
	if err != nil {
		return nil, err
	}
	return one.client, nil
}

// Client is the client below [Admins.Admin], for requests that kadm has no words for; it stays the set's to close.
func (a *Admins) Client(target *connection.Target) (*kgo.Client, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	one, err := a.current(target)
	if err != nil {
		return nil, err
	}
	return one.raw, nil
}

// Lease answers the client of a connection and keeps it open until release, even when the connection changes: who
// drains after a change still commits with it.
func (a *Admins) Lease(target *connection.Target) (client *kadm.Client, release func(), err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	one, err := a.current(target)
	if err != nil {
		return nil, nil, err
	}
	one.leases++
	return one.client, sync.OnceFunc(func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		one.leases--
		one.closeIfUnused()
	}), nil
}

func (a *Admins) current(target *connection.Target) (*openAdmin, error) {
	if have := a.open[target.Name]; have != nil && have.generation == target.Generation {
		return have, nil
	}
	requests, err := a.requests.CurryWith(prometheus.Labels{"connection": target.Name})
	if err != nil {
		return nil, fmt.Errorf("count the requests of connection %s: %w", target.Name, err)
	}
	client, err := NewClient(target, kgo.WithHooks(counting{requests}), kgo.RequestRetries(3), kgo.RetryTimeout(15*time.Second), kgo.MetadataMinAge(time.Second))
	if err != nil {
		return nil, err
	}
	a.retire(target.Name)
	admin := kadm.NewClient(client)
	admin.SetTimeoutMillis(15000)
	one := &openAdmin{generation: target.Generation, raw: client, client: admin}
	a.open[target.Name] = one
	return one, nil
}

func (a *Admins) retire(name string) {
	have := a.open[name]
	if have == nil {
		return
	}
	delete(a.open, name)
	have.retired = true
	have.closeIfUnused()
}

func (o *openAdmin) closeIfUnused() {
	if o.retired && o.leases == 0 {
		o.client.Close()
	}
}

// Forget closes the client of a connection that was changed or deleted, once nobody holds it.
func (a *Admins) Forget(name string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.retire(name)
	a.requests.DeletePartialMatch(prometheus.Labels{"connection": name})
}

// Close closes all clients.
func (a *Admins) Close() {
	a.mu.Lock()
	defer a.mu.Unlock()
	for name := range a.open {
		a.retire(name)
	}
}
