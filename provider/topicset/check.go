package topicset

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"

	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/provider/remote"
)

const (
	// shownTopics is how many topics are named in a diagnostic.
	shownTopics = 50

	// shownEffects is how many topics that go have a line of their own, and shownParts how much of each it tells.
	shownEffects = 10
	shownParts   = 3
)

// changes are the requests of what a plan changes.
func changes(plan, prior *set, kept private) api.TopicsWrite {
	w := api.TopicsWrite{Put: map[string]api.TopicPut{}, Delete: map[string]api.TopicDelete{}}
	before := prior
	if before == nil {
		before = &set{}
	}
	if plan == nil {
		plan = &set{}
	}
	sameDefaults, faster := plan.defaults.equal(before.defaults), plan.throttle != before.throttle
	for name, e := range plan.topics {
		old, exists := before.topics[name]
		hurried := faster && slices.Contains(kept.Moving, name)
		if e.unknown || exists && !hurried && !e.differs(plan.defaults.settings, old, before.defaults.settings, sameDefaults) {
			continue
		}
		put := api.TopicPut{
			TopicWrite: e.write(plan.defaults.settings, old, before.defaults.settings),
			CreateOnly: !exists && !plan.adopt.v, Generation: generationOf(exists, kept.Generations[name]),
		}
		if put.ReplicationThrottle = plan.throttle.v; plan.throttle.unknown {
			put.Unknown = append(put.Unknown, "/"+attrThrottle)
		}
		w.Put[name] = put
	}
	for name := range before.topics {
		if _, stays := plan.topics[name]; !stays && !plan.unknown {
			w.Delete[name] = api.TopicDelete{}
		}
	}
	return w
}

func generationOf(exists bool, generation string) string {
	if !exists {
		return ""
	}
	return generation
}

// chunks splits a request into parts that the daemon takes, by name: what is made before what goes.
func chunks(w api.TopicsWrite, size int) []api.TopicsWrite {
	var parts []api.TopicsWrite
	for names := range slices.Chunk(slices.Sorted(maps.Keys(w.Put)), size) {
		part := api.TopicsWrite{Put: make(map[string]api.TopicPut, len(names))}
		for _, name := range names {
			part.Put[name] = w.Put[name]
		}
		parts = append(parts, part)
	}
	for names := range slices.Chunk(slices.Sorted(maps.Keys(w.Delete)), size) {
		part := api.TopicsWrite{Delete: make(map[string]api.TopicDelete, len(names))}
		for _, name := range names {
			part.Delete[name] = w.Delete[name]
		}
		parts = append(parts, part)
	}
	return parts
}

// dryRun asks what would become of the changes.
func dryRun(ctx context.Context, client *api.Client, connection string, w api.TopicsWrite) (map[string]api.TopicOutcome, error) {
	all := map[string]api.TopicOutcome{}
	for _, part := range chunks(w, requestTopics) {
		done, err := client.WriteTopics(ctx, connection, part, true)
		if err != nil {
			return nil, err
		}
		maps.Copy(all, done.Topics)
	}
	return all, nil
}

// checkChange has every check of the changed topics run.
func (r *Resource) checkChange(ctx context.Context, plan, prior *set, kept private) []*tfprotov6.Diagnostic {
	client, ok := r.Client()
	top := either(plan, prior)
	if !ok || top.connection.unknown {
		return nil
	}
	diags, connection := &diagnostics{}, top.connection.v
	w := changes(plan, prior, kept)
	replaces := func(name string) bool { return prior == nil && r.replaces(connection, name, kept) }
	for name, put := range w.Put { // what is replaced is made anew, whether or not other topics are taken over
		put.CreateOnly = put.CreateOnly || replaces(name)
		w.Put[name] = put
	}
	done, err := dryRun(ctx, client, connection, w)
	if err != nil {
		if !r.mayMiss(plan, connection, err) {
			diags.error("check the topics of the set", err)
		}
		return diags.all
	}
	var adopted, replaced []string
	effects, changingHands, noted := map[string]*api.Deletion{}, hands{}, &notes{}
	for _, name := range slices.Sorted(maps.Keys(done)) {
		outcome := done[name]
		if outcome.Error != nil {
			noted.add(name, outcome.Error.Warnings)
		}
		if outcome.Error != nil && r.mayMiss(plan, connection, outcome.Error) {
			outcome.Error = outcome.Error.Rest()
		}
		if outcome.Topic != nil {
			noted.add(name, outcome.Topic.Warnings)
		}
		if isDelete(w, name) {
			changingHands.goes(name, r.WillGo(nounTopic, id(connection, name), TypeName))
		} else if exists(outcome, prior, name) {
			changingHands.comes(name, r.WillBeAgain(nounTopic, id(connection, name), TypeName))
		}
		switch {
		case changingHands.has(name):
		case outcome.Error != nil && outcome.Error.Code == api.CodeAlreadyExists && replaces(name):
			replaced = append(replaced, name)
		case isDelete(w, name) && isGone(outcome):
		case outcome.Error != nil && outcome.Error.Code == api.CodeInUse && isDelete(w, name): // its users may go first
		case outcome.Error != nil:
			diags.topicError(doing(w, name), connection, name, outcome.Error)
		case outcome.Deletion != nil:
			effects[name] = outcome.Deletion
		case top.adopt.v && exists(outcome, prior, name):
			adopted = append(adopted, name)
		}
	}
	diags.end()
	changingHands.explain(diags)
	noted.explain(diags)
	explainReplaced(ctx, client, connection, replaced, diags)
	explainEffects(effects, diags)
	if len(adopted) > 0 {
		diags.warn(fmt.Sprintf("%s already and will be taken over", existing(len(adopted))), "Their records and their undeclared configs stay as they are: "+some(adopted)+".")
	}
	return diags.all
}

// exists says whether a topic that is not in state is there already.
func exists(outcome api.TopicOutcome, prior *set, name string) bool {
	if outcome.Error != nil {
		return outcome.Error.Code == api.CodeAlreadyExists
	}
	return outcome.Topic != nil && outcome.Topic.Generation != "" && prior.entry(name).equal(entry{})
}

func isGone(outcome api.TopicOutcome) bool {
	gone, _ := remote.Absent(asError(outcome.Error))
	return gone
}

func isDelete(w api.TopicsWrite, name string) bool {
	_, ok := w.Delete[name]
	return ok
}

func doing(w api.TopicsWrite, name string) string {
	if isDelete(w, name) {
		return deleting
	}
	return "check"
}

// checkDelete says what goes with all topics of a set, or why they may not go.
func (r *Resource) checkDelete(ctx context.Context, prior *set) []*tfprotov6.Diagnostic {
	if prior == nil {
		return nil
	}
	return r.checkChange(ctx, nil, prior, private{})
}

// explainReplaced is about a set that exists and is planned anew, because it is tainted or because somebody asked for it.
func explainReplaced(ctx context.Context, client *api.Client, connection string, names []string, diags *diagnostics) {
	if len(names) == 0 {
		return
	}
	w := api.TopicsWrite{Delete: map[string]api.TopicDelete{}}
	for _, name := range names {
		w.Delete[name] = api.TopicDelete{}
	}
	done, err := dryRun(ctx, client, connection, w)
	if err != nil {
		diags.error("check what goes with the set", err)
		return
	}
	var protected []string
	effects := map[string]*api.Deletion{}
	for _, name := range names {
		if done[name].Error != nil {
			protected = append(protected, name)
		} else {
			effects[name] = done[name].Deletion
		}
	}
	explainEffects(effects, diags)
	if len(protected) > 0 {
		diags.fail(nil, "The plan deletes the topics of the set to make them again",
			fmt.Sprintf("If the set is tainted, because not all of its topics could be made when it was created, keep those that were: terraform untaint %s.<name>, and plan again. "+
				"If the replacement is meant: these topics are protected, apply deletion_protection = false first: %s.", TypeName, some(protected)))
	}
}

// explainEffects says what goes: all of one topic, of many a line each of those with the most records.
func explainEffects(effects map[string]*api.Deletion, diags *diagnostics) {
	switch len(effects) {
	case 0:
	case 1:
		for name, gone := range effects {
			var lines []string
			for _, effect := range gone.Effects {
				lines = append(lines, strings.TrimSpace("- "+effect.Summary+". "+effect.Detail))
			}
			diags.warn(fmt.Sprintf("What goes with topic %q", name), strings.Join(lines, "\n"))
		}
	default:
		names := biggestFirst(effects)
		lines := []string{"With all their records, those with the most first:"}
		for _, name := range names[:min(len(names), shownEffects)] {
			lines = append(lines, "- "+inOneLine(name, effects[name]))
		}
		if rest := names[min(len(names), shownEffects):]; len(rest) > 0 {
			lines = append(lines, "- "+restText(rest, effects))
		}
		diags.warn(fmt.Sprintf("What goes with %d topics", len(names)), strings.Join(lines, "\n"))
	}
}

// biggestFirst orders topics by their records. Those that could not be counted come first: nobody knows what goes.
func biggestFirst(effects map[string]*api.Deletion) []string {
	return slices.SortedFunc(maps.Keys(effects), func(a, b string) int {
		return cmp.Or(cmp.Compare(recordsOr(effects[b], math.MaxInt64), recordsOr(effects[a], math.MaxInt64)), cmp.Compare(a, b))
	})
}

func recordsOr(gone *api.Deletion, unknown int64) int64 {
	if gone.Records == nil {
		return unknown
	}
	return *gone.Records
}

func inOneLine(name string, gone *api.Deletion) string {
	var parts []string
	for _, effect := range gone.Effects[:min(len(gone.Effects), shownParts)] {
		parts = append(parts, effect.Summary)
	}
	if more := len(gone.Effects) - shownParts; more > 0 {
		parts = append(parts, fmt.Sprintf("and %d more", more))
	}
	return fmt.Sprintf("%s: %s", name, strings.Join(parts, "; "))
}

func restText(names []string, effects map[string]*api.Deletion) string {
	var all int64
	known := true
	for _, name := range names {
		all += recordsOr(effects[name], 0)
		known = known && effects[name].Records != nil
	}
	more := fmt.Sprintf("and %d more", len(names))
	switch {
	case !known:
		return more
	case all == 0:
		return more + ", which hold no records"
	}
	return fmt.Sprintf("%s, which hold %d records together", more, all)
}

func existing(n int) string {
	if n == 1 {
		return "1 topic exists"
	}
	return fmt.Sprintf("%d topics exist", n)
}

// some names the first of many.
func some(names []string) string {
	if more := len(names) - shownTopics; more > 0 {
		return strings.Join(names[:shownTopics], ", ") + fmt.Sprintf(" and %d more", more)
	}
	return strings.Join(names, ", ")
}
