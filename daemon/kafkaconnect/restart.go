package kafkaconnect

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/headgate/terraform-provider-headgate/daemon/store"
	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/internal/spec"
)

const (
	// watchEvery is how often connectors with a restart policy are looked at.
	watchEvery = 5 * time.Second
	// watchTimeout bounds one look at one cluster.
	watchTimeout = 30 * time.Second
	// backoffLimit is the longest wait between two restarts.
	backoffLimit = 5 * time.Minute
	// forgiveAfter is how long a connector must run well until its restarts no longer count.
	forgiveAfter = 10 * time.Minute
)

// retries counts the restarts of a connector after failures.
type retries struct {
	count int64
	next  time.Time // not before
	well  time.Time // since when nothing has failed; zero while something has
	told  bool      // that no more restarts follow
}

func policyOf(row store.KafkaConnector) (*api.KafkaRestartPolicy, error) {
	if row.Restart == nil {
		return nil, nil //nolint:nilnil // there is none
	}
	policy := &api.KafkaRestartPolicy{}
	if err := json.Unmarshal(row.Restart, policy); err != nil {
		return nil, fmt.Errorf("decode restart policy of connector %s: %w", row.Name, err)
	}
	return policy, nil
}

// watch restarts what has failed, by the policies of the connectors, until the daemon stops.
func (s *Service) watch() {
	for sleep(s.life, watchEvery) == nil {
		if err := s.look(s.life); err != nil && s.life.Err() == nil {
			s.log.Warn("cannot look after connectors with a restart policy", "error", err)
		}
	}
}

func (s *Service) look(ctx context.Context) error {
	rows, err := s.store.KafkaConnectors(ctx)
	if err != nil {
		return err
	}
	byConnection := map[string]map[string]*api.KafkaRestartPolicy{}
	for _, row := range rows {
		policy, err := policyOf(row)
		if err != nil {
			return err
		}
		if policy == nil {
			continue
		}
		if byConnection[row.Connection] == nil {
			byConnection[row.Connection] = map[string]*api.KafkaRestartPolicy{}
		}
		byConnection[row.Connection][row.Name] = policy
	}
	for connection, policies := range byConnection {
		if err := s.lookAt(ctx, connection, policies); err != nil && ctx.Err() == nil {
			s.log.Warn("cannot look after connectors with a restart policy", "connection", connection, "error", err)
		}
	}
	return nil
}

func (s *Service) lookAt(ctx context.Context, connection string, policies map[string]*api.KafkaRestartPolicy) error {
	ctx, cancel := context.WithTimeout(ctx, watchTimeout)
	defer cancel()
	c, err := s.cluster(ctx, connection)
	if err != nil {
		return err
	}
	all, err := c.all(ctx)
	if err != nil {
		return err
	}
	for _, f := range all {
		policy := policies[f.name]
		if policy == nil || s.isUnderway(id(connection, f.name)) || !s.due(id(connection, f.name), f, policy, time.Now()) {
			continue
		}
		s.log.Info("restarting what has failed of a connector on Kafka Connect", "connection", connection, "connector", f.name)
		if err := c.client.Do(ctx, http.MethodPost, connectorPath(f.name)+"/restart?includeTasks=true&onlyFailed=true", nil, nil); err != nil {
			return c.failure(fmt.Sprintf("restart connector %q", f.name), err)
		}
	}
	return nil
}

// due notes how a connector does, and says whether to restart what has failed of it now.
func (s *Service) due(id string, f *found, policy *api.KafkaRestartPolicy, now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.restarts[id]
	if f.status.failed() == nil || f.state() != api.StateRunning {
		if r != nil && r.well.IsZero() {
			r.well = now
		}
		if r != nil && now.Sub(r.well) >= forgiveAfter {
			delete(s.restarts, id)
		}
		return false
	}
	if r == nil {
		r = &retries{next: now.Add(spec.Duration(policy.Backoff).Or(0))}
		s.restarts[id] = r
	}
	r.well = time.Time{}
	if r.count >= policy.MaxRetries {
		if !r.told {
			s.log.Error("a connector on Kafka Connect stays failed: its restarts are used up", "connector", id, "restarts", r.count)
		}
		r.told = true
		return false
	}
	if now.Before(r.next) {
		return false
	}
	r.count++
	r.next = now.Add(min(spec.Duration(policy.Backoff).Or(0)<<min(r.count, 10), backoffLimit))
	return true
}

// restartCount is how often what has failed of a connector was restarted.
func (s *Service) restartCount(connection, name string) int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r := s.restarts[id(connection, name)]; r != nil {
		return r.count
	}
	return 0
}
