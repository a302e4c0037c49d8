// Package connector is the runtime that hosts connectors. A connector has instances that share the splits of its
// source; each instance moves batches from a reader to a writer, and commits a position once everything before it is
// safe at the destination. A kind of source is a package below this one.
package connector

import (
	"context"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/headgate/terraform-provider-headgate/daemon/connection"
	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/internal/spec"
)

// Split is a part of a source that is read in order and independently of the others: a partition of a topic, a shard
// of a stream.
type Split struct {
	Topic     string
	Partition int32
}

// Position is where to go on reading a split. Only the source that made it looks inside.
type Position any

// Header is a record header. It is Kafka's, because Kafka is at one end of every connector.
type Header = kgo.RecordHeader

// Record is one record on its way. Key and Value are nil when the record has none, which is not the same as empty.
type Record struct {
	Key       []byte
	Value     []byte
	Headers   []Header
	Timestamp time.Time
}

// Batch is some records of one split, in order.
type Batch struct {
	Split   Split
	Records []Record
	// Bytes is the memory that the batch holds until it is done.
	Bytes int64
	// Position is where reading goes on after this batch.
	Position Position
}

// Source is the reading side of one connector. Its methods may be called concurrently.
type Source interface {
	// Splits lists what there is to read now.
	Splits(ctx context.Context) ([]Split, error)
	// Prepare sees to the positions before the splits are read. First, when the connector is new or was changed, it fixes
	// the positions of splits that have none; splits that appear later begin at their beginning. Otherwise it fails when
	// the positions that there were are gone.
	Prepare(ctx context.Context, splits []Split, first bool) error
	// Open connects a reader for an instance.
	Open(ctx context.Context, instance int) (Reader, error)
	// Progress tells how far each split is, given the positions up to which everything is safe.
	Progress(ctx context.Context, safe map[Split]Position) ([]api.PartitionStatus, error)
	// Group names the consumer group that holds the positions, or is empty.
	Group() string
	// Forget removes the committed positions of a connector that is being deleted.
	Forget(ctx context.Context) error
	// Close frees what the source holds; readers are closed before.
	Close()
}

// Reader reads the splits of one instance. Its methods are called from one goroutine at a time, but for Commit.
type Reader interface {
	// Assign adds splits, each from its committed position, and answers these positions. Splits that are read already
	// go on undisturbed.
	Assign(ctx context.Context, splits []Split) (map[Split]Position, error)
	// Read waits for the next batch.
	Read(ctx context.Context) (Batch, error)
	// Commit keeps positions, so that a restart goes on there.
	Commit(ctx context.Context, positions map[Split]Position) error
	Close()
}

// Sink is the writing side of one connector. Its methods may be called concurrently.
type Sink interface {
	// Check finds out, changing nothing, whether the splits can be written.
	Check(ctx context.Context, splits []Split) error
	// Prepare makes the destination ready for the splits.
	Prepare(ctx context.Context, splits []Split) error
	// Open connects a writer for an instance.
	Open(ctx context.Context, instance int) (Writer, error)
	Close()
}

// Writer writes for one instance.
type Writer interface {
	// Write takes a batch and calls done once, from any goroutine, when the destination holds all of it or when it
	// never will. Batches of a split are written in the order of the calls. It may wait while the writer is full.
	Write(ctx context.Context, batch Batch, done func(error))
	// Trouble is what keeps the destination from taking batches just now, or nil where nothing is known.
	Trouble() error
	// Close gives up on what is not written yet; done is called for it.
	Close()
}

// SourceKind is what the daemon knows about one kind of source. Specs are pointers to the struct that describes the kind.
type SourceKind interface {
	// Check finds what is wrong beyond what the field tags say.
	Check(target any) []spec.Problem
	// References lists the connections that it reads from.
	References(target any) []connection.Reference
	// Open makes the source of a connector.
	Open(ctx context.Context, cfg SourceConfig) (Source, error)
}

// SourceConfig is what a source is made from.
type SourceConfig struct {
	// Name and UID identify the connector; another connector of the same name has another UID.
	Name string
	UID  string
	Spec any
	// Report takes errors that the source gets over by itself, for the status. It may be called from any goroutine.
	Report func(instance int, err error)
}

// TopicFlow is implemented by sources and sinks that are topics of a Kafka cluster, so that loops can be seen.
type TopicFlow interface {
	// Cluster identifies the cluster, whichever connection it is reached by.
	Cluster(ctx context.Context) (string, error)
}

// TopicSource is a source of topics.
type TopicSource interface {
	TopicFlow
	// Selects says whether the connector would read a topic of this name.
	Selects(topic string) bool
	// Samples are names that it would read, for when there are no such topics yet.
	Samples() []string
}

// TopicKind is implemented by kinds whose sources are [TopicSource]s.
type TopicKind interface {
	// Selects says whether a connector with this spec reads a topic of this name, be it running or not.
	Selects(target any, topic string) bool
}

// TopicSink is a sink of topics.
type TopicSink interface {
	TopicFlow
	// TopicFor names the destination of a source topic.
	TopicFor(topic string) string
}
