package topicset

import "sync"

// memory has the topics that were read for Terraform's state by a set that was not planned since. Terraform reads a set just
// before it plans it. A plan that makes a new set of such topics replaces a tainted one: Terraform keeps from it what was there.
type memory struct {
	mu     sync.Mutex
	topics map[string]bool
}

func (m *memory) read(s *set) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.topics == nil {
		m.topics = make(map[string]bool, len(s.topics))
	}
	for name := range s.topics {
		m.topics[id(s.connection.v, name)] = true
	}
}

// planned notes that a set, if there is one, was planned as what it is.
func (m *memory) planned(prior *set) {
	if prior == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for name := range prior.topics {
		delete(m.topics, id(prior.connection.v, name))
	}
}

func (m *memory) has(connection, name string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.topics[id(connection, name)]
}

func id(connection, name string) string { return connection + "/" + name }

// replaces says whether a topic of a set that is planned anew is in Terraform's state as one of that set: because the set is
// tainted, or because somebody asked for its replacement. Then Terraform planned it as it is before, and keeps the private data.
func (r *Resource) replaces(connection, name string, kept private) bool {
	return r.memory.has(connection, name) || kept.Connection == connection && kept.Generations[name] != ""
}
