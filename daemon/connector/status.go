package connector

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"

	"github.com/headgate/terraform-provider-headgate/internal/api"
)

// progressTimeout bounds the question how far a connector is.
const progressTimeout = 5 * time.Second

// unknown marks numbers of a status that nobody knows.
const unknown = -1

// status tells what the run is really doing. With a context it also asks how far the splits are.
func (r *run) status(ctx context.Context, workerID string) api.ConnectorStatus {
	status := api.ConnectorStatus{WorkerID: workerID, Guarantee: api.GuaranteeAtLeastOnce, GroupID: r.source.Group()}
	all := map[Split]Position{}
	for _, i := range r.instances {
		maps.Copy(all, i.safePositions())
	}
	partitions := r.progress(ctx, all)
	for _, i := range r.instances {
		status.Instances = append(status.Instances, i.status(workerID, partitions))
	}
	status.State = stateOf(status.Instances)
	status.Error = firstError(status.Instances, status.State)
	for _, i := range status.Instances {
		status.LagRecords = addKnown(status.LagRecords, i.LagRecords)
	}
	return status
}

func (r *run) progress(ctx context.Context, safe map[Split]Position) map[Split]api.PartitionStatus {
	found := make(map[Split]api.PartitionStatus, len(safe))
	for split := range safe {
		found[split] = unknownProgress(split)
	}
	if ctx.Err() != nil {
		return found
	}
	ctx, cancel := context.WithTimeout(ctx, progressTimeout)
	defer cancel()
	list, err := r.source.Progress(ctx, safe)
	if err != nil {
		// A status must be told above all when the source is down; the numbers stay unknown.
		return found
	}
	for _, p := range list {
		found[Split{p.Topic, p.Partition}] = p
	}
	return found
}

func unknownProgress(s Split) api.PartitionStatus {
	return api.PartitionStatus{Topic: s.Topic, Partition: s.Partition, Position: unknown, EndOffset: unknown, LagRecords: unknown}
}

func (i *instance) status(workerID string, partitions map[Split]api.PartitionStatus) api.InstanceStatus {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.restarts.decay(time.Now())
	status := api.InstanceStatus{
		ID: i.id, State: i.state, WorkerID: workerID, Error: i.failure,
		Restarts: i.restarts.count, RestartsTotal: i.restarts.total,
		RecordsReceived: i.recordsReceived.Load(), RecordsWritten: i.recordsWritten.Load(),
		BytesReceived: i.bytesReceived.Load(), BytesWritten: i.bytesWritten.Load(),
		SourceErrors: i.sourceErrors.copy(), SystemErrors: i.systemErrors.copy(),
		Partitions: []api.PartitionStatus{},
	}
	if i.state == api.StateStarting {
		status.Error = i.hindrance()
	}
	if at := i.lastReceived.Load(); at != 0 {
		t := time.Unix(0, at).UTC()
		status.LastReceived = &t
	}
	if !i.nextRestart.IsZero() {
		t := i.nextRestart.UTC()
		status.NextRestart = &t
	}
	for _, s := range i.splits {
		p, known := partitions[s]
		if !known { // it was taken over after the question, or could not be
			p = unknownProgress(s)
		}
		status.Partitions = append(status.Partitions, p)
		status.LagRecords = addKnown(status.LagRecords, p.LagRecords)
	}
	slices.SortFunc(status.Partitions, func(a, b api.PartitionStatus) int {
		return cmp.Or(cmp.Compare(a.Topic, b.Topic), cmp.Compare(a.Partition, b.Partition))
	})
	return status
}

// stateOf sums up the instances: the worst of them counts.
func stateOf(instances []api.InstanceStatus) string {
	for _, state := range []string{api.StateFailed, api.StateStarting, api.StatePaused} {
		if slices.ContainsFunc(instances, func(i api.InstanceStatus) bool { return i.State == state }) {
			return state
		}
	}
	return api.StateRunning
}

func firstError(instances []api.InstanceStatus, state string) *api.Failure {
	if state != api.StateFailed && state != api.StateStarting {
		return nil
	}
	for _, i := range instances {
		if i.State == state && i.Error != nil {
			return i.Error
		}
	}
	return nil
}

// hindrance is the newest error of the current attempt, which it may get over yet; nil when there is none. The caller holds mu.
func (i *instance) hindrance() *api.Failure {
	var newest *api.Failure
	for _, list := range [][]api.Failure{i.sourceErrors.list, i.systemErrors.list} {
		if len(list) > 0 && !list[0].At.Before(i.began) && (newest == nil || list[0].At.After(newest.At)) {
			newest = &list[0]
		}
	}
	return newest
}

func addKnown(sum, n int64) int64 {
	if sum == unknown || n == unknown {
		return unknown
	}
	return sum + n
}
