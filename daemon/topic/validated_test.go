package topic

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"
)

func TestValidatedCountsForAWhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newValidated()
		one := creationOf{name: "orders", partitions: 3, replicas: 1, configs: map[string]*string{"flush.ms": new("7")}}
		inForce := []config{{key: "flush.ms", value: "7", own: true}}
		if _, ok := v.recent(one); ok {
			t.Error("it counts before it was said")
		}
		v.keep(one, inForce)
		if got, ok := v.recent(one); !ok || len(got) != 1 || got[0] != inForce[0] {
			t.Errorf("got %v, %v", got, ok)
		}
		for what, other := range map[string]creationOf{
			"another name":       {name: "refunds", partitions: 3, replicas: 1, configs: one.configs},
			"another number":     {name: "orders", partitions: 4, replicas: 1, configs: one.configs},
			"more replicas":      {name: "orders", partitions: 3, replicas: 2, configs: one.configs},
			"another value":      {name: "orders", partitions: 3, replicas: 1, configs: map[string]*string{"flush.ms": new("8")}},
			"one config is gone": {name: "orders", partitions: 3, replicas: 1},
		} {
			if _, ok := v.recent(other); ok {
				t.Errorf("%s: it counts for another topic", what)
			}
		}
		time.Sleep(validFor + time.Second)
		if _, ok := v.recent(one); ok {
			t.Error("it counts for too long")
		}
		v.keep(one, inForce)
		v.forget("orders")
		if _, ok := v.recent(one); ok {
			t.Error("it counts after the create")
		}
	})
}

func TestValidatedIsBounded(t *testing.T) {
	v := newValidated()
	for i := range mostValidated + 10 {
		v.keep(creationOf{name: fmt.Sprint(i), partitions: int32(i)}, nil)
	}
	if len(v.topics) > mostValidated || len(v.shapes) > mostValidated {
		t.Errorf("%d topics of %d shapes are remembered", len(v.topics), len(v.shapes))
	}
}
