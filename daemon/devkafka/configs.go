package devkafka

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/headgate/terraform-provider-headgate/daemon/topicconfig"
)

// topicConfig is a configuration of topics.
type topicConfig struct{ topicconfig.Config }

// topicConfigs returns all of them, sorted by name.
func topicConfigs() []topicConfig {
	known := topicconfig.All()
	all := make([]topicConfig, len(known))
	for i, config := range known {
		all[i] = topicConfig{config}
	}
	return all
}

func checkTopicConfigs(values map[string]string) (map[string]string, *refusal) {
	checked, err := topicconfig.Check(values)
	if err != nil {
		return nil, refuse(kerr.InvalidConfig, "%s", err.Error())
	}
	return checked, nil
}

// source is where the default of a configuration comes from. A cluster made by Kafka 4 has min.insync.replicas as a
// dynamic default of all brokers.
func (t topicConfig) source() kmsg.ConfigSource {
	if t.Name == "min.insync.replicas" {
		return kmsg.ConfigSourceDynamicDefaultBrokerConfig
	}
	return kmsg.ConfigSourceDefaultConfig
}

// resource is what configurations belong to.
type resource struct {
	kind kmsg.ConfigResourceType
	name string
}

func (r resource) isTopic() bool {
	return r.kind == kmsg.ConfigResourceTypeTopic
}

// change is what a request wants of one configuration.
type change struct {
	name  string
	value *string
	op    kmsg.IncrementalAlterConfigOp
}

// alteration is what a request wants of the configurations of one resource.
type alteration struct {
	resource
	changes []change
}

// alter makes the alterations of topics and answers each, those included that are refused at first sight. Those of other
// resources it passes on, by their place.
func (c *Cluster) alter(ctx context.Context, all []alteration, apply applier, validateOnly bool, answer func(resource, *refusal), pass func(i int)) error {
	resources := make([]resource, len(all))
	for i, a := range all {
		resources[i] = a.resource
	}
	for i, a := range all {
		refused := checkChanges(resources, i, a.changes)
		if refused == nil && !a.isTopic() {
			pass(i)
			continue
		}
		if refused == nil {
			var err error
			if refused, err = c.changeTopic(ctx, a.name, a.changes, apply, validateOnly); err != nil {
				return err
			}
		}
		answer(a.resource, refused)
	}
	return nil
}

// incrementalAlterConfigs changes the configurations of topics, and has kfake change those of other resources.
func (c *Cluster) incrementalAlterConfigs(ctx context.Context, node int32, req *kmsg.IncrementalAlterConfigsRequest) (*kmsg.IncrementalAlterConfigsResponse, error) {
	c.changes.Lock()
	defer c.changes.Unlock()

	resp, others := kmsg.NewPtrIncrementalAlterConfigsResponse(), kmsg.NewPtrIncrementalAlterConfigsRequest()
	resp.Version, others.ValidateOnly = req.Version, req.ValidateOnly
	all := make([]alteration, len(req.Resources))
	for i, r := range req.Resources {
		all[i].resource = resource{r.ResourceType, r.ResourceName}
		for _, config := range r.Configs {
			all[i].changes = append(all[i].changes, change{config.Name, config.Value, config.Op})
		}
	}
	answer := func(r resource, refused *refusal) {
		a := kmsg.NewIncrementalAlterConfigsResponseResource()
		a.ResourceType, a.ResourceName = r.kind, r.name
		if refused != nil {
			a.ErrorCode, a.ErrorMessage = refused.code, refused.message
		}
		resp.Resources = append(resp.Resources, a)
	}
	pass := func(i int) { others.Resources = append(others.Resources, req.Resources[i]) }
	if err := c.alter(ctx, all, applyOps, req.ValidateOnly, answer, pass); err != nil || len(others.Resources) == 0 {
		return resp, err
	}
	rest, err := send[*kmsg.IncrementalAlterConfigsResponse](ctx, c, node, others)
	if err != nil {
		return nil, err
	}
	resp.Resources = append(resp.Resources, rest.Resources...)
	return resp, nil
}

// alterConfigs replaces the configurations of topics, and has kfake replace those of other resources.
func (c *Cluster) alterConfigs(ctx context.Context, node int32, req *kmsg.AlterConfigsRequest) (*kmsg.AlterConfigsResponse, error) {
	c.changes.Lock()
	defer c.changes.Unlock()

	resp, others := kmsg.NewPtrAlterConfigsResponse(), kmsg.NewPtrAlterConfigsRequest()
	resp.Version, others.ValidateOnly = req.Version, req.ValidateOnly
	all := make([]alteration, len(req.Resources))
	for i, r := range req.Resources {
		all[i].resource = resource{r.ResourceType, r.ResourceName}
		for _, config := range r.Configs {
			all[i].changes = append(all[i].changes, change{config.Name, config.Value, kmsg.IncrementalAlterConfigOpSet})
		}
	}
	answer := func(r resource, refused *refusal) {
		a := kmsg.NewAlterConfigsResponseResource()
		a.ResourceType, a.ResourceName = r.kind, r.name
		if refused != nil {
			a.ErrorCode, a.ErrorMessage = refused.code, refused.message
		}
		resp.Resources = append(resp.Resources, a)
	}
	pass := func(i int) { others.Resources = append(others.Resources, req.Resources[i]) }
	if err := c.alter(ctx, all, replaceAll, req.ValidateOnly, answer, pass); err != nil || len(others.Resources) == 0 {
		return resp, err
	}
	rest, err := send[*kmsg.AlterConfigsResponse](ctx, c, node, others)
	if err != nil {
		return nil, err
	}
	resp.Resources = append(resp.Resources, rest.Resources...)
	return resp, nil
}

// checkChanges makes the checks that do not depend on the kind of the resource.
func checkChanges(resources []resource, i int, changes []change) *refusal {
	if slices.Contains(resources[:i], resources[i]) || slices.Contains(resources[i+1:], resources[i]) {
		return refuse(kerr.InvalidRequest, "Each resource must appear at most once.")
	}
	seen := map[string]bool{}
	var null []string
	for _, ch := range changes {
		if seen[ch.name] {
			return refuse(kerr.InvalidRequest, "Error due to duplicate config keys")
		}
		seen[ch.name] = true
		if ch.value == nil && ch.op != kmsg.IncrementalAlterConfigOpDelete {
			null = append(null, ch.name)
		}
	}
	if len(null) > 0 {
		return refuse(kerr.InvalidRequest, "Null value not supported for : %s", strings.Join(null, ","))
	}
	return nil
}

// applier works out the configurations after changes.
type applier func(current map[string]string, changes []change) (map[string]string, *refusal)

// changeTopic works out the topic's new configurations, checks them and, unless it only validates, sets them.
func (c *Cluster) changeTopic(
	ctx context.Context, topic string, changes []change, apply applier, validateOnly bool,
) (*refusal, error) {
	if refused := checkName(topic); refused != nil {
		return refused, nil
	}
	current, found, err := c.dynamicConfigs(ctx, topic)
	if err != nil {
		return nil, err
	}
	if !found {
		return refuse(kerr.UnknownTopicOrPartition, "The topic '%s' does not exist.", topic), nil
	}
	next, refused := apply(current, changes)
	if refused != nil {
		return refused, nil
	}
	next, refused = checkTopicConfigs(next)
	if refused != nil || validateOnly {
		return refused, nil
	}
	return c.setConfigs(ctx, topic, next)
}

// dynamicConfigs returns what is set for the topic, and false if there is no such topic.
func (c *Cluster) dynamicConfigs(ctx context.Context, topic string) (map[string]string, bool, error) {
	req := kmsg.NewPtrDescribeConfigsRequest()
	r := kmsg.NewDescribeConfigsRequestResource()
	r.ResourceType, r.ResourceName = kmsg.ConfigResourceTypeTopic, topic
	req.Resources = append(req.Resources, r)
	resp, err := send[*kmsg.DescribeConfigsResponse](ctx, c, c.controller, req)
	if err != nil {
		return nil, false, err
	}
	if len(resp.Resources) != 1 || resp.Resources[0].ErrorCode != 0 {
		return nil, false, nil
	}
	values := map[string]string{}
	for _, config := range resp.Resources[0].Configs {
		if config.Source == kmsg.ConfigSourceDynamicTopicConfig && config.Value != nil {
			values[config.Name] = *config.Value
		}
	}
	return values, true, nil
}

func (c *Cluster) setConfigs(ctx context.Context, topic string, values map[string]string) (*refusal, error) {
	req := kmsg.NewPtrAlterConfigsRequest()
	r := kmsg.NewAlterConfigsRequestResource()
	r.ResourceType, r.ResourceName = kmsg.ConfigResourceTypeTopic, topic
	for name, value := range values {
		config := kmsg.NewAlterConfigsRequestResourceConfig()
		config.Name, config.Value = name, &value
		r.Configs = append(r.Configs, config)
	}
	req.Resources = append(req.Resources, r)
	resp, err := send[*kmsg.AlterConfigsResponse](ctx, c, c.controller, req)
	if err != nil {
		return nil, err
	}
	for _, r := range resp.Resources {
		if r.ErrorCode != 0 {
			return &refusal{r.ErrorCode, r.ErrorMessage}, nil
		}
	}
	return nil, nil //nolint:nilnil // Neither refused nor failed.
}

func replaceAll(_ map[string]string, changes []change) (map[string]string, *refusal) {
	next := map[string]string{}
	for _, ch := range changes {
		next[ch.name] = *ch.value
	}
	return next, nil
}

func applyOps(current map[string]string, changes []change) (map[string]string, *refusal) {
	next := maps.Clone(current)
	for _, ch := range changes {
		switch ch.op {
		case kmsg.IncrementalAlterConfigOpSet:
			next[ch.name] = *ch.value
		case kmsg.IncrementalAlterConfigOpDelete:
			delete(next, ch.name)
		case kmsg.IncrementalAlterConfigOpAppend, kmsg.IncrementalAlterConfigOpSubtract:
			config, _ := topicconfig.Find(ch.name)
			if config.Kind != kmsg.ConfigTypeList {
				return nil, refuse(kerr.InvalidConfig, "Can't %s to key %s because its type is not LIST.", ch.op, ch.name)
			}
			value, ok := next[ch.name]
			if !ok {
				value = config.Default
			}
			next[ch.name] = changeList(value, *ch.value, ch.op)
		default:
			return nil, refuse(kerr.InvalidRequest, "Unknown operation %d for key %s.", int8(ch.op), ch.name)
		}
	}
	return next, nil
}

func changeList(list, values string, op kmsg.IncrementalAlterConfigOp) string {
	result := topicconfig.SplitList(list)
	for _, value := range topicconfig.SplitList(values) {
		i := slices.Index(result, value)
		switch {
		case op == kmsg.IncrementalAlterConfigOpAppend && i < 0:
			result = append(result, value)
		case op == kmsg.IncrementalAlterConfigOpSubtract && i >= 0:
			result = slices.Delete(result, i, i+1)
		}
	}
	return strings.Join(result, ",")
}
