package cluster_test

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/headgate/terraform-provider-headgate/daemon/cluster"
	test "github.com/headgate/terraform-provider-headgate/daemon/declared/declaredtest"
	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/internal/real"
)

func look(t *testing.T, e *test.Env, want func(c *api.Cluster) bool) *api.Cluster {
	t.Helper()
	real.CreateTopic(t, e.Raw, 6, e.Replicas, nil, e.Prefix+"topic")
	service := cluster.New(e.Conns, e.Admins, slog.New(slog.DiscardHandler))
	var c *api.Cluster
	real.Eventually(t, func(ctx context.Context) error {
		var err error
		if c, err = service.Get(ctx, test.Conn); err != nil {
			return err
		}
		var leaders, replicas int64
		for _, b := range c.Brokers {
			leaders += b.Leaders
			replicas += b.Replicas
			if b.Host == "" || b.Port == 0 || b.LogDirs == nil {
				return fmt.Errorf("a broker is %+v", b)
			}
		}
		if len(c.Brokers) != len(e.Servers) || c.ClusterID == "" || c.Topics == 0 || c.Partitions < 6 || leaders != c.Partitions || replicas < leaders || !want(c) {
			return fmt.Errorf("the cluster is %+v", c)
		}
		return nil
	})
	return c
}

func TestCluster(t *testing.T) {
	look(t, test.Dev(t), func(*api.Cluster) bool { return true })
}

func TestRealCluster(t *testing.T) {
	c := look(t, test.Real(t), func(c *api.Cluster) bool {
		return c.ControllerID != nil && strings.HasPrefix(c.Version, "4.") && c.Features["metadata.version"] > 0 && len(c.Brokers[0].LogDirs) > 0
	})
	t.Logf("Kafka %s, features %v", c.Version, c.Features)
}
