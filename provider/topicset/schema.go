package topicset

import (
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/headgate/terraform-provider-headgate/provider/reassign"
)

// The attributes of the set and of an entry of it.
const (
	attrConnection = "connection_name"
	attrDefaults   = "defaults"
	attrTopics     = "topics"
	attrAdopt      = "adopt_existing"
	attrThrottle   = "replication_throttle"
	attrTimeouts   = "timeouts"

	attrCreate = "create"
	attrUpdate = "update"

	attrPartitions  = "partitions"
	attrReplication = "replication_factor"
	attrRetention   = "retention"
	attrConfig      = "config"
	attrLabels      = "labels"
	attrProtection  = "deletion_protection"
	attrDescription = "description"
)

var textMap = tftypes.Map{ElementType: tftypes.String}

// Schema is the schema of headgate_topic_set.
func Schema() *tfprotov6.Schema {
	return &tfprotov6.Schema{Block: &tfprotov6.SchemaBlock{
		Description: "Many Kafka topics of one cluster as one resource, for hundreds and thousands of them: Terraform's own time grows with the square of the " +
			"number of resource instances, not with what is in one. Each topic has its own lines in the plan, its own checks when planning, and its own protection " +
			"from deletion: taking an entry away deletes its topic, which is refused when planning unless `deletion_protection = false` was applied to it before. " +
			"When some of the topics cannot be written, the others are, and the error names those that were not.",
		DescriptionKind: tfprotov6.StringKindMarkdown,
		Attributes: []*tfprotov6.SchemaAttribute{
			attribute(attrAdopt, tftypes.Bool, optional, "Whether topics that exist already are taken over with their records and their undeclared configs, instead of being refused. "+
				"For topics that leave another resource: see [Moving topics into a set](#moving-topics-into-a-set). Default: `false`."),
			attribute(attrConnection, tftypes.String, required, "The connection of the cluster. Changing it replaces the topics (destroys them and creates others)."),
			attribute(attrThrottle, tftypes.String, optional, reassign.ThrottleDoc),
			{
				Name: attrTimeouts, Optional: true, DescriptionKind: tfprotov6.StringKindMarkdown,
				Description: "How long Terraform waits, for all topics together.",
				NestedType:  &tfprotov6.SchemaObject{Nesting: tfprotov6.SchemaObjectNestingModeSingle, Attributes: timeoutAttributes()},
			},
			{
				Name: attrDefaults, Optional: true, Computed: true, DescriptionKind: tfprotov6.StringKindMarkdown,
				Description: "What holds for every topic that does not say otherwise. Configs and labels are joined key by key.",
				NestedType:  &tfprotov6.SchemaObject{Nesting: tfprotov6.SchemaObjectNestingModeSingle, Attributes: defaultAttributes()},
			},
			{
				Name: attrTopics, Required: true, DescriptionKind: tfprotov6.StringKindMarkdown,
				Description: "The topics, by name. Terraform drops keys of an entry that it does not know, without a word: see [Misspelt keys](#misspelt-keys).",
				NestedType:  &tfprotov6.SchemaObject{Nesting: tfprotov6.SchemaObjectNestingModeMap, Attributes: entryAttributes()},
			},
		},
	}}
}

func timeoutAttributes() []*tfprotov6.SchemaAttribute {
	return []*tfprotov6.SchemaAttribute{
		attribute(attrCreate, tftypes.String, optional, "How long to wait until replicas are copied when the set is created and takes over topics whose replication factor changes, such as `4h`. Default: `1h`."),
		attribute(attrUpdate, tftypes.String, optional, reassign.TimeoutDoc),
	}
}

func defaultAttributes() []*tfprotov6.SchemaAttribute {
	return []*tfprotov6.SchemaAttribute{
		attribute(attrConfig, textMap, optional, "Topic configs by Kafka's names, values as text."),
		attribute(attrProtection, tftypes.Bool, optional, "Whether Headgate refuses to delete a topic, and to change its retention or `cleanup.policy` where records that are there would go. Default: `true`."),
		attribute(attrLabels, textMap, optional, "Labels of your own. Headgate keeps them; Kafka does not know them."),
		attribute(attrPartitions, tftypes.Number, optional, "The number of partitions. Default: `3`."),
		attribute(attrReplication, tftypes.Number, optional, "The number of replicas of each partition. Default: `3`."),
		attribute(attrRetention, tftypes.String, optional, "How long records are kept, such as `36h`, or `unlimited`. Default: `168h`, 7 days."),
	}
}

func entryAttributes() []*tfprotov6.SchemaAttribute {
	return []*tfprotov6.SchemaAttribute{
		attribute(attrConfig, textMap, optional, "Topic configs by Kafka's names, values as text. Only what is declared, here or in the defaults, is managed: changes of it made elsewhere show in the next plan, "+
			"other configs are left alone, and a config that is no longer declared goes back to the broker's default. "+
			"After an import all configs set on the topic count as declared: repeat those to keep, here or in the defaults, or the next apply gives them back to the broker's default."),
		attribute(attrProtection, tftypes.Bool, computed, "Whether Headgate refuses to delete the topic, and to change its retention or `cleanup.policy` where records that are there would go. To delete it, apply `false` first; "+
			"a retention may be changed in the same apply. Default: that of `defaults`, else `true`."),
		attribute(attrDescription, tftypes.String, optional, "What is in it, for people. Headgate keeps it; Kafka does not know it."),
		attribute(attrLabels, textMap, optional, "Labels of your own. Headgate keeps them; Kafka does not know them."),
		attribute(attrPartitions, tftypes.Number, computed, "The number of partitions. It grows in place, which changes the partition that new records of a key go to, and never shrinks. Default: that of `defaults`, else `3`."),
		attribute(attrReplication, tftypes.Number, computed, "The number of replicas of each partition. It changes in place: the brokers copy replicas, and the apply waits until they have caught up; if the timeout comes first, the apply fails and the brokers go on copying. "+
			"Default: that of `defaults`, else `3`."),
		attribute(attrRetention, tftypes.String, computed, "How long records are kept, such as `36h`, or `unlimited`: the same as `config[\"retention.ms\"]` in words. "+
			"A shorter one is refused while `deletion_protection` is on and the topic holds older records. Default: that of `defaults`, else `168h`, 7 days."),
	}
}

// need says who gives an attribute its value.
type need int

const (
	required need = iota
	optional
	computed // where the configuration does not say
)

func attribute(name string, typ tftypes.Type, n need, description string) *tfprotov6.SchemaAttribute {
	return &tfprotov6.SchemaAttribute{
		Name: name, Type: typ, Description: description, DescriptionKind: tfprotov6.StringKindMarkdown,
		Required: n == required, Optional: n != required, Computed: n == computed,
	}
}

// IdentitySchema is the schema of the set's identity.
func IdentitySchema() *tfprotov6.ResourceIdentitySchema {
	return &tfprotov6.ResourceIdentitySchema{IdentityAttributes: []*tfprotov6.ResourceIdentitySchemaAttribute{
		{Name: attrConnection, Type: tftypes.String, RequiredForImport: true, Description: "The connection of the cluster."},
		{Name: attrTopics, Type: tftypes.String, OptionalForImport: true, Description: "To import: a prefix with * after it, or names with commas between them. All topics where it is left out."},
	}}
}

var (
	timeoutsType = objectOf(timeoutAttributes())
	defaultsType = objectOf(defaultAttributes())
	entryType    = objectOf(entryAttributes())
	setType      = tftypes.Object{AttributeTypes: map[string]tftypes.Type{
		attrConnection: tftypes.String, attrAdopt: tftypes.Bool, attrThrottle: tftypes.String, attrTimeouts: timeoutsType, attrDefaults: defaultsType, attrTopics: tftypes.Map{ElementType: entryType},
	}}
	identityType = tftypes.Object{AttributeTypes: map[string]tftypes.Type{attrConnection: tftypes.String, attrTopics: tftypes.String}}
)

func objectOf(attributes []*tfprotov6.SchemaAttribute) tftypes.Object {
	types := map[string]tftypes.Type{}
	for _, a := range attributes {
		types[a.Name] = a.Type
	}
	return tftypes.Object{AttributeTypes: types}
}
