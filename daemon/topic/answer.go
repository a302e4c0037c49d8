package topic

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"maps"
	"slices"

	"github.com/headgate/terraform-provider-headgate/daemon/reassign"
	"github.com/headgate/terraform-provider-headgate/daemon/store"
	"github.com/headgate/terraform-provider-headgate/internal/api"
)

// answer joins what the cluster and the store know about a topic.
func answer(st *state, row store.Topic) *api.Topic { return answerWith(st, row, nil) }

// answerWith is answer with only a few of the configs in force; nil are all.
func answerWith(st *state, row store.Topic, effective []string) *api.Topic {
	t := &api.Topic{
		Connection: st.connection, Name: st.name, Partitions: int64(st.partitions), ReplicationFactor: int64(st.replicas),
		Config: map[string]string{}, ConfigEffective: map[string]string{},
		Description: row.Description, Labels: map[string]string{}, DeletionProtection: row.DeletionProtection,
		Internal: st.internal,
	}
	if st.id != [16]byte{} {
		t.ID = st.id.String()
	}
	maps.Copy(t.Labels, row.Labels)
	for _, c := range st.configs {
		if c.sensitive {
			continue
		}
		if effective == nil || slices.Contains(effective, c.key) {
			t.ConfigEffective[c.key] = c.value
		}
		if c.own && !reassign.Transient(c.key) {
			t.Config[c.key] = c.value
		}
	}
	t.Generation = generation(t)
	return t
}

// generation is a short hash of everything that a write can change, and of the topic's id. encoding/json writes maps in
// the order of their keys.
func generation(t *api.Topic) string {
	content, err := json.Marshal([]any{t.ID, t.Partitions, t.ReplicationFactor, t.Config, t.Description, t.Labels, t.DeletionProtection})
	if err != nil {
		return "" // strings, numbers and maps of strings always encode
	}
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:8])
}
