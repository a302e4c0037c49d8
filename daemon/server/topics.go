package server

import (
	"context"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/headgate/terraform-provider-headgate/daemon/namespace"
	"github.com/headgate/terraform-provider-headgate/daemon/topic"
	"github.com/headgate/terraform-provider-headgate/internal/api"
)

// TopicPath names a topic in a path.
type TopicPath struct {
	Connection string `path:"connection" doc:"The connection of the cluster."`
	Topic      string `path:"topic" doc:"The topic."`
}

func (s *server) topicRoutes(face huma.API) {
	const base = "/v1/connections/{connection}/topics"
	route(s, face, http.MethodGet, base, "list-topics", "List topics", s.listTopics)
	route(s, face, http.MethodPost, base+":read", "read-topics", "Read many topics", s.readTopics)
	route(s, face, http.MethodPatch, base, "write-topics", "Create, change and delete many topics, each by itself", s.writeTopics)
	route(s, face, http.MethodGet, base+"/{topic}", "get-topic", "Read a topic", func(ctx context.Context, in *struct {
		TopicPath
		Effective string `query:"effective" doc:"Of config_effective, answer only these, separated by commas. Default: all."`
	},
	) (*api.Topic, error) {
		t, err := s.Topics.Get(ctx, in.Connection, in.Topic)
		if err == nil && in.Effective != "" {
			t.KeepEffective(strings.Split(in.Effective, ","))
		}
		return t, err
	})
	route(s, face, http.MethodPut, base+"/{topic}", "put-topic", "Create or change a topic", s.putTopic)
	route(s, face, http.MethodDelete, base+"/{topic}", "delete-topic", "Delete a topic", func(ctx context.Context, in *struct {
		TopicPath
		Write
	},
	) (*api.Deletion, error) {
		return s.Topics.Delete(ctx, in.Connection, in.Topic, in.options())
	})
	route(s, face, http.MethodGet, base+"/{topic}/preview", "preview-topic", "Read a few records", s.previewTopic)
	route(s, face, http.MethodGet, base+"/{topic}/figures", "get-topic-figures", "See how much is in a topic, how much comes, and where it is", func(ctx context.Context, in *TopicPath) (*api.TopicFigures, error) {
		return s.Topics.Figures(ctx, in.Connection, in.Topic)
	})
	route(s, face, http.MethodGet, base+"/{topic}/reassignment", "get-reassignment", "See how far the change of a topic's replication factor is", s.getReassignment)
	route(s, face, http.MethodDelete, base+"/{topic}/reassignment", "cancel-reassignment", "Take back what is not done of the change of a topic's replication factor", func(ctx context.Context, in *struct {
		TopicPath
		Write
	},
	) (*api.Deletion, error) {
		return s.Reassigns.Cancel(ctx, in.Connection, in.Topic, in.DryRun)
	})
}

func (s *server) previewTopic(ctx context.Context, in *struct {
	TopicPath
	Last       int       `query:"last" minimum:"0" maximum:"1000" doc:"How many of the newest records. Default: 10, unless from_offset or from_time is set, which it does not go with."`
	FromOffset int64     `query:"from_offset" minimum:"-1" default:"-1" doc:"Begin at this offset, in each partition."`
	FromTime   time.Time `query:"from_time" doc:"Begin at this time (RFC 3339)."`
	Limit      int       `query:"limit" minimum:"0" maximum:"1000" doc:"How many records at most from there on, the earliest first. Default: 10."`
	Partition  int32     `query:"partition" minimum:"-1" default:"-1" doc:"Look at this partition only."`
	Key        string    `query:"key" doc:"Only records with this key."`
	Decode     string    `query:"decode" enum:"auto,registry,json,text,hex" default:"auto" doc:"How to make values readable."`
	DecodeKey  string    `query:"decode_key" enum:"auto,registry,json,text,hex" default:"auto" doc:"How to make keys readable."`
},
) (*api.Preview, error) {
	opts := api.PreviewOptions{Last: in.Last, Limit: in.Limit, Decode: in.Decode, DecodeKey: in.DecodeKey}
	if in.FromOffset >= 0 {
		opts.FromOffset = &in.FromOffset
	}
	if !in.FromTime.IsZero() {
		opts.FromTime = &in.FromTime
	}
	if in.Partition >= 0 {
		opts.Partition = &in.Partition
	}
	if in.Key != "" {
		opts.Key = &in.Key
	}
	return s.Previews.Preview(ctx, in.Connection, in.Topic, opts)
}

func (s *server) getReassignment(ctx context.Context, in *struct {
	TopicPath
	Wait string `query:"wait" enum:"done" doc:"done: answer once nothing moves any more, or after 20 seconds."`
},
) (*api.Reassignment, error) {
	if in.Wait == "" {
		return s.Reassigns.Get(ctx, in.Connection, in.Topic)
	}
	polling, cancel := context.WithTimeout(ctx, api.PollLimit)
	defer cancel()
	return s.Reassigns.Wait(polling, in.Connection, in.Topic)
}

func (s *server) listTopics(ctx context.Context, in *struct {
	Connection string `path:"connection" doc:"The connection of the cluster."`
	Prefix     string `query:"prefix" doc:"Only topics whose names begin with it."`
	Pattern    string `query:"pattern" doc:"Only topics whose whole names match this regular expression (RE2)."`
	Namespace  string `query:"namespace" doc:"Only topics of this namespace."`
	Effective  string `query:"effective" doc:"Of config_effective, answer only these, separated by commas. Default: all."`
	Paging
},
) (*api.Page[api.Topic], error) {
	after, err := in.after()
	if err != nil {
		return nil, err
	}
	q := topic.Query{Prefix: in.Prefix, After: after, Limit: in.Limit + 1}
	if q.Matches, err = s.topicFilter(ctx, in.Connection, in.Pattern, in.Namespace); err != nil {
		return nil, err
	}
	found, warnings, err := s.Topics.List(ctx, in.Connection, q)
	if err != nil {
		return nil, err
	}
	if in.Effective != "" {
		for i := range found {
			found[i].KeepEffective(strings.Split(in.Effective, ","))
		}
	}
	p := page(found, in.Limit, func(t api.Topic) string { return t.Name })
	p.Warnings = warnings
	return p, nil
}

// topicFilter answers what tells the topics of a pattern and a namespace from others.
func (s *server) topicFilter(ctx context.Context, connection, pattern, namespace string) (func(name string) bool, error) {
	matches, belongs := func(string) bool { return true }, func(string) bool { return true }
	if pattern != "" {
		compiled, err := regexp.Compile("^(?:" + pattern + ")$")
		if err != nil {
			return nil, api.Invalid("/pattern", "The pattern is not a regular expression", err.Error()+".", "Correct the pattern; its syntax is RE2.")
		}
		matches = compiled.MatchString
	}
	if namespace != "" {
		var err error
		if belongs, err = s.Namespaces.Members(ctx, connection, namespace); err != nil {
			return nil, err
		}
	}
	return func(name string) bool { return matches(name) && belongs(name) }, nil
}

func (s *server) putTopic(ctx context.Context, in *struct {
	TopicPath
	Write
	Body api.TopicRequest
},
) (*api.Topic, error) {
	if err := in.check(in.Body.Unknown); err != nil {
		return nil, err
	}
	ctx, err := planning(ctx, in.Body.Planned, in.DryRun)
	if err != nil {
		return nil, err
	}
	t, err := s.Topics.Put(ctx, in.Connection, in.Topic, in.Body.TopicWrite, in.options(), in.IdempotencyKey)
	if err != nil {
		return nil, err
	}
	if !in.DryRun {
		afterAnswer(ctx, outcome{
			sent: func(ctx context.Context) error { return s.Topics.EndCreation(ctx, in.Connection, in.Topic) },
			lost: func(ctx context.Context) error { return s.Topics.AbandonCreation(ctx, in.Connection, in.Topic) },
		})
	}
	return t, nil
}

// planning has a dry run know what else there is in its plan. A real write is held to what is there.
func planning(ctx context.Context, planned api.Planned, dryRun bool) (context.Context, error) {
	if len(planned.PlannedNamespaces) > 0 && !dryRun {
		return nil, api.Invalid("/planned_namespaces", "Namespaces that are only planned allow nothing yet", "planned_namespaces is for dry runs.", "Leave planned_namespaces out, or add dry_run=true.")
	}
	return namespace.Planning(ctx, planned.PlannedNamespaces), nil
}

func (s *server) readTopics(ctx context.Context, in *struct {
	Connection string `path:"connection" doc:"The connection of the cluster."`
	Body       api.TopicsRead
},
) (*api.TopicOutcomes, error) {
	return s.Topics.ReadMany(ctx, in.Connection, in.Body)
}

func (s *server) writeTopics(ctx context.Context, in *struct {
	Connection     string `path:"connection" doc:"The connection of the cluster."`
	DryRun         bool   `query:"dry_run" doc:"Run every check and change nothing."`
	IdempotencyKey string `header:"Idempotency-Key" doc:"The same for repeats of one request, so that a repeat is not told that a topic exists."`
	Body           api.TopicsWrite
},
) (*api.TopicOutcomes, error) {
	if n := len(in.Body.Put) + len(in.Body.Delete); n > api.TopicBatch {
		return nil, api.Invalid("", "Too many topics in one request", fmt.Sprintf("A request may be about %d topics; this one is about %d.", api.TopicBatch, n), "Split it.")
	}
	for name, put := range in.Body.Put {
		if err := (Write{DryRun: in.DryRun}).check(put.Unknown); err != nil {
			return nil, err
		}
		if _, both := in.Body.Delete[name]; both {
			return nil, api.Invalid("/delete", "A topic cannot be written and deleted at once", fmt.Sprintf("Topic %q is in put and in delete.", name), "Leave it out of one of the two.")
		}
	}
	ctx, err := planning(ctx, in.Body.Planned, in.DryRun)
	if err != nil {
		return nil, err
	}
	done, err := s.Topics.WriteMany(ctx, in.Connection, in.Body, in.DryRun, in.IdempotencyKey)
	if err == nil && !in.DryRun {
		var names []string // of what failed the notes are as they should be
		for name := range in.Body.Put {
			if done.Topics[name].Error == nil {
				names = append(names, name)
			}
		}
		afterAnswer(ctx, outcome{
			sent: func(ctx context.Context) error { return s.Topics.EndCreations(ctx, in.Connection, names) },
			lost: func(ctx context.Context) error { return s.Topics.AbandonCreations(ctx, in.Connection, names) },
		})
	}
	return done, err
}
