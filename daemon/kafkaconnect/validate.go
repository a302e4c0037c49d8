package kafkaconnect

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/headgate/terraform-provider-headgate/daemon/connection/kafkaconnect"
	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/internal/spec"
)

// verdict is what a cluster says of a configuration.
type verdict struct {
	Configs []struct {
		Definition *definition `json:"definition"`
		Value      struct {
			Name   string   `json:"name"`
			Errors []string `json:"errors"`
		} `json:"value"`
	} `json:"configs"`
}

// validate has the cluster check a whole configuration. What depends on values that are not known yet is left out.
func (w *write) validate(ctx context.Context) error {
	if !w.knows("/config") || !w.knows(spec.Join("/config", classKey)) {
		return nil
	}
	class := w.full[classKey]
	plugins, err := w.c.list(ctx)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(plugins, func(p pluginAnswer) bool { return p.called(class) }) {
		return api.Invalid(spec.Join("/config", classKey), fmt.Sprintf("The cluster has no connector plugin %q", class), pluginsThere(w.c.name, plugins), installRemedy)
	}
	asked := maps.Clone(w.full)
	asked[nameKey] = w.name
	maps.DeleteFunc(asked, func(key, _ string) bool { return !w.knowsKey(key) })
	var v verdict
	if err := w.c.client.Do(ctx, http.MethodPut, "/connector-plugins/"+url.PathEscape(class)+"/config/validate", asked, &v); err != nil {
		return w.notValidated(err)
	}
	return joined(append(w.misplaced(v), w.refusals(v)...))
}

// notValidated is an error of the plugin itself: many open a connection to check their configuration, and fail with it.
func (w *write) notValidated(err error) error {
	if s := kafkaconnect.Status(err); s != http.StatusBadRequest && s != http.StatusInternalServerError || len(w.Unknown) > 0 {
		return w.c.failure(fmt.Sprintf("check the configuration of connector %q", w.name), w.hidden(err))
	}
	return api.Invalid("/config", "The plugin cannot check the configuration", fmt.Sprintf("Through connection %q, Kafka Connect says: %s.", w.c.name, strings.TrimSuffix(w.hidden(err).Error(), ".")),
		"Correct the configuration, and see the log of the Kafka Connect workers.")
}

// misplaced finds secrets where they would be shown.
func (w *write) misplaced(v verdict) []api.Error {
	types := map[string]string{}
	for _, c := range v.Configs {
		if c.Definition != nil {
			types[c.Value.Name] = c.Definition.Type
		}
	}
	var all []api.Error
	for _, key := range sortedKeys(w.Config) {
		t, defined := types[key]
		hide, why := t == "PASSWORD", "The plugin says so: it is of type PASSWORD."
		if !defined {
			hide, why = looksSecret(key), "Its name says so, and no plugin defines it."
		}
		if hide && w.knowsKey(key) && !isReference(w.Config[key]) {
			all = append(all, *api.Invalid(spec.Join("/config", key), fmt.Sprintf("The value of %q is secret", key), why,
				fmt.Sprintf("Move %q to sensitive_config_wo, which is never stored in plans or state, and set sensitive_config_wo_version. Or refer to it with a config provider of the workers, such as ${file:/run/secrets/db:password}.", key)))
		}
	}
	return all
}

// refusals are the errors of the cluster, each on its key.
func (w *write) refusals(v verdict) []api.Error {
	hide := hider(w.hide)
	var all []api.Error
	for _, c := range v.Configs {
		key := c.Value.Name
		if len(c.Value.Errors) == 0 || !w.knowsKey(key) {
			continue
		}
		said := c.Value.Errors[0]
		if len(w.Unknown) > 0 && !aboutOneKey(said) {
			continue // it may be about a value that is not known yet
		}
		said = strings.TrimSuffix(hide.Replace(said), ".") + "."
		if value := w.hide[key]; value != "" && strings.Contains(said, value) {
			said = "The value is not valid."
		}
		all = append(all, *api.Invalid(w.pointer(key), fmt.Sprintf("%q is not valid", key), said, ""))
	}
	return all
}

// aboutOneKey says whether an error is one of Kafka's own checks of single keys, and no plugin's of several together.
func aboutOneKey(said string) bool {
	return strings.HasPrefix(said, "Invalid value ") || strings.HasPrefix(said, "Missing required configuration ")
}

// pointer is where a key is, or would be, in the request.
func (w *write) pointer(key string) string {
	_, plain := w.Config[key]
	_, secret := w.secretsGiven()[key]
	secret = secret || w.have != nil && w.have.sensitive[key]
	switch {
	case key == nameKey:
		return "/name"
	case secret && !plain:
		return spec.Join("/sensitive_config", key)
	}
	return spec.Join("/config", key)
}

func joined(all []api.Error) error {
	if len(all) == 0 {
		return nil
	}
	first := all[0]
	first.More = all[1:]
	return &first
}
