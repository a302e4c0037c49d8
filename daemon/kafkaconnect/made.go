package kafkaconnect

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"time"

	"github.com/headgate/terraform-provider-headgate/daemon/store"
	"github.com/headgate/terraform-provider-headgate/internal/api"
)

// Managed services add keys of their own to what they are given, and mask what they take for secret. What a cluster made
// of our own last write is no change by someone else: it is remembered, and counts as ours as long as it stays like that.
// What it added is in its answer to the write; a look at it later may show what someone else has added since.

const (
	// settleFor is how long a configuration that is not what was written has to stay the same until that counts as the
	// cluster's own doing: a worker may be behind the one that took the write.
	settleFor = 2 * time.Second
	// lookBackTimeout bounds the look at what was made of a write.
	lookBackTimeout = 30 * time.Second
)

var (
	// masks are in values that are not shown, or not all of them: ****, ****1234, [hidden].
	masks = regexp.MustCompile(`(?i)[*•]{3,}|[\[(<{](hidden|masked|redacted|secret|sensitive|protected)[\])>}]`)
	// mask is all of a value that is not shown.
	mask = regexp.MustCompile(`(?i)^([*•]{3,}|[\[(<{](hidden|masked|redacted|secret|sensitive|protected)[\])>}])$`)
)

func isMask(value string) bool { return mask.MatchString(value) }

// isMasked says whether a mask stands in the place of a value or of a part of it. A person may well declare three asterisks
// within a value; what a cluster shows like that for a secret is none.
func isMasked(value string) bool { return masks.MatchString(value) }

// discount takes what the cluster made of our own last write out of what it shows now.
func (f *found) discount() {
	f.own = map[string]string{}
	for key, value := range f.kept.Added {
		if now, ok := f.config[key]; ok && (value == nil || *value == now) {
			f.own[key] = now
			delete(f.config, key)
		}
	}
	for key, m := range f.kept.Masked {
		if now, ok := f.config[key]; ok && now == m.Shown {
			f.config[key] = m.Declared
		}
	}
}

// lookBack remembers what the cluster made of a configuration that was written. open says which of its keys may be shown.
// Without it the next plan shows more than there is to do, so that trouble is no reason to take the write back.
func (s *Service) lookBack(ctx context.Context, w *write, wrote map[string]string, open func(key string) bool) {
	ctx, cancel := context.WithTimeout(ctx, lookBackTimeout)
	defer cancel()
	if err := s.noteMade(ctx, w, wrote, open); err != nil && s.life.Err() == nil {
		s.log.Warn("cannot tell what a cluster made of the configuration of a connector", "connection", w.c.name, "connector", w.name, "error", w.hidden(err))
	}
}

func (s *Service) noteMade(ctx context.Context, w *write, wrote map[string]string, open func(key string) bool) error {
	shown, err := w.c.settled(ctx, w.name, wrote)
	if err != nil || shown == nil {
		return err
	}
	var sensitive map[string]bool
	if !maps.Equal(shown, wrote) {
		if sensitive, err = w.c.sensitive(ctx, shown, nil); err != nil {
			return err
		}
	}
	row, err := s.store.KafkaConnector(ctx, w.c.name, w.name)
	if errors.Is(err, store.ErrNotFound) {
		return nil // it was forgotten together with its connection
	}
	if err != nil {
		return err
	}
	row.Added, row.Masked = added(w.took, wrote, shown, sensitive), masked(wrote, shown, open)
	return s.store.PutKafkaConnector(ctx, row)
}

// added are the keys that the cluster took and nobody wrote, with the values that it shows for them; nil for those of secrets,
// which are not kept. A value that is another one now, and no mask, is someone else's.
func added(took, wrote, shown map[string]string, sensitive map[string]bool) map[string]*string {
	all := map[string]*string{}
	for key, value := range took {
		now, still := shown[key]
		if _, ours := wrote[key]; ours || !still {
			continue
		}
		switch {
		case sensitive[key]:
			all[key] = nil
		case isMasked(now):
			all[key] = &now
		default:
			all[key] = &value
		}
	}
	return all
}

// masked are the declared values that the cluster shows a mask for.
func masked(wrote, shown map[string]string, open func(key string) bool) map[string]store.Masked {
	all := map[string]store.Masked{}
	for key, was := range wrote {
		if now, there := shown[key]; there && now != was && open(key) && isMasked(now) {
			all[key] = store.Masked{Declared: was, Shown: now}
		}
	}
	return all
}

// settled reads a configuration until it is what was written, or stays what it is; nil when the connector is gone.
func (c *cluster) settled(ctx context.Context, name string, wrote map[string]string) (map[string]string, error) {
	var (
		last  map[string]string
		since time.Time
	)
	for {
		shown, err := c.config(ctx, name)
		if err != nil || shown == nil || maps.Equal(shown, wrote) {
			return shown, err
		}
		if last == nil || !maps.Equal(shown, last) {
			last, since = shown, time.Now()
		}
		if time.Since(since) >= settleFor {
			return shown, nil
		}
		if err := sleep(ctx, pollEvery); err != nil {
			return nil, err
		}
	}
}

// stillMade is what is known of the cluster's doing and no matter of this write, until it is looked at again.
func (w *write) stillMade() (added map[string]*string, masked map[string]store.Masked) {
	if w.have == nil {
		return nil, nil
	}
	added, masked = maps.Clone(w.have.kept.Added), maps.Clone(w.have.kept.Masked)
	maps.DeleteFunc(added, func(key string, _ *string) bool { _, declared := w.full[key]; return declared })
	maps.DeleteFunc(masked, func(key string, m store.Masked) bool { return w.full[key] != m.Declared })
	return added, masked
}

// checkMasks refuses to write a mask in the place of the value that it hides.
func (w *write) checkMasks() error {
	if w.have == nil {
		return nil
	}
	var all []api.Error
	for _, key := range sortedKeys(w.full) {
		value := w.full[key]
		if !w.isShownMask(key, value) {
			continue
		}
		all = append(all, *api.Invalid(w.pointer(key), fmt.Sprintf("The value of %q is not known", key),
			"The cluster shows a mask in its place. Written back, the mask would become the value.", "Declare the value itself: in sensitive_config_wo if it is secret, in config otherwise."))
	}
	return joined(all)
}

// isShownMask says whether a value is what the cluster shows in the place of another.
func (w *write) isShownMask(key, value string) bool {
	if value != w.have.config[key] && value != w.have.kept.Masked[key].Shown {
		return false
	}
	return isMask(value) || w.have.sensitive[key] && isMasked(value)
}

// before is the configuration to go back to. What a mask hides nobody knows; what was declared for it now comes nearest.
func (w *write) before() map[string]string {
	config := maps.Clone(w.have.config)
	for key, value := range config {
		if declared, ok := w.full[key]; ok && w.isShownMask(key, value) {
			config[key] = declared
		}
	}
	return config
}

// lost are the keys that before cannot restore.
func (w *write) lost() []string {
	config := w.before()
	maps.DeleteFunc(config, func(key, value string) bool { return value == w.have.config[key] })
	return sortedKeys(config)
}
