package topicset

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"

	"github.com/headgate/terraform-provider-headgate/internal/api"
)

// shownTopics is how many topics are named one by one in a warning.
const shownTopics = 50

// changes are the requests of what a plan changes.
func changes(plan, prior *set, generations map[string]string) api.TopicsWrite {
	w := api.TopicsWrite{Put: map[string]api.TopicPut{}, Delete: map[string]api.TopicDelete{}}
	before := prior
	if before == nil {
		before = &set{}
	}
	if plan == nil {
		plan = &set{}
	}
	sameDefaults := plan.defaults.equal(before.defaults)
	for name, e := range plan.topics {
		old, exists := before.topics[name]
		if e.unknown || exists && !e.differs(plan.defaults.settings, old, before.defaults.settings, sameDefaults) {
			continue
		}
		w.Put[name] = api.TopicPut{
			TopicWrite: e.write(plan.defaults.settings, old, before.defaults.settings),
			CreateOnly: !exists && !plan.adopt.v, Generation: generationOf(exists, generations[name]),
		}
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
	w := changes(plan, prior, kept.Generations)
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
	effects := map[string]*api.Deletion{}
	for _, name := range slices.Sorted(maps.Keys(done)) {
		outcome := done[name]
		switch {
		case outcome.Error != nil && outcome.Error.Code == api.CodeAlreadyExists && replaces(name):
			replaced = append(replaced, name)
		case outcome.Error != nil && r.mayMiss(plan, connection, outcome.Error):
		case outcome.Error != nil && outcome.Deletion == nil && outcome.Error.Code == api.CodeNotFound && isDelete(w, name): // gone already
		case outcome.Error != nil && outcome.Error.Code == api.CodeInUse && isDelete(w, name): // its users may go first
		case outcome.Error != nil:
			diags.topicError(doing(w, name), connection, name, outcome.Error)
		case outcome.Deletion != nil:
			effects[name] = outcome.Deletion
		case top.adopt.v && prior.entry(name).equal(entry{}) && outcome.Topic.Generation != "":
			adopted = append(adopted, name)
		}
	}
	diags.end()
	explainReplaced(ctx, client, connection, replaced, diags)
	explainEffects(effects, diags)
	if len(adopted) > 0 {
		diags.warn(fmt.Sprintf("%s already and will be taken over", existing(len(adopted))), "Their records and their undeclared configs stay as they are: "+some(adopted)+".")
	}
	return diags.all
}

func isDelete(w api.TopicsWrite, name string) bool {
	_, ok := w.Delete[name]
	return ok
}

func doing(w api.TopicsWrite, name string) string {
	if isDelete(w, name) {
		return "delete"
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

func explainEffects(effects map[string]*api.Deletion, diags *diagnostics) {
	if len(effects) == 0 {
		return
	}
	var lines []string
	names := slices.Sorted(maps.Keys(effects))
	for _, name := range names[:min(len(names), shownTopics)] {
		lines = append(lines, fmt.Sprintf("topic %q:", name))
		for _, effect := range effects[name].Effects {
			lines = append(lines, strings.TrimSpace("- "+effect.Summary+". "+effect.Detail))
		}
	}
	if more := len(names) - shownTopics; more > 0 {
		lines = append(lines, fmt.Sprintf("and %d more topics with all their records", more))
	}
	summary := fmt.Sprintf("What goes with topic %q", names[0])
	if len(names) > 1 {
		summary = fmt.Sprintf("What goes with %d topics", len(names))
	}
	diags.warn(summary, strings.Join(lines, "\n"))
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
