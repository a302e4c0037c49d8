package topicset

import (
	"fmt"
	"maps"
	"slices"

	"github.com/headgate/terraform-provider-headgate/provider/remote"
)

// nounTopic is what a topic is called among the objects of a plan, whatever resource it is in.
const nounTopic = "topic"

// pair are the types of resources that a topic leaves and comes to.
type pair struct{ from, to string }

// hands are the topics that a plan deletes in one resource and makes in another.
type hands map[string]pair

// goes notes a topic that this set deletes; to is the type that makes it, empty when none does.
func (h hands) goes(name, to string) {
	if to != "" {
		h[name] = pair{TypeName, to}
	}
}

// comes notes a topic that this set makes or takes over; from is the type that deletes it, empty when none does.
func (h hands) comes(name, from string) {
	if from != "" {
		h[name] = pair{from, TypeName}
	}
}

func (h hands) has(name string) bool {
	_, ok := h[name]
	return ok
}

func (h hands) explain(diags *diagnostics) {
	byPair := map[pair][]string{}
	for _, name := range slices.Sorted(maps.Keys(h)) {
		byPair[h[name]] = append(byPair[h[name]], name)
	}
	for p, names := range byPair {
		what := fmt.Sprintf("topic %q", names[0])
		if len(names) > 1 {
			what = fmt.Sprintf("%d topics", len(names))
		}
		summary, detail := remote.Renamed(what, p.from, p.to)
		if len(names) > 1 {
			detail += "\n\nThe topics: " + some(names) + "."
		}
		if p.from == TypeName {
			detail += "\n\nA set that lets go of a few of its topics is removed in the same way, and imported again with those that stay."
		}
		diags.fail(nil, summary, detail)
	}
}
