package connector

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/headgate/terraform-provider-headgate/daemon/connection"
	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/internal/spec"
)

// declaration is what a connector shall be, checked and complete.
type declaration struct {
	Type     string                `json:"type"`
	Kind     string                `json:"kind"`
	Spec     json.RawMessage       `json:"spec"`
	Settings api.ConnectorSettings `json:"settings"`

	source any // Spec as the kind's struct
}

var settingsFields = spec.FieldsOf(reflect.TypeFor[api.ConnectorSettings]())

// decode makes a declaration of a request.
func (s *Service) decode(body api.ConnectorWrite) (*declaration, error) {
	if body.Type != api.TypeSource {
		return nil, api.Invalid("/type", "There is no such type of connector", "", "Use source.")
	}
	kind, ok := s.kinds.Lookup(body.Kind)
	if !ok {
		return nil, api.Invalid("/kind", "There is no such kind of source", "", "Use one of "+strings.Join(s.kinds.Names(), ", ")+".")
	}
	target, object, err := connection.DecodeSpec(kind, body.Spec, body.Unknown)
	if err != nil {
		return nil, err
	}
	settings, err := connection.DecodeObject(settingsFields, body.Settings, "/settings", body.Unknown)
	if err != nil {
		return nil, err
	}
	d := &declaration{Type: body.Type, Kind: body.Kind, source: target}
	if err := spec.Into(settings, &d.Settings); err != nil {
		return nil, err
	}
	if d.Spec, err = json.Marshal(object); err != nil {
		return nil, fmt.Errorf("encode spec: %w", err)
	}
	if err := connection.Problems(kind, s.impls[d.Kind].Check(target)); err != nil && len(body.Unknown) == 0 {
		return nil, err
	}
	return d, nil
}

// load makes a declaration of what the store has.
func (s *Service) load(raw json.RawMessage) (*declaration, error) {
	var d declaration
	if err := json.Unmarshal(raw, &d); err != nil {
		return nil, fmt.Errorf("decode stored connector: %w", err)
	}
	kind, ok := s.kinds.Lookup(d.Kind)
	if !ok {
		return nil, fmt.Errorf("stored connector is of the unknown kind %s", d.Kind)
	}
	d.source = kind.New()
	if err := json.Unmarshal(d.Spec, d.source); err != nil {
		return nil, fmt.Errorf("decode spec of stored connector: %w", err)
	}
	return &d, nil
}

func (d *declaration) encode() (json.RawMessage, error) {
	raw, err := json.Marshal(d)
	if err != nil {
		return nil, fmt.Errorf("encode connector: %w", err)
	}
	return raw, nil
}

// sameBut says whether two declarations differ in nothing but the state.
func (d *declaration) sameBut(other *declaration) bool {
	mine, theirs := *d, *other
	mine.Settings.State, theirs.Settings.State = "", ""
	a, errA := mine.encode()
	b, errB := theirs.encode()
	return errA == nil && errB == nil && string(a) == string(b)
}

// withState is the declaration in another state.
func (d *declaration) withState(state string) *declaration {
	changed := *d
	changed.Settings.State = state
	return &changed
}

// connections names the connections that the connector uses.
func (s *Service) connectionsOf(d *declaration) []string {
	names := []string{d.Settings.Destination.Connection}
	for _, ref := range s.impls[d.Kind].References(d.source) {
		if !slices.Contains(names, ref.Name) {
			names = append(names, ref.Name)
		}
	}
	return names
}

// open makes source and sink; they connect as late as they can.
func (s *Service) open(ctx context.Context, name, uid string, d *declaration, report func(int, error)) (Source, Sink, error) {
	source, err := s.impls[d.Kind].Open(ctx, SourceConfig{Name: name, UID: uid, Spec: d.source, Report: report})
	if err != nil {
		return nil, nil, err
	}
	sink, err := s.openSink(ctx, d.Settings.Destination)
	if err != nil {
		source.Close()
		return nil, nil, err
	}
	return source, sink, nil
}

// checkLive runs the checks that need the systems on both sides, and changes nothing.
func (s *Service) checkLive(ctx context.Context, name, uid string, d *declaration) error {
	source, sink, err := s.open(ctx, name, uid, d, func(int, error) {})
	if err != nil {
		return err
	}
	defer source.Close()
	defer sink.Close()
	splits, err := source.Splits(ctx)
	if err != nil {
		return err
	}
	if _, err := s.checkLoops(ctx, name, source, sink, splits); err != nil {
		return err
	}
	return sink.Check(ctx, splits)
}

// checkLoops answers where the records go (nil: not from topic to topic), or refuses when they would come back.
func (s *Service) checkLoops(ctx context.Context, name string, source Source, sink Sink, splits []Split) (*link, error) {
	mine, err := linkOf(ctx, name, source, sink)
	if err != nil || mine == nil {
		return nil, err
	}
	topics := TopicsOf(splits)
	if from, ok := source.(TopicSource); ok {
		topics = append(topics, from.Samples()...)
	}
	var others []*link
	for _, h := range s.all() {
		if l := h.link(); l != nil && h.name != name {
			others = append(others, l)
		}
	}
	return mine, checkLoop(mine, topics, others)
}
