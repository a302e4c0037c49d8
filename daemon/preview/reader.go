package preview

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// idle is how long no record may come before what is left of a step is taken for gaps.
const idle = time.Second

// reader reads partitions from their ends backwards, in steps that double: each step reads, forwards, the offsets just
// before those of the last one. Compaction and transactions leave gaps, so offsets do not tell how many records there are.
//
// Invariant: of each partition, records holds everything from its low offset on. So whenever the reading ends, what was
// read is the newest.
type reader struct {
	client     *kgo.Client
	topic      string
	last       int
	matches    func(*kgo.Record) bool // nil: all do
	partitions map[int32]*partition
	records    []*kgo.Record
	bytes      int
	waiting    int  // bytes of steps that are not read to their end
	full       bool // maxBytes would be exceeded
}

// partition is how far a partition has been read.
type partition struct {
	start int64 // of the log
	low   int64 // everything from here on was read
	step  int64 // how many offsets the next step goes back
	count int
	// oldest is the timestamp of the record at the lowest offset that was read.
	oldest time.Time
}

// step is the reading of one partition's offsets from low up to, not including, high.
type step struct {
	low, high int64
	records   []*kgo.Record
}

func newReader(client *kgo.Client, topic string, ranges map[int32]offsets, last int, matches func(*kgo.Record) bool) *reader {
	r := &reader{client: client, topic: topic, last: last, matches: matches, partitions: map[int32]*partition{}}
	for id, at := range ranges {
		r.partitions[id] = &partition{start: at.start, low: at.end, step: 1}
	}
	return r
}

func (r *reader) run(ctx context.Context) error {
	for !r.full {
		steps := r.next()
		if len(steps) == 0 {
			return nil
		}
		if err := r.readSteps(ctx, steps); err != nil {
			return err
		}
	}
	return nil
}

// next plans a step of each partition that may still hold records newer than the oldest one to be shown.
func (r *reader) next() map[int32]*step {
	bar, reached := r.bar()
	steps := map[int32]*step{}
	for id, p := range r.partitions {
		if p.low <= p.start || p.count >= r.last || reached && p.count > 0 && p.oldest.Before(bar) {
			continue
		}
		steps[id] = &step{low: max(p.start, p.low-p.step), high: p.low}
		p.step *= 2
	}
	return steps
}

// bar is the timestamp of the oldest record that would be shown by now.
func (r *reader) bar() (time.Time, bool) {
	if len(r.records) < r.last {
		return time.Time{}, false
	}
	return r.newest()[0].Timestamp, true
}

// readSteps reads the steps of several partitions at once.
func (r *reader) readSteps(ctx context.Context, steps map[int32]*step) error {
	at := make(map[int32]kgo.Offset, len(steps))
	for id, s := range steps {
		at[id] = kgo.NewOffset().At(s.low)
	}
	r.client.AddConsumePartitions(map[string]map[int32]kgo.Offset{r.topic: at})
	defer r.client.RemoveConsumePartitions(map[string][]int32{r.topic: slices.Collect(maps.Keys(steps))})
	r.waiting = 0
	open := maps.Clone(steps)
	for len(open) > 0 && !r.full {
		if r.bytes+r.waiting > maxBytes {
			r.full = true
			return nil
		}
		some, err := r.poll(ctx, open)
		if err != nil {
			return err
		}
		if !some {
			r.closeAll(open)
		}
	}
	return nil
}

// poll reads what comes next, and closes the steps that came to their end. It answers false when nothing came.
func (r *reader) poll(ctx context.Context, open map[int32]*step) (some bool, err error) {
	waiting, cancel := context.WithTimeout(ctx, idle)
	defer cancel()
	fetches := r.client.PollFetches(waiting)
	if ctx.Err() != nil {
		return false, ctx.Err()
	}
	fetches.EachError(func(_ string, id int32, e error) {
		if waiting.Err() == nil {
			err = fmt.Errorf("read partition %d: %w", id, e)
		}
	})
	fetches.EachRecord(func(record *kgo.Record) {
		some = true
		if s := open[record.Partition]; s != nil {
			r.take(s, record, open)
		}
	})
	return some, err
}

func (r *reader) take(s *step, record *kgo.Record, open map[int32]*step) {
	if record.Offset < s.high && r.wants(record) {
		s.records = append(s.records, record)
		r.waiting += sizeOf(record)
	}
	if record.Offset >= s.high-1 {
		r.close(record.Partition, s)
		delete(open, record.Partition)
	}
}

// wants says whether a record is to be shown. Control records are nobody's.
func (r *reader) wants(record *kgo.Record) bool {
	return !record.Attrs.IsControl() && (r.matches == nil || r.matches(record))
}

func (r *reader) closeAll(open map[int32]*step) {
	for id, s := range open {
		r.close(id, s)
	}
	clear(open)
}

// close takes over what a step found, the newest first, as far as the bytes allow.
func (r *reader) close(id int32, s *step) {
	p := r.partitions[id]
	for _, record := range s.records {
		r.waiting -= sizeOf(record)
	}
	for _, record := range slices.Backward(s.records) {
		size := sizeOf(record)
		if r.bytes+size > maxBytes {
			r.full = true
			return
		}
		r.bytes += size
		r.records = append(r.records, record)
		p.low, p.oldest = record.Offset, record.Timestamp
		p.count++
	}
	p.low = s.low
}

// newest answers the records to be shown by now, oldest first.
func (r *reader) newest() []*kgo.Record {
	r.sort()
	return r.records[max(0, len(r.records)-r.last):]
}

func (r *reader) sort() {
	slices.SortFunc(r.records, func(a, b *kgo.Record) int {
		return cmp.Or(a.Timestamp.Compare(b.Timestamp), cmp.Compare(a.Partition, b.Partition), cmp.Compare(a.Offset, b.Offset))
	})
}

// forward reads each partition from its start, as many records as are to be shown at most.
func (r *reader) forward(ctx context.Context) error {
	at := map[int32]kgo.Offset{}
	open := map[int32]*step{}
	for id, p := range r.partitions {
		if p.start < p.low {
			at[id] = kgo.NewOffset().At(p.start)
			open[id] = &step{low: p.start, high: p.low}
		}
	}
	r.client.AddConsumePartitions(map[string]map[int32]kgo.Offset{r.topic: at})
	for len(open) > 0 && !r.full {
		some, err := r.pollForward(ctx, open)
		if err != nil || !some {
			return err
		}
	}
	return nil
}

func (r *reader) pollForward(ctx context.Context, open map[int32]*step) (some bool, err error) {
	waiting, cancel := context.WithTimeout(ctx, idle)
	defer cancel()
	fetches := r.client.PollFetches(waiting)
	if ctx.Err() != nil {
		return false, ctx.Err()
	}
	fetches.EachError(func(_ string, id int32, e error) {
		if waiting.Err() == nil {
			err = fmt.Errorf("read partition %d: %w", id, e)
		}
	})
	fetches.EachRecord(func(record *kgo.Record) {
		some = true
		if s := open[record.Partition]; s != nil && !r.full {
			r.takeForward(s, record, open)
		}
	})
	return some, err
}

func (r *reader) takeForward(s *step, record *kgo.Record, open map[int32]*step) {
	p := r.partitions[record.Partition]
	if record.Offset < s.high && r.wants(record) {
		if r.bytes+sizeOf(record) > maxBytes {
			r.full = true
			return
		}
		r.bytes += sizeOf(record)
		r.records = append(r.records, record)
		p.count++
	}
	if record.Offset >= s.high-1 || p.count == r.last {
		delete(open, record.Partition)
		r.client.PauseFetchPartitions(map[string][]int32{r.topic: {record.Partition}})
	}
}

// earliest answers the records to be shown of those that were read forward, oldest first.
func (r *reader) earliest() []*kgo.Record {
	r.sort()
	return r.records[:min(len(r.records), r.last)]
}

func sizeOf(record *kgo.Record) int {
	size := len(record.Key) + len(record.Value)
	for _, h := range record.Headers {
		size += len(h.Key) + len(h.Value)
	}
	return size
}
