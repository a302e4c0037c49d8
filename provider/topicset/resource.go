// Package topicset is Terraform's view of many Kafka topics as one resource.
//
// It speaks Terraform's protocol itself: the plugin framework visits every attribute of every entry several times over,
// and copies the whole map for each, so that thousands of topics would take it minutes. Here a value is decoded once into
// structs, compared as a whole, and encoded only when it changed.
package topicset

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/provider/explain"
	"github.com/headgate/terraform-provider-headgate/provider/remote"
)

// TypeName is the type of the resource.
const TypeName = "headgate_topic_set"

// Resource serves headgate_topic_set.
type Resource struct {
	remote.Resource
	memory memory
}

var _ tfprotov6.ResourceServer = &Resource{}

// private is what Terraform keeps for us beside the state.
type private struct {
	// Generations are those of the topics as they were last seen.
	Generations map[string]string `json:"generations,omitempty"`
	// Moving are the topics whose replicas were being copied.
	Moving []string `json:"moving,omitempty"`
	// Imported is set between an import and the read that follows it.
	Imported bool `json:"imported,omitempty"`
	// Connection is where the topics of Generations are.
	Connection string `json:"connection,omitempty"`
}

func readPrivate(raw []byte) private {
	p := private{}
	if json.Unmarshal(raw, &p) != nil || p.Generations == nil {
		p.Generations = map[string]string{}
	}
	return p
}

func (p private) bytes() []byte {
	raw, err := json.Marshal(p)
	if err != nil {
		return nil // a map of texts always encodes
	}
	return raw
}

// ValidateResourceConfig checks a configuration by itself.
func (r *Resource) ValidateResourceConfig(_ context.Context, req *tfprotov6.ValidateResourceConfigRequest) (*tfprotov6.ValidateResourceConfigResponse, error) {
	config, err := decode(req.Config)
	if err != nil || config == nil {
		return &tfprotov6.ValidateResourceConfigResponse{}, err
	}
	diags := &diagnostics{}
	config.validate(diags)
	return &tfprotov6.ValidateResourceConfigResponse{Diagnostics: diags.all}, nil
}

// UpgradeResourceState hands a state back as it is: there is one version of it so far.
func (r *Resource) UpgradeResourceState(_ context.Context, req *tfprotov6.UpgradeResourceStateRequest) (*tfprotov6.UpgradeResourceStateResponse, error) {
	return &tfprotov6.UpgradeResourceStateResponse{UpgradedState: &tfprotov6.DynamicValue{JSON: req.RawState.JSON}}, nil
}

// UpgradeResourceIdentity hands an identity back as it is.
func (r *Resource) UpgradeResourceIdentity(_ context.Context, req *tfprotov6.UpgradeResourceIdentityRequest) (*tfprotov6.UpgradeResourceIdentityResponse, error) {
	return &tfprotov6.UpgradeResourceIdentityResponse{UpgradedIdentity: &tfprotov6.ResourceIdentityData{IdentityData: &tfprotov6.DynamicValue{JSON: req.RawIdentity.JSON}}}, nil
}

// MoveResourceState refuses: another resource is one topic.
func (r *Resource) MoveResourceState(_ context.Context, req *tfprotov6.MoveResourceStateRequest) (*tfprotov6.MoveResourceStateResponse, error) {
	diags := &diagnostics{}
	diags.fail(nil, "A "+req.SourceTypeName+" cannot become a set",
		"Take the resource out of the state with a removed block that has destroy = false, and let the set take over its topic with adopt_existing = true.")
	return &tfprotov6.MoveResourceStateResponse{Diagnostics: diags.all}, nil
}

// GenerateResourceConfig makes a configuration of an imported state: the state itself, without the defaults that say nothing.
func (r *Resource) GenerateResourceConfig(_ context.Context, req *tfprotov6.GenerateResourceConfigRequest) (*tfprotov6.GenerateResourceConfigResponse, error) {
	state, err := decode(req.State)
	if err != nil || !state.imported() {
		return &tfprotov6.GenerateResourceConfigResponse{Config: req.State}, err
	}
	config := state.with(state.topics)
	config.defaults = defaults{}
	encoded, err := config.encode()
	return &tfprotov6.GenerateResourceConfigResponse{Config: encoded}, err
}

// ReadResource reads the topics of the set. A topic that is proven absent leaves it.
func (r *Resource) ReadResource(ctx context.Context, req *tfprotov6.ReadResourceRequest) (*tfprotov6.ReadResourceResponse, error) {
	resp := &tfprotov6.ReadResourceResponse{NewState: req.CurrentState, Private: req.Private, NewIdentity: req.CurrentIdentity}
	client, ok := r.Client()
	state, err := decode(req.CurrentState)
	if err != nil || state == nil || !ok {
		return resp, err
	}
	diags, kept := &diagnostics{}, readPrivate(req.Private)
	now, seen, err := r.read(ctx, client, state, kept.Imported, diags)
	switch _, lost := remote.Absent(err); {
	case lost && !kept.Imported:
		diags.warn(fmt.Sprintf("Connection %q does not exist", state.connection.v), "So nothing is known about the topics of the set: they stay in Terraform's state as they were.")
	case err != nil:
		diags.error("read the topics of connection "+state.connection.v, err)
	case !diags.hasError():
		resp.Private = seen.bytes()
		if !now.equal(state) {
			if resp.NewState, err = now.encode(); err != nil {
				return nil, err
			}
		}
		if resp.NewIdentity, err = now.identity(); err != nil {
			return nil, err
		}
	}
	diags.end()
	resp.Diagnostics = diags.all
	return resp, nil
}

// read answers the set as it is, and what is kept beside it.
func (r *Resource) read(ctx context.Context, client *api.Client, state *set, imported bool, diags *diagnostics) (*set, private, error) {
	now := state.with(make(map[string]entry, len(state.topics)))
	seen := private{Generations: make(map[string]string, len(state.topics)), Connection: state.connection.v}
	found, err := readAll(ctx, client, state)
	if err != nil {
		return nil, seen, err
	}
	var noted []*api.Topic
	for _, name := range slices.Sorted(maps.Keys(found)) {
		outcome := found[name]
		switch {
		case isGone(outcome) && !imported:
		case outcome.Error != nil:
			diags.topicError("read", state.connection.v, name, outcome.Error)
		default:
			now.topics[name] = state.topics[name].now(outcome.Topic, state.defaults.settings, imported)
			seen.Generations[name] = outcome.Topic.Generation
			if outcome.Topic.Reassignment != nil {
				noted = append(noted, outcome.Topic)
			}
		}
	}
	seen.Moving = warnOfMoves(noted, diags)
	r.memory.read(now)
	return now, seen, nil
}

// asError keeps a nil a nil.
func asError(e *api.Error) error {
	if e == nil {
		return nil
	}
	return e
}

// readAll reads every topic of a set.
func readAll(ctx context.Context, client *api.Client, state *set) (map[string]api.TopicOutcome, error) {
	all, effective := make(map[string]api.TopicOutcome, len(state.topics)), state.effectiveNames()
	for names := range slices.Chunk(slices.Collect(maps.Keys(state.topics)), api.TopicBatch) {
		found, err := client.ReadTopics(ctx, state.connection.v, api.TopicsRead{Names: names, Effective: effective})
		if err != nil {
			return nil, err
		}
		maps.Copy(all, found.Topics)
	}
	return all, nil
}

// PlanResourceChange plans the set as a whole and has the daemon check the topics that change.
func (r *Resource) PlanResourceChange(ctx context.Context, req *tfprotov6.PlanResourceChangeRequest) (*tfprotov6.PlanResourceChangeResponse, error) {
	resp := &tfprotov6.PlanResourceChangeResponse{PlannedState: req.PriorState, PlannedPrivate: req.PriorPrivate, PlannedIdentity: req.PriorIdentity}
	config, err := decode(req.Config)
	if err != nil {
		return nil, err
	}
	prior, err := decode(req.PriorState)
	if err != nil {
		return nil, err
	}
	r.memory.planned(prior)
	if config == nil {
		resp.PlannedState = req.ProposedNewState // null
		resp.Diagnostics = r.checkDelete(ctx, prior)
		return resp, nil
	}
	plan := planned(config, prior)
	if plan.equal(prior) {
		resp.Diagnostics = r.warnMoved(prior)
		return resp, nil
	}
	if resp.PlannedState, err = plan.encode(); err != nil {
		return nil, err
	}
	if prior != nil && plan.connection != prior.connection {
		resp.RequiresReplace = []*tftypes.AttributePath{tftypes.NewAttributePath().WithAttributeName(attrConnection)}
		resp.Diagnostics = r.checkDelete(ctx, prior)
		return resp, nil
	}
	resp.Diagnostics = append(r.warnMoved(prior), r.checkChange(ctx, plan, prior, readPrivate(req.PriorPrivate))...)
	return resp, nil
}

// warnMoved warns when the connection of a set is to lead to another cluster.
func (r *Resource) warnMoved(prior *set) []*tfprotov6.Diagnostic {
	if _, known := r.Client(); !known || prior == nil {
		return nil
	}
	diags := &diagnostics{}
	if summary, detail, moved := r.Moved(prior.connection.v, "the topics of the set"); moved {
		diags.warn(summary, detail)
	}
	return diags.all
}

// ApplyResourceChange writes the topics that change. What could not be written stays in the state as it was.
func (r *Resource) ApplyResourceChange(ctx context.Context, req *tfprotov6.ApplyResourceChangeRequest) (*tfprotov6.ApplyResourceChangeResponse, error) {
	prior, err := decode(req.PriorState)
	if err != nil {
		return nil, err
	}
	plan, err := decode(req.PlannedState)
	if err != nil {
		return nil, err
	}
	resp := &tfprotov6.ApplyResourceChangeResponse{NewState: req.PriorState, Private: req.PlannedPrivate, NewIdentity: req.PlannedIdentity}
	var found diag.Diagnostics
	client, ok := r.NeedClient(&found)
	if !ok {
		diags := &diagnostics{}
		diags.fail(nil, found[0].Summary(), found[0].Detail())
		resp.Diagnostics = diags.all
		return resp, nil
	}
	diags, kept := &diagnostics{}, readPrivate(req.PlannedPrivate)
	w := newWriting(ctx, client, plan, prior, kept, diags)
	w.do()
	now := w.now
	switch {
	case len(now.topics) == 0 && (plan == nil || prior == nil && diags.hasError()):
		now, resp.NewIdentity = nil, nil
	case prior == nil && diags.hasError():
		diags.fail(nil, "Not all topics of the set could be made", fmt.Sprintf("%d of %d were made and are in the state. Terraform now calls the set tainted, and would begin by deleting what was made. "+
			"To keep it: terraform untaint %s.<name>, and apply again; only what is missing is made.", len(w.now.topics), len(plan.topics), TypeName))
	}
	diags.end()
	resp.Diagnostics = diags.all
	resp.Private = private{Generations: w.generations, Connection: w.now.connection.v}.bytes()
	if resp.NewState, err = now.encode(); err != nil {
		return nil, err
	}
	if now != nil {
		resp.NewIdentity, err = now.identity()
	}
	return resp, err
}

func (s *set) identity() (*tfprotov6.ResourceIdentityData, error) {
	value := tftypes.NewValue(identityType, map[string]tftypes.Value{attrConnection: raw(tftypes.String, s.connection), attrTopics: tftypes.NewValue(tftypes.String, nil)})
	data, err := tfprotov6.NewDynamicValue(identityType, value)
	if err != nil {
		return nil, fmt.Errorf("encode identity: %w", err)
	}
	return &tfprotov6.ResourceIdentityData{IdentityData: &data}, nil
}

// mayMiss says whether an error is that of a connection that a plan may do without: the same plan makes it, or the whole
// set goes as the connection went.
func (r *Resource) mayMiss(plan *set, connection string, err error) bool {
	_, lost := remote.Absent(err)
	return lost && (plan == nil || r.MissingConnection(connection) == explain.Ignore)
}
