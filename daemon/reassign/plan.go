// Package reassign changes the replication factor of topics in place, by Kafka's partition reassignment (KIP-455): it
// plans where replicas go, throttles their copying, tells how far it is, and takes the throttle away afterwards. Kafka
// itself goes on when the daemon dies; what has to be cleaned up is noted in the store before it is made.
package reassign

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
)

// Broker is one that is up and can hold replicas.
type Broker struct {
	ID int32
	// Rack is where it stands; empty: in a place of its own.
	Rack string
	// Replicas is how many it holds of other topics. It decides between brokers that are equal otherwise.
	Replicas int
}

// Partition is where the replicas of a partition are, the preferred leader first.
type Partition struct {
	ID       int32
	Replicas []int32
	InSync   []int32
	Leader   int32 // -1: none
}

// Move is a partition whose replicas change.
type Move struct {
	Partition int32
	From, To  []int32
}

// Plan answers the moves that give every partition the wanted number of replicas. Nothing moves that does not have to:
// a partition that grows keeps all its replicas, one that shrinks gets none; both keep their preferred leader, unless
// only others are in sync. New replicas go to racks that have none yet, then to the brokers with the fewest.
func Plan(brokers []Broker, partitions []Partition, factor int) ([]Move, error) {
	if factor < 1 {
		return nil, fmt.Errorf("a partition has at least 1 replica, not %d", factor)
	}
	if factor > len(brokers) {
		return nil, fmt.Errorf("%s, which cannot hold %d replicas", up(len(brokers)), factor)
	}
	p := newPlacing(brokers, partitions)
	for i := range partitions {
		p.shrink(i, factor)
	}
	for i := range partitions {
		p.grow(i, factor)
	}
	p.level()
	var moves []Move
	for i, have := range partitions {
		if !slices.Equal(have.Replicas, p.to[i]) {
			moves = append(moves, Move{Partition: have.ID, From: have.Replicas, To: p.to[i]})
		}
	}
	return moves, nil
}

// placing is a plan in the making.
type placing struct {
	brokers map[int32]Broker
	order   []int32 // of the brokers that are up
	have    []Partition
	to      [][]int32     // by index in have
	added   [][]int32     // those of to that are new
	load    map[int32]int // replicas of this topic by broker, as they will be
}

func newPlacing(brokers []Broker, partitions []Partition) *placing {
	p := &placing{brokers: map[int32]Broker{}, have: partitions, added: make([][]int32, len(partitions)), load: map[int32]int{}}
	for _, b := range brokers {
		p.brokers[b.ID] = b
	}
	p.order = slices.Sorted(maps.Keys(p.brokers))
	for _, have := range partitions {
		p.to = append(p.to, slices.Clone(have.Replicas))
		for _, id := range have.Replicas {
			p.load[id]++
		}
	}
	return p
}

// rack names the place of a broker.
func (p *placing) rack(id int32) string {
	if b, ok := p.brokers[id]; ok && b.Rack != "" {
		return "rack " + b.Rack
	}
	return fmt.Sprint("broker ", id)
}

// crowd is how many replicas of the list stand in the rack of a broker, itself left out.
func (p *placing) crowd(replicas []int32, id int32) int {
	n := 0
	for _, other := range replicas {
		if other != id && p.rack(other) == p.rack(id) {
			n++
		}
	}
	return n
}

// shrink takes replicas from a partition, the one that is missed least first.
func (p *placing) shrink(i, factor int) {
	for len(p.to[i]) > factor {
		leader := p.leader(i)
		goes := slices.MinFunc(slices.DeleteFunc(slices.Clone(p.to[i]), func(id int32) bool { return id == leader }), func(a, b int32) int {
			return cmp.Or(
				cmp.Compare(p.health(i, a), p.health(i, b)),
				-cmp.Compare(p.crowd(p.to[i], a), p.crowd(p.to[i], b)),
				-cmp.Compare(p.load[a], p.load[b]),
				-cmp.Compare(p.brokers[a].Replicas, p.brokers[b].Replicas),
				-cmp.Compare(slices.Index(p.to[i], a), slices.Index(p.to[i], b)),
			)
		})
		p.to[i] = slices.DeleteFunc(p.to[i], func(id int32) bool { return id == goes })
		p.load[goes]--
	}
}

// leader is the replica that a partition keeps: the preferred leader where it is in sync, else the one that leads now.
func (p *placing) leader(i int) int32 {
	have := p.have[i]
	preferred := p.to[i][0]
	if len(have.InSync) == 0 || slices.Contains(have.InSync, preferred) {
		return preferred
	}
	if slices.Contains(have.InSync, have.Leader) && slices.Contains(p.to[i], have.Leader) {
		return have.Leader
	}
	for _, id := range p.to[i] {
		if slices.Contains(have.InSync, id) {
			return id
		}
	}
	return preferred
}

// health is 0 for a replica whose broker is down, 1 for one that is behind, 2 for one in sync.
func (p *placing) health(i int, id int32) int {
	_, up := p.brokers[id]
	switch {
	case !up:
		return 0
	case len(p.have[i].InSync) > 0 && !slices.Contains(p.have[i].InSync, id):
		return 1
	}
	return 2
}

// grow gives a partition more replicas.
func (p *placing) grow(i, factor int) {
	for len(p.to[i]) < factor {
		candidates := slices.DeleteFunc(slices.Clone(p.order), func(id int32) bool { return slices.Contains(p.to[i], id) })
		// The first among equals is another one for each partition.
		turn := int(p.have[i].ID) % len(p.order)
		comes := slices.MinFunc(candidates, func(a, b int32) int {
			return cmp.Or(
				cmp.Compare(p.crowd(p.to[i], a), p.crowd(p.to[i], b)),
				cmp.Compare(p.load[a], p.load[b]),
				cmp.Compare(p.brokers[a].Replicas, p.brokers[b].Replicas),
				cmp.Compare(p.place(a, turn), p.place(b, turn)),
			)
		})
		p.to[i] = append(p.to[i], comes)
		p.added[i] = append(p.added[i], comes)
		p.load[comes]++
	}
}

// place is the place of a broker in the order that begins at a turn.
func (p *placing) place(id int32, turn int) int {
	return (slices.Index(p.order, id) - turn + len(p.order)) % len(p.order)
}

// level moves new replicas from the fullest brokers to emptier ones, as long as that evens out and takes no replica to a
// more crowded rack. Nothing was copied yet, so it costs nothing. Each step lessens the sum of squares of the loads.
func (p *placing) level() {
	for p.levelOne() {
	}
}

func (p *placing) levelOne() bool {
	for i := range p.to {
		for k, from := range p.added[i] {
			for _, to := range p.order {
				if p.load[from]-p.load[to] < 2 || slices.Contains(p.to[i], to) || p.crowd(without(p.to[i], from), to) > p.crowd(p.to[i], from) {
					continue
				}
				p.to[i][slices.Index(p.to[i], from)] = to
				p.added[i][k] = to
				p.load[from]--
				p.load[to]++
				return true
			}
		}
	}
	return false
}

func without(all []int32, id int32) []int32 {
	return slices.DeleteFunc(slices.Clone(all), func(other int32) bool { return other == id })
}

// up words how many brokers there are.
func up(brokers int) string {
	if brokers == 1 {
		return "1 of the cluster's brokers is up"
	}
	return fmt.Sprintf("%d of the cluster's brokers are up", brokers)
}
