package stream

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/headgate/terraform-provider-headgate/internal/api"
)

func TestSteps(t *testing.T) {
	for _, tt := range []struct {
		from, to int64
		want     []int64
	}{
		{4, 4, nil},
		{1, 2, []int64{2}},
		{3, 13, []int64{6, 12, 13}},
		{1, 16, []int64{2, 4, 8, 16}},
		{13, 1, []int64{7, 4, 2, 1}},
		{2, 1, []int64{1}},
		{10, 5, []int64{5}},
		{9, 4, []int64{5, 4}},
	} {
		if got := steps(tt.from, tt.to); !slices.Equal(got, tt.want) {
			t.Errorf("from %d to %d: %v, want %v", tt.from, tt.to, got, tt.want)
		}
	}
}

// What AWS demands of a single step holds for every step of every way.
func TestStepsKeepWithinWhatAWSAllows(t *testing.T) {
	for from := int64(1); from < 70; from++ {
		for to := int64(1); to < 70; to++ {
			now := from
			for _, next := range steps(from, to) {
				if next > 2*now || 2*next < now {
					t.Fatalf("from %d to %d: a step from %d to %d", from, to, now, next)
				}
				now = next
			}
			if now != to {
				t.Fatalf("from %d to %d: it ends at %d", from, to, now)
			}
		}
	}
}

func TestWarnings(t *testing.T) {
	have := &state{name: "s", mode: api.StreamOnDemand, shards: 4, hours: 168}
	d := declaration{api.StreamWrite{Shards: 32, Retention: "24h"}}
	way, err := d.reshard(have)
	if err != nil {
		t.Fatal(err)
	}
	var told []string
	for _, w := range d.warnings(have, way) {
		told = append(told, w.Summary+" "+w.Detail)
	}
	all := strings.Join(told, "\n")
	for _, want := range []string{"from 4 to 32 takes 3 steps", "8, 16, 32", "from ON_DEMAND to PROVISIONED"} {
		if !strings.Contains(all, want) {
			t.Errorf("%q is not told in %s", want, all)
		}
	}
	if _, err := (declaration{api.StreamWrite{Shards: 10000}}).reshard(&state{shards: 1}); err == nil {
		t.Error("a way of more than ten steps is accepted")
	}
}

func TestLosses(t *testing.T) {
	now := time.Now()
	old := &state{name: "s", hours: 168, created: now.Add(-100 * time.Hour)}
	for what, tt := range map[string]struct {
		have  *state
		body  api.StreamWrite
		words string
	}{
		"a new stream":         {nil, api.StreamWrite{}, ""},
		"longer":               {old, api.StreamWrite{Retention: "200h"}, ""},
		"the same":             {old, api.StreamWrite{Retention: "10080m"}, ""},
		"not known yet":        {old, api.StreamWrite{Unknown: []string{"/retention"}}, ""},
		"nothing is so old":    {old, api.StreamWrite{Retention: "120h"}, ""},
		"shorter":              {old, api.StreamWrite{Retention: "48h"}, "Records older than 48h are deleted"},
		"the default":          {old, api.StreamWrite{}, "Records older than 24h are deleted"},
		"as old as the stream": {old, api.StreamWrite{Retention: "48h"}, "since " + old.created.UTC().Format("2006-01-02 15:04:05")},
		"age not told":         {&state{name: "s", hours: 168}, api.StreamWrite{Retention: "120h"}, "Records older than 120h"},
	} {
		losses := declaration{tt.body}.losses(tt.have, now)
		if tt.words == "" {
			if len(losses) > 0 {
				t.Errorf("%s: %+v", what, losses)
			}
			continue
		}
		if len(losses) != 1 || losses[0].Attribute != "/retention" || !strings.Contains(losses[0].Summary+". "+losses[0].Detail, tt.words) {
			t.Errorf("%s: %+v, want %q", what, losses, tt.words)
		}
	}
}
