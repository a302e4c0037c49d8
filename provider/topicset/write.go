package topicset

import (
	"context"
	"maps"
	"slices"

	"github.com/headgate/terraform-provider-headgate/internal/api"
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
	generations map[string]string
}

func newWriting(ctx context.Context, client *api.Client, plan, prior *set, generations map[string]string, diags *diagnostics) *writing {
	w := &writing{ctx: ctx, client: client, plan: plan, prior: prior, diags: diags, now: &set{topics: map[string]entry{}}, generations: generations}
	top := plan
	if plan == nil {
		top = prior
	}
	w.now.connection, w.now.adopt, w.now.defaults = top.connection, top.adopt, top.defaults
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
	all := changes(w.plan, w.prior, w.generations)
	for _, part := range chunks(all, requestTopics) {
		done, err := w.client.WriteTopics(w.ctx, w.now.connection.v, part, false)
		if err != nil {
			w.nothingDone(part)
			w.lostOr(err)
			continue
		}
		for _, name := range slices.Sorted(maps.Keys(done.Topics)) {
			w.outcome(part, name, done.Topics[name])
		}
	}
}

// lostOr explains why a request as a whole failed. When the connection is gone nothing is known about its topics: what
// was to be deleted leaves the state.
func (w *writing) lostOr(err error) {
	if _, lost := remote.Absent(err); lost && w.plan == nil {
		w.now.topics = map[string]entry{}
		w.diags.warn("The connection does not exist", "So nothing is known about the topics of the set: they leave Terraform's state; where they exist, they stay.")
		return
	}
	w.diags.error("write the topics of the set", err)
}

// nothingDone notes that nobody knows what became of a part: it is in the state as before, and the next plan looks.
func (w *writing) nothingDone(part api.TopicsWrite) {
	for name := range part.Put {
		w.undone(name)
	}
}

// undone is a topic as it was before.
func (w *writing) undone(name string) {
	if w.prior != nil {
		if old, existed := w.prior.topics[name]; existed {
			w.now.topics[name] = old
			return
		}
	}
	delete(w.now.topics, name)
}

func (w *writing) outcome(part api.TopicsWrite, name string, outcome api.TopicOutcome) {
	if isDelete(part, name) {
		gone, _ := remote.Absent(asError(outcome.Error))
		if outcome.Error != nil && !gone {
			w.diags.topicError("delete", w.now.connection.v, name, outcome.Error)
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
}
