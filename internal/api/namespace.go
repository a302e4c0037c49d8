package api

import (
	"context"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/headgate/terraform-provider-headgate/internal/spec"
)

// Namespace is what a team may do by itself: the topics whose names begin with its prefix, within limits.
type Namespace struct {
	Name string `json:"name" doc:"The name of the namespace."`
	NamespaceSettings
	Generation string    `json:"generation" doc:"Changes with every write."`
	Warnings   []Warning `json:"warnings,omitempty" doc:"What a person should know about this namespace."`
}

// NamespaceSettings is what is declared of a namespace.
type NamespaceSettings struct {
	TopicPrefix string           `json:"topic_prefix" pattern:"^[a-zA-Z0-9._-]{1,248}$" doc:"What the names of its topics begin with, the dot included, such as 'payments.': 1 to 248 letters, digits, dots, dashes and underscores. Of several namespaces that fit, a topic belongs to the one with the longest prefix."`
	Connections []string         `json:"connections,omitempty" doc:"The connections that it spans. Without it: all."`
	Owner       string           `json:"owner,omitempty" doc:"The team that it belongs to; errors name it."`
	Environment string           `json:"environment,omitempty" doc:"What it is for, such as 'production'."`
	Limits      *NamespaceLimits `json:"limits,omitempty" doc:"What its topics may have at most. Without it: no limit. A topic that has more already stays as it is, and may not be raised further."`
}

// NamespaceLimits are what the topics of a namespace may have at most; a limit that is left out is none.
type NamespaceLimits struct {
	Partitions        int64         `json:"partitions,omitempty" minimum:"1" maximum:"1000000" doc:"The highest number of partitions of a topic. Without it: no limit."`
	Retention         spec.Duration `json:"retention,omitempty" doc:"The longest time that a topic keeps records, such as '720h'. Topics that are only compacted keep the last record of each key all the same. Without it: no limit."`
	ReplicationFactor int64         `json:"replication_factor,omitempty" minimum:"1" maximum:"32767" doc:"The highest number of replicas of a topic's partitions. Without it: no limit."`
}

// NamespaceWrite is a namespace as it is declared.
type NamespaceWrite struct {
	TopicPrefix string           `json:"topic_prefix,omitempty" doc:"What the names of its topics begin with."`
	Connections []string         `json:"connections,omitempty" doc:"The connections that it spans. Default: all."`
	Owner       string           `json:"owner,omitempty" doc:"The team that it belongs to."`
	Environment string           `json:"environment,omitempty" doc:"What it is for."`
	Limits      *NamespaceLimits `json:"limits,omitempty" doc:"What its topics may have at most."`
	Unknown     []string         `json:"unknown,omitempty" doc:"In a dry run: JSON pointers into the body whose values are not known yet."`
}

// PlannedNamespace is a namespace as a plan will have it.
type PlannedNamespace struct {
	Name string `json:"name" doc:"The name of the namespace."`
	NamespaceWrite
}

// Planned is what else there is in the plan that a dry run is part of.
type Planned struct {
	PlannedNamespaces []PlannedNamespace `json:"planned_namespaces,omitempty" maxItems:"100000" doc:"In a dry run: namespaces that the same plan writes before, to be held to in the place of those that are there."`
}

// planned is what a client was told of the plan under way.
type planned struct {
	mu         sync.Mutex
	namespaces map[string]PlannedNamespace
}

// Plan notes what the plan under way makes of a namespace: dry runs of topics are held to that from now on.
func (c *Client) Plan(n PlannedNamespace) {
	c.planned.mu.Lock()
	defer c.planned.mu.Unlock()
	if c.planned.namespaces == nil {
		c.planned.namespaces = map[string]PlannedNamespace{}
	}
	c.planned.namespaces[n.Name] = n
}

// plan is what a dry run is sent with; nothing for a write.
func (c *Client) plan(dryRun bool) Planned {
	c.planned.mu.Lock()
	defer c.planned.mu.Unlock()
	if !dryRun || len(c.planned.namespaces) == 0 {
		return Planned{}
	}
	return Planned{slices.SortedFunc(maps.Values(c.planned.namespaces), func(a, b PlannedNamespace) int { return strings.Compare(a.Name, b.Name) })}
}

// GetNamespace reads a namespace.
func (c *Client) GetNamespace(ctx context.Context, name string) (*Namespace, error) {
	return get[Namespace](ctx, c, namespacePath(name))
}

// ListNamespaces reads one page of the namespaces.
func (c *Client) ListNamespaces(ctx context.Context, cursor string) (*Page[Namespace], error) {
	return get[Page[Namespace]](ctx, c, "/v1/namespaces"+query("cursor", cursor))
}

// PutNamespace creates or changes a namespace.
func (c *Client) PutNamespace(ctx context.Context, name string, body NamespaceWrite, opts WriteOptions) (*Namespace, error) {
	return put[Namespace](ctx, c, namespacePath(name), body, opts)
}

// DeleteNamespace deletes a namespace; its topics stay.
func (c *Client) DeleteNamespace(ctx context.Context, name string, opts WriteOptions) (*Deletion, error) {
	return del(ctx, c, namespacePath(name), opts)
}

func namespacePath(name string) string { return "/v1/namespaces/" + escape(name) }
