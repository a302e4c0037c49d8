// Package numbers is a source kind for tests: it counts. It shows what a new kind takes: a struct that describes it, a
// folder that implements it, and a line that registers each.
package numbers

import (
	"context"
	"strconv"
	"sync"
	"time"

	"github.com/headgate/terraform-provider-headgate/daemon/connection"
	"github.com/headgate/terraform-provider-headgate/daemon/connector"
	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/internal/spec"
)

// KindName is the kind's name.
const KindName = "numbers"

// Spec describes the kind.
type Spec struct {
	Topic string `json:"topic" doc:"The name that the numbers go by."`
	Count int64  `json:"count,omitempty" minimum:"1" maximum:"100000" default:"10" doc:"How far to count."`
}

// Register adds the kind to those of the provider and of the daemon's API.
func Register(kinds api.Kinds) api.Kinds {
	kinds.Sources = append(kinds.Sources, spec.KindOf[Spec](KindName, "Numbers, from 0."))
	return kinds
}

// Kind implements the kind.
type Kind struct{}

// Check finds nothing: the tags say it all.
func (Kind) Check(any) []spec.Problem { return nil }

// References is empty.
func (Kind) References(any) []connection.Reference { return nil }

// Open makes a source that has counted nothing yet.
func (Kind) Open(_ context.Context, cfg connector.SourceConfig) (connector.Source, error) {
	return &source{spec: cfg.Spec.(*Spec)}, nil
}

// source keeps its position in memory: a test's daemon is not restarted.
type source struct {
	spec *Spec

	mu   sync.Mutex
	next int64
}

func (s *source) Splits(context.Context) ([]connector.Split, error) {
	return []connector.Split{{Topic: s.spec.Topic}}, nil
}
func (s *source) Prepare(context.Context, []connector.Split, bool) error { return nil }
func (s *source) Group() string                                          { return "" }
func (s *source) Forget(context.Context) error                           { return nil }
func (s *source) Close()                                                 {}

func (s *source) Open(context.Context, int) (connector.Reader, error) { return &reader{source: s}, nil }

func (s *source) Progress(_ context.Context, safe map[connector.Split]connector.Position) ([]api.PartitionStatus, error) {
	var list []api.PartitionStatus
	for split, position := range safe {
		at, _ := position.(int64)
		list = append(list, api.PartitionStatus{Topic: split.Topic, Partition: split.Partition, Position: at, EndOffset: s.spec.Count, LagRecords: s.spec.Count - at})
	}
	return list, nil
}

type reader struct {
	source *source
	split  connector.Split
	next   int64
}

func (r *reader) Close() {}

func (r *reader) Assign(_ context.Context, splits []connector.Split) (map[connector.Split]connector.Position, error) {
	r.source.mu.Lock()
	defer r.source.mu.Unlock()
	r.split, r.next = splits[0], r.source.next
	return map[connector.Split]connector.Position{r.split: r.next}, nil
}

func (r *reader) Read(ctx context.Context) (connector.Batch, error) {
	if r.next >= r.source.spec.Count {
		<-ctx.Done()
		return connector.Batch{}, ctx.Err()
	}
	value := strconv.AppendInt(nil, r.next, 10)
	r.next++
	return connector.Batch{Split: r.split, Records: []connector.Record{{Value: value, Timestamp: time.Now()}}, Bytes: int64(len(value)), Position: r.next}, nil
}

func (r *reader) Commit(_ context.Context, positions map[connector.Split]connector.Position) error {
	r.source.mu.Lock()
	defer r.source.mu.Unlock()
	r.source.next = positions[r.split].(int64)
	return nil
}
