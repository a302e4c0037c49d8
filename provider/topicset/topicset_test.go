package topicset

import (
	"fmt"
	"maps"
	"testing"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/headgate/terraform-provider-headgate/internal/api"
)

func TestImportID(t *testing.T) {
	for id, want := range map[string]string{
		"main":             "main  []",
		"main/pay.*":       "main pay. []",
		"main/*":           "main  []",
		"main/a":           "main  [a]",
		"main/a, b":        "main  [a b]",
		"":                 "",
		"main/":            "",
		"/a":               "",
		"main/a,,b":        "",
		"main/a,b*":        "",
		"main/a*b":         "",
		"main/pay.*,ord.*": "",
	} {
		sel, ok := parseImportID(id)
		if got := fmt.Sprint(sel.connection, " ", sel.prefix, " ", sel.names); ok && got != want || ok != (want != "") {
			t.Errorf("%q: %q, %v, want %q", id, got, ok, want)
		}
	}
}

// Terraform 1.12 and later import by identity.
func TestImportByIdentity(t *testing.T) {
	text := func(s any) tftypes.Value { return tftypes.NewValue(tftypes.String, s) }
	for want, attributes := range map[string]map[string]tftypes.Value{
		"main":       {attrConnection: text("main"), attrTopics: text(nil)},
		"main/pay.*": {attrConnection: text("main"), attrTopics: text("pay.*")},
	} {
		data, err := tfprotov6.NewDynamicValue(identityType, tftypes.NewValue(identityType, attributes))
		if err != nil {
			t.Fatal(err)
		}
		got, err := importID(&tfprotov6.ImportResourceStateRequest{Identity: &tfprotov6.ResourceIdentityData{IdentityData: &data}})
		if err != nil || got != want {
			t.Errorf("%q, %v, want %q", got, err, want)
		}
	}
}

func TestValuesSurvive(t *testing.T) {
	s := &set{
		connection: known("main"), adopt: known(true),
		defaults: defaults{opt: known(true), settings: settings{partitions: known[int64](3), config: textsOf(map[string]string{"a": "b"})}},
		topics: map[string]entry{
			"full":     {settings: settings{partitions: known[int64](1), replicas: known[int64](2), retention: known("1h"), protection: known(false), config: textsOf(nil), labels: textsOf(map[string]string{"a": "b"})}, description: known("d")},
			"none":     {},
			"unknowns": {settings: unknownSettings, description: opt[string]{unknown: true}},
			"unknown":  {settings: unknownSettings, description: opt[string]{unknown: true}, unknown: true},
			"part":     {settings: settings{config: texts{opt: known(true), m: map[string]opt[string]{"known": known("v"), "null": {}, "unknown": {unknown: true}}}}},
		},
	}
	for _, before := range []*set{s, {connection: opt[string]{unknown: true}, unknown: true, topics: map[string]entry{}}, {connection: known("main"), defaults: defaults{opt: opt[bool]{unknown: true}, settings: unknownSettings}, topics: map[string]entry{}}} {
		encoded, err := before.encode()
		if err != nil {
			t.Fatal(err)
		}
		after, err := decode(encoded)
		if err != nil {
			t.Fatal(err)
		}
		if !after.equal(before) {
			t.Errorf("%+v became %+v", before, after)
		}
	}
	if encoded, err := (*set)(nil).encode(); err != nil {
		t.Error(err)
	} else if none, err := decode(encoded); none != nil || err != nil {
		t.Errorf("null became %+v, %v", none, err)
	}
}

// What comes from the defaults shows in an entry only when it is not as they say.
func TestDrift(t *testing.T) {
	byDefault := settings{config: textsOf(map[string]string{"cleanup.policy": "compact, delete", "max.message.bytes": "5"}), labels: textsOf(map[string]string{"team": "shop"})}
	own := func(m map[string]string) texts {
		if m == nil {
			return texts{}
		}
		return textsOf(m)
	}
	for name, tt := range map[string]struct {
		declared, set, inForce, labels, wantConfig, wantLabels map[string]string
	}{
		"as declared":          {nil, map[string]string{"cleanup.policy": "compact,delete", "max.message.bytes": "5"}, nil, map[string]string{"team": "shop"}, nil, nil},
		"spaces stay":          {map[string]string{"cleanup.policy": "compact, delete"}, map[string]string{"cleanup.policy": "compact,delete", "max.message.bytes": "5"}, nil, map[string]string{"team": "shop"}, map[string]string{"cleanup.policy": "compact, delete"}, nil},
		"a default changed":    {nil, map[string]string{"cleanup.policy": "compact,delete", "max.message.bytes": "6"}, nil, map[string]string{"team": "other"}, map[string]string{"max.message.bytes": "6"}, map[string]string{"team": "other"}},
		"a default taken away": {nil, map[string]string{"cleanup.policy": "compact,delete"}, map[string]string{"max.message.bytes": "1"}, map[string]string{"team": "shop"}, map[string]string{"max.message.bytes": "1"}, nil},
		"undeclared ones":      {map[string]string{}, map[string]string{"cleanup.policy": "compact,delete", "max.message.bytes": "5", "segment.ms": "7"}, nil, map[string]string{"team": "shop"}, map[string]string{}, nil},
		"its own changed":      {map[string]string{"max.message.bytes": "9"}, map[string]string{"cleanup.policy": "compact,delete", "max.message.bytes": "5"}, nil, map[string]string{"team": "shop"}, map[string]string{"max.message.bytes": "5"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			topic := &api.Topic{Partitions: 3, ReplicationFactor: 1, Config: tt.set, ConfigEffective: tt.inForce, Labels: tt.labels}
			maps.Copy(topic.Config, map[string]string{api.RetentionConfig: "3600000"})
			got := entry{settings: settings{retention: known("60m"), config: own(tt.declared)}}.now(topic, byDefault, false)
			if !got.config.equal(own(tt.wantConfig)) || !got.labels.equal(own(tt.wantLabels)) {
				t.Errorf("config %+v, labels %+v", got.config, got.labels)
			}
			if got.retention != known("60m") || got.partitions != known[int64](3) {
				t.Errorf("%+v", got)
			}
		})
	}
}
