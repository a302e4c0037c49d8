package connector

import (
	"math/rand/v2"
	"time"
)

// How a failed instance is restarted.
const (
	backoffFirst = time.Second
	backoffLimit = 5 * time.Minute
	// backoffDecay is how long an instance must run well until its restart count is halved.
	backoffDecay = 5 * time.Minute
)

// restarts counts restarts after failures. The count sets the backoff, and fades while the instance runs well.
type restarts struct {
	count     int64
	total     int64
	decayedAt time.Time
}

// next notes a failure and answers how long to wait before the restart: doubling from a second to five minutes, with
// up to a quarter of jitter so that instances that failed together do not come back together.
func (r *restarts) next(now time.Time) time.Duration {
	r.decay(now)
	wait := backoffLimit
	if r.count < 9 {
		wait = min(backoffFirst<<r.count, backoffLimit)
	}
	r.count++
	r.total++
	return wait + rand.N(wait/4) // #nosec G404 -- jitter
}

// running notes that the instance runs from now on.
func (r *restarts) running(now time.Time) { r.decayedAt = now }

// decay halves the count for each stretch that went well.
func (r *restarts) decay(now time.Time) {
	if r.decayedAt.IsZero() {
		return
	}
	for r.count > 0 && now.Sub(r.decayedAt) >= backoffDecay {
		r.count /= 2
		r.decayedAt = r.decayedAt.Add(backoffDecay)
	}
}

// failed stops the decay until the instance runs again.
func (r *restarts) failed() { r.decayedAt = time.Time{} }
