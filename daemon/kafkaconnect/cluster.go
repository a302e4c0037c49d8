package kafkaconnect

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/headgate/terraform-provider-headgate/daemon/connection/kafkaconnect"
	"github.com/headgate/terraform-provider-headgate/daemon/store"
	"github.com/headgate/terraform-provider-headgate/internal/api"
)

// cluster is a Kafka Connect cluster.
type cluster struct {
	name   string // of the connection
	client *kafkaconnect.Client

	mu      sync.Mutex
	plugins map[string]cachedPlugin // definitions by class

	listing sync.Mutex // held while the list is read, so that it is read once
	listed  *listing
}

func newCluster(name string, client *kafkaconnect.Client) *cluster {
	return &cluster{name: name, client: client, plugins: map[string]cachedPlugin{}}
}

// found is a connector as the cluster has it, secrets included. It is never answered or logged as it is.
type found struct {
	name      string
	config    map[string]string // without name, and without own once that is known
	own       map[string]string // what the cluster itself added when it was last written from here
	status    statusAnswer
	kept      store.KafkaConnector
	restart   *api.KafkaRestartPolicy
	sensitive map[string]bool
}

func connectorPath(name string) string { return "/connectors/" + url.PathEscape(name) }

// find reads a connector; nil when the cluster's own list shows that it is absent. A 404 alone proves nothing: a worker
// that is starting answers it to everything.
func (c *cluster) find(ctx context.Context, name string) (*found, error) {
	config, err := c.config(ctx, name)
	if err != nil || config == nil {
		return nil, err
	}
	f := &found{name: name, config: config}
	err = c.client.Do(ctx, http.MethodGet, connectorPath(name)+"/status", nil, &f.status)
	if kafkaconnect.Status(err) == http.StatusNotFound {
		// It has none until a worker has it.
		f.status.Connector.State, err = "UNASSIGNED", nil
	}
	if err != nil {
		return nil, c.failure(fmt.Sprintf("read connector %q", name), err)
	}
	return f, nil
}

// config reads a configuration as the cluster shows it, without name; nil when the connector is proven absent.
func (c *cluster) config(ctx context.Context, name string) (map[string]string, error) {
	var shown map[string]*string
	err := c.client.Do(ctx, http.MethodGet, connectorPath(name)+"/config", nil, &shown)
	if kafkaconnect.Status(err) == http.StatusNotFound {
		return nil, c.absent(ctx, name)
	}
	if err != nil {
		return nil, c.failure(fmt.Sprintf("read connector %q", name), err)
	}
	return withoutName(shown), nil
}

// absent answers nil when the list of connectors shows that a connector is not there.
func (c *cluster) absent(ctx context.Context, name string) error {
	var names []string
	if err := c.client.Do(ctx, http.MethodGet, "/connectors", nil, &names); err != nil {
		return c.failure("list the connectors", err)
	}
	if slices.Contains(names, name) {
		return c.failure(fmt.Sprintf("read connector %q", name), errors.New("the worker lists it and says that it does not exist"))
	}
	return nil
}

// all reads all connectors in one request, by name.
func (c *cluster) all(ctx context.Context) ([]*found, error) {
	var answer map[string]struct {
		Info struct {
			Config map[string]*string `json:"config"`
		} `json:"info"`
		Status *statusAnswer `json:"status"`
	}
	if err := c.client.Do(ctx, http.MethodGet, "/connectors?expand=info&expand=status", nil, &answer); err != nil {
		return nil, c.failure("list the connectors", err)
	}
	list := make([]*found, 0, len(answer))
	for _, name := range slices.Sorted(maps.Keys(answer)) {
		one := answer[name]
		if one.Info.Config == nil {
			continue // deleted while it was listed
		}
		f := &found{name: name, config: withoutName(one.Info.Config)}
		f.status.Connector.State = "UNASSIGNED"
		if one.Status != nil {
			f.status = *one.Status
		}
		list = append(list, f)
	}
	return list, nil
}

// withoutName is a configuration without its name, and without keys that have no value.
func withoutName(shown map[string]*string) map[string]string {
	config := make(map[string]string, len(shown))
	for key, value := range shown {
		if value != nil && key != nameKey {
			config[key] = *value
		}
	}
	return config
}

// remove deletes a connector and waits until the cluster no longer lists it.
func (c *cluster) remove(ctx context.Context, name string) error {
	doing := fmt.Sprintf("delete connector %q", name)
	err := c.client.Do(ctx, http.MethodDelete, connectorPath(name), nil, nil)
	if err != nil && kafkaconnect.Status(err) != http.StatusNotFound {
		return c.failure(doing, err)
	}
	for {
		var names []string
		if err := c.client.Do(ctx, http.MethodGet, "/connectors", nil, &names); err != nil {
			return c.failure(doing, err)
		}
		if !slices.Contains(names, name) {
			return nil
		}
		if err := sleep(ctx, pollEvery); err != nil {
			return c.failure(doing, errors.New("the workers still list it"))
		}
	}
}

// setState pauses, stops or resumes a connector.
func (c *cluster) setState(ctx context.Context, name, state string) error {
	action := map[string]string{api.StateRunning: "resume", api.StatePaused: "pause", api.StateStopped: "stop"}[state]
	if err := c.client.Do(ctx, http.MethodPut, connectorPath(name)+"/"+action, nil, nil); err != nil {
		return c.failure(fmt.Sprintf("%s connector %q", action, name), err)
	}
	return nil
}

// open is the part of a configuration that may be shown.
func (f *found) open() map[string]string {
	shown := maps.Clone(f.config)
	maps.DeleteFunc(shown, func(key, _ string) bool { return f.sensitive[key] })
	return shown
}

// secrets is the part that may not.
func (f *found) secrets() map[string]string {
	hidden := maps.Clone(f.config)
	maps.DeleteFunc(hidden, func(key, _ string) bool { return !f.sensitive[key] })
	return hidden
}

// concealed is everything that must not be said, what the cluster itself added included. A mask is no secret.
func (f *found) concealed() map[string]string {
	all := f.whole()
	maps.DeleteFunc(all, func(key, value string) bool { return !f.sensitive[key] || isMask(value) })
	return all
}

// whole is the configuration with what the cluster itself added.
func (f *found) whole() map[string]string {
	all := maps.Clone(f.config)
	maps.Copy(all, f.own)
	return all
}

// state is what the connector should be doing. Kafka Connect shows it as long as it does so.
func (f *found) state() string {
	switch own := stateOf(f.status.Connector.State); own {
	case api.StatePaused, api.StateStopped:
		return own
	}
	return api.StateRunning
}

// generation changes with everything that may be shown. The secrets themselves are left out: what is made of them could
// be tried out.
func (f *found) generation() string {
	raw, err := json.Marshal([]any{f.open(), slices.Sorted(maps.Keys(f.secrets())), f.state(), f.restart})
	if err != nil {
		return "" // maps of strings can be encoded
	}
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:12])
}

// failure says that something could not be asked of a cluster: nothing is known then, least of all that a connector is absent.
func (c *cluster) failure(doing string, err error) error {
	var ready *api.Error
	if errors.Is(err, context.Canceled) || errors.As(err, &ready) {
		return err
	}
	remedy := fmt.Sprintf("Check that the workers are up, and test connection %q.", c.name)
	switch kafkaconnect.Status(err) {
	case http.StatusUnauthorized:
		remedy = fmt.Sprintf("Check the credentials of connection %q.", c.name)
	case http.StatusForbidden:
		remedy = "Allow the connection's user to do this on the Kafka Connect cluster."
	case http.StatusConflict:
		remedy = "The workers rebalance: wait until they have settled, and repeat."
	}
	return api.Upstream(api.CodeConnection, "/connection", "Cannot "+doing, fmt.Sprintf("Through connection %q: %s.", c.name, strings.TrimSuffix(err.Error(), ".")), remedy)
}
