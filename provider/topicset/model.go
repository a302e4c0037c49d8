package topicset

import (
	"fmt"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

// set is the resource as it is configured, planned or in state.
type set struct {
	connection opt[string]
	adopt      opt[bool]
	throttle   opt[string]
	timeouts   timeouts
	defaults   defaults
	// topics are the entries; unknown while the map as a whole is not known.
	topics  map[string]entry
	unknown bool
}

// with is the set with other topics.
func (s *set) with(topics map[string]entry) *set {
	other := *s
	other.topics = topics
	return &other
}

// either is what is planned, or where everything goes what is there.
func either(plan, prior *set) *set {
	if plan == nil {
		return prior
	}
	return plan
}

// timeouts are how long to wait for replicas.
type timeouts struct {
	opt[bool]      // whether they are there
	create, update opt[string]
}

// settings are what the defaults and an entry both have.
type settings struct {
	partitions, replicas opt[int64]
	retention            opt[string]
	protection           opt[bool]
	config, labels       texts
}

func (s settings) equal(other settings) bool {
	return s.partitions == other.partitions && s.replicas == other.replicas && s.retention == other.retention && s.protection == other.protection &&
		s.config.equal(other.config) && s.labels.equal(other.labels)
}

type defaults struct {
	opt[bool] // whether they are there
	settings
}

func (d defaults) equal(other defaults) bool {
	return d.opt == other.opt && d.settings.equal(other.settings)
}

type entry struct {
	settings
	description opt[string]
	unknown     bool // as a whole
	null        bool
}

func (e entry) equal(other entry) bool {
	return e.settings.equal(other.settings) && e.description == other.description && e.unknown == other.unknown
}

// decode reads a value of the resource; nil is null.
func decode(from *tfprotov6.DynamicValue) (*set, error) {
	if from == nil {
		return nil, nil
	}
	value, err := from.Unmarshal(setType)
	if err != nil {
		return nil, fmt.Errorf("decode value: %w", err)
	}
	if value.IsNull() {
		return nil, nil
	}
	r := &reader{}
	attributes := r.object(value)
	s := &set{
		connection: r.text(attributes[attrConnection]), adopt: r.boolean(attributes[attrAdopt]),
		throttle: r.text(attributes[attrThrottle]), timeouts: r.timeouts(attributes[attrTimeouts]),
		defaults: r.defaults(attributes[attrDefaults]), unknown: !attributes[attrTopics].IsKnown(),
	}
	topics := r.object(attributes[attrTopics])
	s.topics = make(map[string]entry, len(topics))
	for name, topic := range topics {
		s.topics[name] = r.entry(topic)
	}
	return s, r.err
}

func (r *reader) timeouts(from tftypes.Value) timeouts {
	t := timeouts{opt: as(r, from, func() (bool, error) { return true, nil })}
	if t.given {
		attributes := r.object(from)
		t.create, t.update = r.text(attributes[attrCreate]), r.text(attributes[attrUpdate])
	}
	return t
}

func (r *reader) defaults(from tftypes.Value) defaults {
	d := defaults{opt: as(r, from, func() (bool, error) { return true, nil })}
	if d.given {
		d.settings = r.settings(r.object(from))
	}
	if d.unknown {
		d.settings = unknownSettings
	}
	return d
}

var unknownSettings = settings{
	partitions: opt[int64]{unknown: true}, replicas: opt[int64]{unknown: true}, retention: opt[string]{unknown: true}, protection: opt[bool]{unknown: true},
	config: texts{opt: opt[bool]{unknown: true}}, labels: texts{opt: opt[bool]{unknown: true}},
}

func (r *reader) settings(attributes map[string]tftypes.Value) settings {
	return settings{
		partitions: r.number(attributes[attrPartitions]), replicas: r.number(attributes[attrReplication]), retention: r.text(attributes[attrRetention]),
		protection: r.boolean(attributes[attrProtection]), config: r.texts(attributes[attrConfig]), labels: r.texts(attributes[attrLabels]),
	}
}

func (r *reader) entry(from tftypes.Value) entry {
	if !from.IsKnown() {
		return entry{settings: unknownSettings, description: opt[string]{unknown: true}, unknown: true}
	}
	attributes := r.object(from)
	if attributes == nil {
		return entry{null: true}
	}
	return entry{settings: r.settings(attributes), description: r.text(attributes[attrDescription])}
}

// encode makes Terraform's value of the resource.
func (s *set) encode() (*tfprotov6.DynamicValue, error) {
	value := tftypes.NewValue(setType, nil)
	if s != nil {
		value = tftypes.NewValue(setType, map[string]tftypes.Value{
			attrConnection: raw(tftypes.String, s.connection), attrAdopt: raw(tftypes.Bool, s.adopt),
			attrThrottle: raw(tftypes.String, s.throttle), attrTimeouts: s.timeouts.encode(),
			attrDefaults: s.defaults.encode(), attrTopics: s.encodeTopics(),
		})
	}
	encoded, err := tfprotov6.NewDynamicValue(setType, value)
	if err != nil {
		return nil, fmt.Errorf("encode value: %w", err)
	}
	return &encoded, nil
}

func (s *set) encodeTopics() tftypes.Value {
	typ := tftypes.Map{ElementType: entryType}
	if s.unknown {
		return tftypes.NewValue(typ, tftypes.UnknownValue)
	}
	topics := make(map[string]tftypes.Value, len(s.topics))
	for name, e := range s.topics {
		topics[name] = e.encode()
	}
	return tftypes.NewValue(typ, topics)
}

func (t timeouts) encode() tftypes.Value {
	if !t.given {
		return raw(timeoutsType, t.opt)
	}
	return tftypes.NewValue(timeoutsType, map[string]tftypes.Value{attrCreate: raw(tftypes.String, t.create), attrUpdate: raw(tftypes.String, t.update)})
}

func (d defaults) encode() tftypes.Value {
	if !d.given {
		return raw(defaultsType, d.opt)
	}
	return tftypes.NewValue(defaultsType, d.settings.encode())
}

func (e entry) encode() tftypes.Value {
	if e.unknown {
		return tftypes.NewValue(entryType, tftypes.UnknownValue)
	}
	attributes := e.settings.encode()
	attributes[attrDescription] = raw(tftypes.String, e.description)
	return tftypes.NewValue(entryType, attributes)
}

func (s settings) encode() map[string]tftypes.Value {
	return map[string]tftypes.Value{
		attrPartitions: raw(tftypes.Number, s.partitions), attrReplication: raw(tftypes.Number, s.replicas), attrRetention: raw(tftypes.String, s.retention),
		attrProtection: raw(tftypes.Bool, s.protection), attrConfig: rawTexts(s.config), attrLabels: rawTexts(s.labels),
	}
}
