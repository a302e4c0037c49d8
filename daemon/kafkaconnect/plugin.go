package kafkaconnect

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/headgate/terraform-provider-headgate/daemon/connection/kafkaconnect"
	"github.com/headgate/terraform-provider-headgate/internal/api"
)

// pluginAge is how long the definitions of a plugin are kept: they change with an upgrade of the workers only.
const pluginAge = time.Minute

// The keys of every connector's configuration that are written about here.
const (
	classKey = "connector.class"
	nameKey  = "name"
)

// definition is a key of a plugin's configuration.
type definition struct {
	Name       string  `json:"name"`
	Type       string  `json:"type"`
	Required   bool    `json:"required"`
	Default    *string `json:"default_value"`
	Importance string  `json:"importance"`
	Group      *string `json:"group"`
	Doc        string  `json:"documentation"`
}

type cachedPlugin struct {
	at   time.Time
	keys []definition // nil: the cluster has no such plugin
}

// definitions are the keys that a plugin knows; nil when the cluster does not have it.
func (c *cluster) definitions(ctx context.Context, class string) ([]definition, error) {
	c.mu.Lock()
	have, ok := c.plugins[class]
	c.mu.Unlock()
	if ok && time.Since(have.at) < pluginAge {
		return have.keys, nil
	}
	var keys []definition
	err := c.client.Do(ctx, http.MethodGet, "/connector-plugins/"+url.PathEscape(class)+"/config", nil, &keys)
	if err != nil && !unknownPlugin(err) {
		return nil, c.failure(fmt.Sprintf("read what plugin %q knows", class), err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.plugins[class] = cachedPlugin{time.Now(), keys}
	return keys, nil
}

// unknownPlugin says whether a worker itself answered that it has no such plugin, or none of a kind that has a configuration.
func unknownPlugin(err error) bool {
	s := kafkaconnect.Status(err)
	return s == http.StatusNotFound && !strings.HasPrefix(err.Error(), "the worker is starting") || s == http.StatusBadRequest
}

// sensitive finds the keys of a configuration whose values are secret. declared were said to be.
func (c *cluster) sensitive(ctx context.Context, config map[string]string, declared []string) (map[string]bool, error) {
	types, known, err := c.types(ctx, config)
	if err != nil {
		return nil, err
	}
	secret := map[string]bool{}
	for key, value := range config {
		t, defined := types[key]
		switch {
		case slices.Contains(declared, key):
			secret[key] = true
		case isReference(value):
		case defined:
			secret[key] = t == "PASSWORD"
		case !known:
			// Nobody can tell what is secret in the configuration of a plugin that is gone.
			secret[key] = !strings.HasPrefix(key, "connector.") && key != "tasks.max" && key != "topics"
		default:
			secret[key] = looksSecret(key)
		}
		if !secret[key] {
			delete(secret, key)
		}
	}
	return secret, nil
}

// types are the types of the keys that the plugins in a configuration define; known says whether the connector's own does.
func (c *cluster) types(ctx context.Context, config map[string]string) (types map[string]string, known bool, err error) {
	types = map[string]string{}
	own, err := c.definitions(ctx, config[classKey])
	if err != nil {
		return nil, false, err
	}
	for _, d := range own {
		types[d.Name] = d.Type
	}
	for key, class := range config {
		prefix, ok := component(key)
		if !ok {
			continue
		}
		defined, err := c.definitions(ctx, class)
		if err != nil {
			return nil, false, err
		}
		for _, d := range defined {
			types[prefix+d.Name] = d.Type
		}
	}
	return types, own != nil, nil
}

// component says whether a key names the class of a converter, a transformation or a predicate, and what the keys of its
// configuration begin with.
func component(key string) (prefix string, ok bool) {
	switch key {
	case "key.converter", "value.converter", "header.converter":
		return key + ".", true
	}
	if prefix, ok = strings.CutSuffix(key, "type"); ok && (strings.HasPrefix(key, "transforms.") || strings.HasPrefix(key, "predicates.")) {
		return prefix, strings.HasSuffix(prefix, ".")
	}
	return "", false
}

// reference is a value that a config provider of the workers fills in, such as ${file:/run/secrets/db:password}.
var reference = regexp.MustCompile(`^\$\{[^}:]+:[^}]+\}$`)

func isReference(value string) bool { return reference.MatchString(value) }

var (
	secretName   = regexp.MustCompile(`(?i)(^|[._-])(password|passwd|passphrase|secret|token|jaas[._-]config|api[._-]?key|private[._-]?key|access[._-]?key|user[._-]info)([._-]|$)`)
	secretEnding = regexp.MustCompile(`(?i)([._-]credentials?|ssl\.keystore\.key|ssl\.keystore\.certificate\.chain|ssl\.truststore\.certificates)$`)
)

// looksSecret judges a key that no plugin defines by its name.
func looksSecret(key string) bool {
	return secretName.MatchString(key) || secretEnding.MatchString(key)
}

// pluginAnswer is a plugin in a worker's list.
type pluginAnswer struct {
	Class   string `json:"class"`
	Type    string `json:"type"`
	Version string `json:"version"`
}

// called says whether a connector.class names the plugin: by its class, the class without its package, or that without Connector.
func (p pluginAnswer) called(name string) bool {
	simple := p.Class[strings.LastIndexByte(p.Class, '.')+1:]
	return name == p.Class || name == simple || name == strings.TrimSuffix(simple, "Connector")
}

func (c *cluster) list(ctx context.Context) ([]pluginAnswer, error) {
	var plugins []pluginAnswer
	if err := c.client.Do(ctx, http.MethodGet, "/connector-plugins", nil, &plugins); err != nil {
		return nil, c.failure("list the plugins", err)
	}
	slices.SortFunc(plugins, func(a, b pluginAnswer) int { return strings.Compare(a.Class, b.Class) })
	return plugins, nil
}

// Plugins reads the connector plugins after a cursor, by class, at most limit.
func (s *Service) Plugins(ctx context.Context, connection, after string, limit int) ([]api.KafkaConnectPlugin, error) {
	c, err := s.cluster(ctx, connection)
	if err != nil {
		return nil, err
	}
	found, err := c.list(ctx)
	if err != nil {
		return nil, err
	}
	found = slices.DeleteFunc(found, func(p pluginAnswer) bool { return p.Class <= after })
	var list []api.KafkaConnectPlugin
	for _, p := range found[:min(len(found), limit)] {
		list = append(list, api.KafkaConnectPlugin{Class: p.Class, Type: p.Type, Version: p.Version})
	}
	return list, nil
}

// Plugin reads a connector plugin with the configuration that it knows.
func (s *Service) Plugin(ctx context.Context, connection, class string) (*api.KafkaConnectPlugin, error) {
	c, err := s.cluster(ctx, connection)
	if err != nil {
		return nil, err
	}
	found, err := c.list(ctx)
	if err != nil {
		return nil, err
	}
	n := slices.IndexFunc(found, func(p pluginAnswer) bool { return p.called(class) })
	if n < 0 {
		missing := api.NotFound("Plugin", class)
		missing.Attribute, missing.Detail, missing.Remedy = "/class", pluginsThere(c.name, found), installRemedy
		return nil, missing
	}
	p := found[n]
	keys, err := c.definitions(ctx, p.Class)
	if err != nil {
		return nil, err
	}
	plugin := &api.KafkaConnectPlugin{Class: p.Class, Type: p.Type, Version: p.Version}
	for _, d := range keys {
		key := api.KafkaConnectPluginKey{Name: d.Name, Type: d.Type, Required: d.Required, Default: d.Default, Importance: d.Importance, Doc: d.Doc}
		if d.Group != nil {
			key.Group = *d.Group
		}
		plugin.Config = append(plugin.Config, key)
	}
	return plugin, nil
}

const installRemedy = "Name one of these, or install the plugin into the plugin.path of every worker and restart them."

func pluginsThere(connection string, plugins []pluginAnswer) string {
	names := make([]string, 0, len(plugins))
	for _, p := range plugins {
		names = append(names, p.Class)
	}
	return fmt.Sprintf("The cluster of connection %q has %s.", connection, strings.Join(names, ", "))
}
