package topic

import (
	"encoding/json"
	"maps"
	"sync"
	"time"
)

const (
	// validFor is how long the word of the brokers that they would create a topic counts in plans. Terraform plans each
	// topic again right before it creates it, and the create has everything checked anyway.
	validFor = 2 * time.Minute

	// mostValidated bounds what is remembered.
	mostValidated = 20_000
)

// validated remembers which topics the brokers would create, and with which configs in force. That there is no such topic
// has to be asked by itself. It is safe for concurrent use.
type validated struct {
	mu     sync.Mutex
	topics map[string]validation
	// shapes holds what many topics have in common once.
	shapes map[string][]config
}

type validation struct {
	shape string
	until time.Time
}

func newValidated() *validated {
	return &validated{topics: map[string]validation{}, shapes: map[string][]config{}}
}

func (v *validated) keep(n creationOf, configs []config) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if len(v.topics) >= mostValidated {
		v.tidy()
	}
	shape := n.shape()
	v.topics[n.name] = validation{shape, time.Now().Add(validFor)}
	v.shapes[shape] = configs
}

// tidy forgets what no longer counts; everything, where that is too little.
func (v *validated) tidy() {
	now := time.Now()
	maps.DeleteFunc(v.topics, func(_ string, one validation) bool { return now.After(one.until) })
	if len(v.topics) >= mostValidated {
		clear(v.topics)
	}
	used := map[string]bool{}
	for _, one := range v.topics {
		used[one.shape] = true
	}
	maps.DeleteFunc(v.shapes, func(shape string, _ []config) bool { return !used[shape] })
}

// recent answers the configs that would be in force, where the brokers said so a moment ago.
func (v *validated) recent(n creationOf) ([]config, bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	one, ok := v.topics[n.name]
	if !ok || one.shape != n.shape() || time.Now().After(one.until) {
		return nil, false
	}
	return v.shapes[one.shape], true
}

// forget is called when a topic is about to be created.
func (v *validated) forget(name string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	delete(v.topics, name)
}

// shape is everything about a new topic but its name. encoding/json writes maps in the order of their keys.
func (n creationOf) shape() string {
	content, err := json.Marshal([]any{n.partitions, n.replicas, n.configs})
	if err != nil {
		return "" // numbers, texts and maps of them always encode
	}
	return string(content)
}
