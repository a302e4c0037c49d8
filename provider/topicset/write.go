package topicset

import (
	"context"
	"maps"
	"slices"

	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/provider/reassign"
	"github.com/headgate/terraform-provider-headgate/provider/remote"
)

// requestTopics is how many topics one request changes: what was done is in the state although a later request fails.
const requestTopics = 500

// writing brings the topics of a set from prior to plan.
type writing struct {
	ctx         context.Context
	client      *api.Client
	plan, prior *set
	diags       *diagnostics
	// now and generations are how things stand so far.
	now         *set
	kept        private
	generations map[string]string
	// moving are the topics whose replicas the brokers move.
	moving []string
}

func newWriting(ctx context.Context, client *api.Client, plan, prior *set, kept private, diags *diagnostics) *writing {
	w := &writing{ctx: ctx, client: client, plan: plan, prior: prior, diags: diags, now: either(plan, prior).with(map[string]entry{}), kept: kept, generations: kept.Generations}
	if prior != nil {
		maps.Copy(w.now.topics, prior.topics)
	}
	if plan != nil {
		for name, e := range plan.topics { // what needs no write is as planned
			if _, exists := w.now.topics[name]; exists {
				w.now.topics[name] = e
			}
		}
	}
	return w
}

func (w *writing) do() {
	all := changes(w.plan, w.prior, w.kept)
	for _, part := range chunks(all, requestTopics) {
		done, err := w.client.WriteTopics(w.ctx, w.now.connection.v, part, false)
		if w.lost(err) {
			return
		}
		if err != nil {
			w.nothingDone(part)
			w.diags.error("write the topics of the set", err)
			continue
		}
		for _, name := range slices.Sorted(maps.Keys(done.Topics)) {
			w.outcome(part, name, done.Topics[name])
		}
	}
	w.arrive()
}

// lost says whether all topics were to be deleted and their connection is gone. Nothing is known about them then: they
// leave the state.
func (w *writing) lost(err error) bool {
	if _, lost := remote.Absent(err); !lost || w.plan != nil {
		return false
	}
	w.now.topics = map[string]entry{}
	w.diags.warn("The connection does not exist", "So nothing is known about the topics of the set: they leave Terraform's state; where they exist, they stay.")
	return true
}

// nothingDone notes that nobody knows what became of a part: it is in the state as before, and the next plan looks.
func (w *writing) nothingDone(part api.TopicsWrite) {
	for name := range part.Put {
		w.undone(name)
	}
	for name := range part.Delete {
		w.undone(name)
	}
}

// undone is a topic as it was before.
func (w *writing) undone(name string) {
	old, existed := entry{}, false
	if w.prior != nil {
		old, existed = w.prior.topics[name]
	}
	if !existed {
		delete(w.now.topics, name)
		return
	}
	if !w.now.defaults.equal(w.prior.defaults) {
		old = old.keeping(w.prior.defaults.settings)
	}
	w.now.topics[name] = old
}

func (w *writing) outcome(part api.TopicsWrite, name string, outcome api.TopicOutcome) {
	if isDelete(part, name) {
		if outcome.Error != nil && !isGone(outcome) {
			w.undone(name)
			w.diags.topicError(deleting, w.now.connection.v, name, outcome.Error)
			return
		}
		delete(w.now.topics, name)
		delete(w.generations, name)
		return
	}
	if outcome.Error != nil {
		w.undone(name)
		w.diags.topicError("write", w.now.connection.v, name, outcome.Error)
		return
	}
	w.now.topics[name] = w.plan.topics[name].complete(outcome.Topic)
	w.generations[name] = outcome.Topic.Generation
	if reassign.Under(outcome.Topic, w.now.topics[name].replicas.v) {
		w.moving = append(w.moving, name)
	}
}
