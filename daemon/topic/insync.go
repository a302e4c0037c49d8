package topic

import (
	"fmt"
	"strconv"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/internal/spec"
)

// inSyncConfig is how many replicas must have a record before a producer that asks for all hears that it is safe. Kafka
// takes more than there are replicas, and then either counts what there are, or refuses every such record.
const inSyncConfig = "min.insync.replicas"

func inSync(c kadm.AlterConfig) (int, bool) {
	if c.Op != kadm.SetConfig || c.Name != inSyncConfig {
		return 0, false
	}
	n, err := strconv.Atoi(*c.Value)
	return n, err == nil
}

// checkInSync refuses a new topic that asks for more replicas in sync than it has.
func (n creationOf) checkInSync() *api.Error {
	value := n.configs[inSyncConfig]
	if value == nil || n.replicas < 1 {
		return nil
	}
	if want, err := strconv.Atoi(*value); err == nil && want > int(n.replicas) {
		return tooManyInSync(want, int(n.replicas))
	}
	return nil
}

// checkInSync refuses a change after which a topic asks for more replicas in sync than it has. What was so before and does
// not change is left alone.
func (ch change) checkInSync() *api.Error {
	replicas := ch.have.replicas
	if ch.factor > 0 {
		replicas = ch.factor
	}
	own, set := ch.have.own(inSyncConfig)
	for _, c := range ch.configs {
		if c.Name != inSyncConfig {
			continue
		}
		if n, ok := inSync(c); ok && n > replicas {
			return tooManyInSync(n, replicas)
		}
		set = false
	}
	if n, err := strconv.Atoi(own); set && err == nil && n > replicas && replicas < ch.have.replicas {
		return api.Invalid("/replication_factor", fmt.Sprintf("Topic %q asks for %d replicas in sync, and would have %d", ch.have.name, n, replicas),
			"min.insync.replicas is set on the topic. With fewer replicas than that it promises a safety that is not there, or refuses records.",
			fmt.Sprintf("Keep replication_factor at %d or more, or set min.insync.replicas in config to %d or less.", n, replicas))
	}
	return nil
}

func tooManyInSync(want, replicas int) *api.Error {
	return api.Invalid(spec.Join("/config", inSyncConfig), fmt.Sprintf("The topic cannot have %d replicas in sync: it has %d", want, replicas),
		"Kafka takes it, and then promises a safety that is not there, or refuses every record of producers that want it.",
		fmt.Sprintf("Set min.insync.replicas to %d or less, or replication_factor to %d or more.", replicas, want))
}
