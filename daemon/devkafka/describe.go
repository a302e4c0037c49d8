package devkafka

import (
	"context"
	"fmt"
	"slices"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// describeConfigs has kfake describe the resources and completes what it tells of topics, of whose configurations it
// knows a third.
func (c *Cluster) describeConfigs(
	ctx context.Context, node int32, req *kmsg.DescribeConfigsRequest,
) (*kmsg.DescribeConfigsResponse, error) {
	ask := kmsg.NewPtrDescribeConfigsRequest()
	ask.IncludeSynonyms, ask.IncludeDocumentation = req.IncludeSynonyms, req.IncludeDocumentation
	ask.Resources = slices.Clone(req.Resources)
	described, err := send[*kmsg.DescribeConfigsResponse](ctx, c, node, ask)
	if err != nil {
		return nil, err
	}
	if len(described.Resources) != len(req.Resources) {
		return nil, fmt.Errorf("describe configurations: %d answers to %d questions", len(described.Resources), len(req.Resources))
	}
	for i := range described.Resources {
		if req.Resources[i].ResourceType == kmsg.ConfigResourceTypeTopic {
			completeTopic(&described.Resources[i], req.Resources[i].ConfigNames, req.IncludeSynonyms)
		}
	}
	resp := kmsg.NewPtrDescribeConfigsResponse()
	resp.Version = req.Version
	resp.Resources = described.Resources
	return resp, nil
}

// completeTopic gives the topic all configurations, or those that were asked for. No names are all.
func completeTopic(r *kmsg.DescribeConfigsResponseResource, names []string, synonyms bool) {
	if refused := checkName(r.ResourceName); refused != nil {
		r.ErrorCode, r.ErrorMessage = refused.code, refused.message
	}
	if r.ErrorCode != 0 {
		r.Configs = nil
		return
	}
	set := r.Configs
	r.Configs = nil
	for _, config := range topicConfigs() {
		if len(names) > 0 && !slices.Contains(names, config.Name) {
			continue
		}
		r.Configs = append(r.Configs, config.describe(set, synonyms))
	}
}

// describe tells of the configuration, given what kfake tells of those that are set for the topic or its brokers.
func (t topicConfig) describe(set []kmsg.DescribeConfigsResponseResourceConfig, synonyms bool) kmsg.DescribeConfigsResponseResourceConfig {
	d := kmsg.NewDescribeConfigsResponseResourceConfig()
	d.Name, d.Value, d.Source, d.ConfigType = t.Name, &t.Default, t.source(), t.Kind
	i := slices.IndexFunc(set, func(s kmsg.DescribeConfigsResponseResourceConfig) bool {
		return s.Name == t.Name && s.Source != kmsg.ConfigSourceDefaultConfig
	})
	if i >= 0 {
		d.Value, d.Source = set[i].Value, set[i].Source
	}
	d.IsDefault = d.Source == kmsg.ConfigSourceDefaultConfig
	if synonyms {
		d.ConfigSynonyms = t.synonyms(d)
	}
	return d
}

// synonyms lists the places that give the value, the one that wins first.
func (t topicConfig) synonyms(
	d kmsg.DescribeConfigsResponseResourceConfig,
) []kmsg.DescribeConfigsResponseResourceConfigConfigSynonym {
	var all []kmsg.DescribeConfigsResponseResourceConfigConfigSynonym
	add := func(name string, value *string, source kmsg.ConfigSource) {
		s := kmsg.NewDescribeConfigsResponseResourceConfigConfigSynonym()
		s.Name, s.Value, s.Source = name, value, source
		all = append(all, s)
	}
	if d.Source != t.source() {
		add(t.Name, d.Value, d.Source)
	}
	if t.source() != kmsg.ConfigSourceDefaultConfig {
		add(t.Synonym, &t.Default, t.source())
	}
	if t.Synonym != "" {
		add(t.Synonym, &t.Default, kmsg.ConfigSourceDefaultConfig)
	}
	return all
}
