package topicset

import (
	"maps"
	"slices"

	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/internal/spec"
)

// planned is what a configuration asks for: every entry with all its values, from the defaults where it has none itself.
func planned(config, prior *set) *set {
	plan := config.with(make(map[string]entry, len(config.topics)))
	for name, e := range config.topics {
		if !e.unknown {
			e = e.with(config.defaults.settings, prior.entry(name))
		}
		plan.topics[name] = e
	}
	if prior.imported() && plan.means(prior) {
		plan.defaults, plan.topics = prior.defaults, prior.topics
	}
	return plan
}

// imported says whether state has the set as it was imported: with defaults that say nothing. Terraform takes another value
// for what is configured only where state had one before.
func (s *set) imported() bool {
	return s != nil && s.defaults.given && s.defaults.settings.equal(settings{})
}

// means says whether two sets ask for the same topics, whatever comes from the defaults.
func (s *set) means(other *set) bool {
	if s.unknown || len(s.topics) != len(other.topics) {
		return false
	}
	for name, e := range s.topics {
		was, ok := other.topics[name]
		if !ok || !e.means(s.defaults.settings, was, other.defaults.settings) {
			return false
		}
	}
	return true
}

func (e entry) means(d settings, other entry, otherDefaults settings) bool {
	if e.unknown || e.description.unknown || e.description.v != other.description.v || !sameRetention(e.retention.v, other.retention.v) ||
		e.partitions != other.partitions || e.replicas != other.replicas || e.protection != other.protection {
		return false
	}
	config, otherConfig := e.config.over(d.config).without(api.RetentionConfig), other.config.over(otherDefaults.config).without(api.RetentionConfig) // it shows as retention
	return config.means(otherConfig, api.SameConfig) && e.labels.over(d.labels).means(other.labels.over(otherDefaults.labels), equalTexts)
}

func equalTexts(a, b string) bool { return a == b }

// entry is one of a set; the zero value where there is none.
func (s *set) entry(name string) entry {
	if s == nil {
		return entry{}
	}
	return s.topics[name]
}

// equal says whether two sets are the same, word for word.
func (s *set) equal(other *set) bool {
	return other != nil && s.connection == other.connection && s.adopt == other.adopt && s.throttle == other.throttle && s.timeouts == other.timeouts && s.unknown == other.unknown && s.defaults.equal(other.defaults) &&
		maps.EqualFunc(s.topics, other.topics, entry.equal)
}

// with fills in what an entry does not say.
func (e entry) with(d settings, prior entry) entry {
	e.retention = e.planRetention(d, prior)
	e.partitions = e.partitions.or(d.partitions).or(known[int64](api.DefaultPartitions))
	e.replicas = e.replicas.or(d.replicas).or(known[int64](api.DefaultReplicationFactor))
	e.protection = e.protection.or(d.protection).or(known(true))
	return e
}

// planRetention takes the nearest retention: in words before Kafka's own, the entry's before that of the defaults.
func (e entry) planRetention(d settings, prior entry) opt[string] {
	if e.retention.given || e.retention.unknown {
		return e.retention
	}
	nearest := e.config.retention().or(d.retention).or(d.config.retention()).or(known(api.DefaultRetention))
	// What means the same stays as it is written.
	if nearest.given && sameRetention(nearest.v, prior.retention.v) {
		return prior.retention
	}
	return nearest
}

// retention is Kafka's own config for it, in words.
func (t texts) retention() opt[string] {
	if t.unknown {
		return opt[string]{unknown: true}
	}
	millis := t.m[api.RetentionConfig]
	if !millis.given {
		return millis
	}
	return known(spec.RetentionText(millis.v))
}

func sameRetention(a, b string) bool {
	millis, err := spec.RetentionMillis(a)
	return err == nil && spec.SameRetention(b, millis)
}

// write makes the request for an entry. What prior declared and the entry does not is taken back.
func (e entry) write(d settings, prior entry, priorDefaults settings) api.TopicWrite {
	config, labels := e.config.over(d.config), e.labels.over(d.labels)
	w := api.TopicWrite{
		Partitions: e.partitions.v, ReplicationFactor: e.replicas.v, Description: e.description.v,
		Config: map[string]string{}, Labels: map[string]string{},
	}
	if e.protection.given {
		w.DeletionProtection = &e.protection.v
	}
	for pointer, unknown := range map[string]bool{
		"/partitions": e.partitions.unknown, "/replication_factor": e.replicas.unknown, "/description": e.description.unknown,
		"/deletion_protection": e.protection.unknown, "/config": config.unknown, "/labels": labels.unknown,
	} {
		if unknown {
			w.Unknown = append(w.Unknown, pointer)
		}
	}
	config.m[api.RetentionConfig] = e.retentionMillis()
	fill(w.Config, config, "/config", &w.Unknown)
	fill(w.Labels, labels, "/labels", &w.Unknown)
	slices.Sort(w.Unknown)
	for key := range prior.config.over(priorDefaults.config).m {
		if _, still := config.m[key]; !still && !config.unknown {
			w.Unset = append(w.Unset, key)
		}
	}
	slices.Sort(w.Unset)
	return w
}

func (e entry) retentionMillis() opt[string] {
	if !e.retention.given {
		return e.retention
	}
	millis, err := spec.RetentionMillis(e.retention.v)
	if err != nil {
		return opt[string]{} // refused when the configuration was validated
	}
	return known(millis)
}

func fill(into map[string]string, from texts, pointer string, unknown *[]string) {
	for key, value := range from.m {
		switch {
		case value.unknown:
			*unknown = append(*unknown, spec.Join(pointer, key))
		case value.given:
			into[key] = value.v
		}
	}
}

// differs says whether an entry asks for anything else than before. Defaults may reach it without showing in it.
func (e entry) differs(d settings, prior entry, priorDefaults settings, sameDefaults bool) bool {
	if !e.equal(prior) {
		return true
	}
	if sameDefaults {
		return false
	}
	return !e.config.over(d.config).equal(prior.config.over(priorDefaults.config)) || !e.labels.over(d.labels).equal(prior.labels.over(priorDefaults.labels))
}

// keeping is an entry that says itself what defaults say that are about to go, for a topic that still has it from them: the
// next plan takes back what is no longer declared.
func (e entry) keeping(d settings) entry {
	e.config, e.labels = e.config.and(texts{m: d.config.m}.without(api.RetentionConfig)), e.labels.and(d.labels) // it shows as retention
	return e
}

// now is an entry as its topic is. An imported one has declared nothing yet: it takes all configs that are set on the topic.
func (e entry) now(t *api.Topic, d settings, imported bool) entry {
	millis := t.InForce(api.RetentionConfig)
	if millis != "" && !spec.SameRetention(e.retention.v, millis) {
		e.retention = known(spec.RetentionText(millis))
	}
	e.partitions, e.replicas, e.protection = known(t.Partitions), known(t.ReplicationFactor), known(t.DeletionProtection)
	if t.Description != e.description.v {
		e.description = known(t.Description)
	}
	e.labels = drifted(e.labels, d.labels, t.Labels, equalTexts)
	if imported {
		own := maps.Clone(t.Config)
		delete(own, api.RetentionConfig)
		e.config = texts{}
		if len(own) > 0 {
			e.config = textsOf(own)
		}
		return e
	}
	declared := map[string]string{}
	for key := range e.config.over(d.config).m {
		if _, own := e.config.m[key]; own || key != api.RetentionConfig { // as a default it shows as retention
			declared[key] = t.InForce(key)
		}
	}
	e.config = drifted(e.config, d.config, declared, api.SameConfig)
	return e
}

// drifted is what an entry declares, changed where things are different now. What comes from the defaults shows in the
// entry only when it is not as they say.
func drifted(own, byDefault texts, now map[string]string, same func(a, b string) bool) texts {
	want := own.over(byDefault)
	shown := map[string]opt[string]{}
	for key, value := range now {
		have, declared := own.m[key]
		wanted := want.m[key]
		switch {
		case declared && have.given && same(have.v, value):
			shown[key] = have
		case declared, !wanted.given || !same(wanted.v, value):
			shown[key] = known(value)
		}
	}
	for key, value := range own.m {
		if !value.given { // a null declares nothing, and stays
			shown[key] = value
		}
	}
	if len(shown) == 0 && len(own.m) == 0 {
		return own
	}
	return texts{opt: known(true), m: shown}
}

// complete fills what a plan left open.
func (e entry) complete(t *api.Topic) entry {
	if e.retention.unknown {
		e.retention = known(spec.RetentionText(t.InForce(api.RetentionConfig)))
	}
	if e.partitions.unknown {
		e.partitions = known(t.Partitions)
	}
	if e.replicas.unknown {
		e.replicas = known(t.ReplicationFactor)
	}
	if e.protection.unknown {
		e.protection = known(t.DeletionProtection)
	}
	return e
}

// effectiveNames are the configs in force that a set needs to know of its topics.
func (s *set) effectiveNames() []string {
	names := map[string]bool{api.RetentionConfig: true}
	for key := range s.defaults.config.m {
		names[key] = true
	}
	for _, e := range s.topics {
		for key := range e.config.m {
			names[key] = true
		}
	}
	return slices.Sorted(maps.Keys(names))
}
