package namespace

import (
	"context"
	"slices"
	"strings"

	"github.com/headgate/terraform-provider-headgate/internal/api"
)

type plannedKey struct{}

// Planning has topics that are checked with the context held to namespaces as a plan will have them, in place of those that
// are there.
func Planning(ctx context.Context, planned []api.PlannedNamespace) context.Context {
	if len(planned) == 0 {
		return ctx
	}
	return context.WithValue(ctx, plannedKey{}, planned)
}

// planned puts what a plan has in the place of what is there; known is false when it is not known yet which topics it is for.
func planned(ctx context.Context, all []api.Namespace) (_ []api.Namespace, known bool) {
	plan, _ := ctx.Value(plannedKey{}).([]api.PlannedNamespace)
	for _, p := range plan {
		if !knows(p, "/topic_prefix") {
			return nil, false
		}
		n := api.Namespace{Name: p.Name, NamespaceSettings: api.NamespaceSettings{
			TopicPrefix: p.TopicPrefix, Connections: p.Connections, Owner: p.Owner, Environment: p.Environment, Limits: p.Limits,
		}}
		if !knows(p, "/connections") { // it may be that of the topic, and allow more than another
			n.Connections, n.Limits = nil, nil
		}
		all = append(slices.DeleteFunc(all, func(other api.Namespace) bool { return other.Name == p.Name }), n)
	}
	return all, true
}

// knows says whether a value, and everything in it, is known already.
func knows(p api.PlannedNamespace, pointer string) bool {
	return !slices.ContainsFunc(p.Unknown, func(unknown string) bool { return strings.HasPrefix(unknown+"/", pointer+"/") })
}
