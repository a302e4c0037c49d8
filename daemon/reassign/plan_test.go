package reassign

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// world is a cluster and a topic on it.
type world struct {
	brokers    []Broker
	partitions []Partition
	factor     int
}

func worlds() *rapid.Generator[world] {
	return rapid.Custom(func(t *rapid.T) world {
		w := world{}
		racks := rapid.IntRange(0, 4).Draw(t, "racks")
		for id := range int32(rapid.IntRange(1, 9).Draw(t, "brokers")) {
			b := Broker{ID: id * 3, Replicas: rapid.IntRange(0, 5).Draw(t, "other replicas")}
			if racks > 0 {
				b.Rack = fmt.Sprint("r", rapid.IntRange(1, racks).Draw(t, "rack"))
			}
			w.brokers = append(w.brokers, b)
		}
		// Some replicas are on brokers that are down.
		ids := []int32{100, 101}
		for _, b := range w.brokers {
			ids = append(ids, b.ID)
		}
		for id := range int32(rapid.IntRange(1, 12).Draw(t, "partitions")) {
			order := rapid.Permutation(ids).Draw(t, "order")
			replicas := order[:rapid.IntRange(1, min(5, len(order))).Draw(t, "replicas")]
			var inSync []int32
			for _, id := range replicas {
				if id < 100 && rapid.IntRange(0, 4).Draw(t, "lag") > 0 {
					inSync = append(inSync, id)
				}
			}
			leader := int32(-1)
			if len(inSync) > 0 {
				leader = rapid.SampledFrom(inSync).Draw(t, "leader")
			}
			w.partitions = append(w.partitions, Partition{ID: id, Replicas: slices.Clone(replicas), InSync: inSync, Leader: leader})
		}
		w.factor = rapid.IntRange(1, len(w.brokers)).Draw(t, "factor")
		return w
	})
}

// after is the whole assignment once the moves are made.
func (w world) after(moves []Move) [][]int32 {
	var all [][]int32
	for _, p := range w.partitions {
		all = append(all, p.Replicas)
	}
	for _, m := range moves {
		all[m.Partition] = m.To
	}
	return all
}

func (w world) racks(replicas []int32) int {
	p := newPlacing(w.brokers, nil)
	distinct := map[string]bool{}
	for _, id := range replicas {
		distinct[p.rack(id)] = true
	}
	return len(distinct)
}

func (w world) up(id int32) bool {
	return slices.ContainsFunc(w.brokers, func(b Broker) bool { return b.ID == id })
}

func TestPlanKeepsItsPromises(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := worlds().Draw(t, "world")
		moves, err := Plan(w.brokers, w.partitions, w.factor)
		if err != nil {
			t.Fatal(err)
		}
		all := w.after(moves)
		load := map[int32]int{}
		var brokers []int32
		for _, b := range w.brokers {
			brokers = append(brokers, b.ID)
		}
		for i, to := range all {
			have := w.partitions[i]
			for k, id := range to {
				load[id]++
				if slices.Contains(to[:k], id) {
					t.Fatalf("partition %d has broker %d twice: %v", i, id, to)
				}
				if !slices.Contains(have.Replicas, id) && !w.up(id) {
					t.Fatalf("partition %d goes to broker %d, which is down", i, id)
				}
			}
			if len(to) != w.factor {
				t.Fatalf("partition %d has %d replicas, want %d", i, len(to), w.factor)
			}
			w.least(t, have, to)
			w.leaders(t, have, to)
			w.spread(t, have, to, brokers)
		}
		w.level(t, all, load, brokers)
		again, err := Plan(w.brokers, rebuilt(all), w.factor)
		if err != nil || len(again) > 0 {
			t.Fatalf("planned again: %v, %v", again, err)
		}
	})
}

func rebuilt(all [][]int32) []Partition {
	var partitions []Partition
	for i, to := range all {
		partitions = append(partitions, Partition{ID: int32(i), Replicas: to, InSync: to, Leader: to[0]})
	}
	return partitions
}

// least checks that no more is copied or dropped than has to be.
func (w world) least(t *rapid.T, have Partition, to []int32) {
	kept := 0
	for _, id := range have.Replicas {
		if slices.Contains(to, id) {
			kept++
		}
	}
	if kept != min(w.factor, len(have.Replicas)) {
		t.Fatalf("partition %d goes from %v to %v: %d replicas stay, want %d", have.ID, have.Replicas, to, kept, min(w.factor, len(have.Replicas)))
	}
}

// leaders checks that the preferred leader stays, and that a partition never loses all that is in sync.
func (w world) leaders(t *rapid.T, have Partition, to []int32) {
	preferred := have.Replicas[0]
	if (len(have.InSync) == 0 || slices.Contains(have.InSync, preferred) || w.factor >= len(have.Replicas)) && to[0] != preferred {
		t.Fatalf("partition %d goes from %v to %v: the preferred leader changes", have.ID, have.Replicas, to)
	}
	if len(have.InSync) > 0 && !slices.ContainsFunc(to, func(id int32) bool { return slices.Contains(have.InSync, id) }) {
		t.Fatalf("partition %d goes from %v to %v: of %v in sync none stays", have.ID, have.Replicas, to, have.InSync)
	}
}

// spread checks that what is added stands in as many racks as it can.
func (w world) spread(t *rapid.T, have Partition, to []int32, brokers []int32) {
	added := w.factor - len(have.Replicas)
	if added <= 0 {
		return
	}
	fresh := w.racks(append(slices.Clone(have.Replicas), brokers...)) - w.racks(have.Replicas)
	if want := w.racks(have.Replicas) + min(added, fresh); w.racks(to) != want {
		t.Fatalf("partition %d goes from %v to %v, which is in %d racks, want %d", have.ID, have.Replicas, to, w.racks(to), want)
	}
}

// level checks that no new replica could go to a broker with two fewer without crowding a rack.
func (w world) level(t *rapid.T, all [][]int32, load map[int32]int, brokers []int32) {
	p := newPlacing(w.brokers, nil)
	for i, to := range all {
		for _, from := range to {
			if slices.Contains(w.partitions[i].Replicas, from) {
				continue
			}
			for _, other := range brokers {
				if load[from]-load[other] >= 2 && !slices.Contains(to, other) && p.crowd(without(to, from), other) <= p.crowd(to, from) {
					t.Fatalf("partition %d is on %v: broker %d has %d replicas, and %d has %d", i, to, from, load[from], other, load[other])
				}
			}
		}
	}
}

func TestPlanRefuses(t *testing.T) {
	one := []Partition{{Replicas: []int32{0}}}
	for _, factor := range []int{0, 3} {
		if moves, err := Plan([]Broker{{ID: 0}, {ID: 1}}, one, factor); err == nil {
			t.Errorf("%d replicas on 2 brokers: %v", factor, moves)
		}
	}
}

func TestPlanThreeRacks(t *testing.T) {
	brokers := []Broker{{ID: 0, Rack: "a"}, {ID: 1, Rack: "b"}, {ID: 2, Rack: "c"}, {ID: 3, Rack: "a"}, {ID: 4, Rack: "b"}, {ID: 5, Rack: "c"}}
	var partitions []Partition
	for id := range int32(12) {
		partitions = append(partitions, Partition{ID: id, Replicas: []int32{id % 6}, InSync: []int32{id % 6}, Leader: id % 6})
	}
	moves, err := Plan(brokers, partitions, 3)
	if err != nil {
		t.Fatal(err)
	}
	load := map[int32]int{}
	w := world{brokers: brokers}
	for _, m := range moves {
		for _, id := range m.To {
			load[id]++
		}
		if w.racks(m.To) != 3 {
			t.Errorf("partition %d is on %v, in fewer racks than there are", m.Partition, m.To)
		}
	}
	for id, n := range load {
		if len(moves) != 12 || n != 6 {
			t.Errorf("of %d moves, broker %d has %d replicas, want 12 and 6", len(moves), id, n)
		}
	}
}
