package api

import (
	"context"
	"strconv"
)

// Schema is the latest version of a subject in a registry.
type Schema struct {
	Connection string            `json:"connection" doc:"The connection of the registry."`
	Subject    string            `json:"subject" doc:"The subject."`
	Format     string            `json:"format" enum:"AVRO,JSON,PROTOBUF,CLOUDEVENTS" doc:"The schema language."`
	Schema     string            `json:"schema" doc:"The schema as the registry has it."`
	References []SchemaReference `json:"references,omitempty" doc:"The schemas that this one refers to."`
	// Compatibility is the subject's own mode; empty where the registry's global one holds.
	Compatibility string `json:"compatibility,omitempty" doc:"The subject's own compatibility mode; absent where the registry's global mode holds."`
	// CompatibilityImplied is set where the registry does not tell a mode of the subject's own from what a subject gets that declares none, and
	// this one has the latter.
	CompatibilityImplied bool `json:"compatibility_implied,omitempty" doc:"Whether the compatibility mode is what the registry gives to a subject that declares none."`
	// Mode is the subject's own; empty where the registry's global one holds.
	Mode string `json:"mode,omitempty" doc:"The subject's own mode; absent where the registry's global mode holds."`
	// CloudEvent says that a schema in format JSON describes a CloudEvents envelope: registries know no such format.
	CloudEvent bool   `json:"cloud_event,omitempty" doc:"Whether the schema, in format JSON, describes the envelope of a CloudEvent."`
	ID         string `json:"id" doc:"The id that records carry: a number, in AWS Glue a UUID."`
	Version    int64  `json:"version" doc:"The version within the subject."`
	// Fingerprint is the same for schemas that differ in nothing but form.
	Fingerprint string    `json:"fingerprint" doc:"The same for schemas that differ in nothing but whitespace and key order."`
	Generation  string    `json:"generation" doc:"Changes with every change, whoever made it."`
	Warnings    []Warning `json:"warnings,omitempty" readOnly:"true" doc:"What a person should know about this write."`
}

// SchemaReference is a schema that another one refers to.
type SchemaReference struct {
	Name    string `json:"name" doc:"The name that the schema uses: an Avro full name, a Protobuf import path, a JSON Schema '$ref'."`
	Subject string `json:"subject" doc:"The subject that holds it."`
	// Version is 0 in a declaration that follows the latest version.
	Version int64 `json:"version,omitempty" minimum:"1" doc:"The version in that subject. Without one the latest is followed."`
}

// SchemaVersion is one version of a subject.
type SchemaVersion struct {
	Subject     string            `json:"subject" doc:"The subject; empty where the id alone still resolves."`
	Version     int64             `json:"version" doc:"The version within the subject."`
	ID          string            `json:"id" doc:"The id that records carry: a number, in AWS Glue a UUID."`
	Format      string            `json:"format" doc:"The schema language."`
	Schema      string            `json:"schema" doc:"The schema as the registry has it."`
	References  []SchemaReference `json:"references,omitempty" doc:"The schemas that this one refers to."`
	Fingerprint string            `json:"fingerprint" doc:"The same for schemas that differ in nothing but whitespace and key order."`
}

// What to do with a schema that the compatibility mode forbids.
const (
	IncompatibleRefuse   = "refuse"
	IncompatibleOverride = "override"
)

// SchemaWrite is a schema as it is declared.
type SchemaWrite struct {
	Format     string            `json:"format" enum:"AVRO,JSON,PROTOBUF,CLOUDEVENTS" doc:"The schema language. 'CLOUDEVENTS' is a JSON Schema that has to describe the envelope of a CloudEvent; registries keep it as JSON."`
	Schema     string            `json:"schema" doc:"The schema."`
	References []SchemaReference `json:"references,omitempty" doc:"The schemas that this one refers to. AWS Glue has no references."`
	// Compatibility empty: the registry's global one.
	Compatibility string `json:"compatibility,omitempty" enum:"NONE,BACKWARD,BACKWARD_TRANSITIVE,FORWARD,FORWARD_TRANSITIVE,FULL,FULL_TRANSITIVE,DISABLED" doc:"The subject's own compatibility mode. Without it, the registry's global mode holds; in AWS Glue, which has none, 'BACKWARD'. 'DISABLED', in AWS Glue alone, takes no new version."`
	// Mode empty: the registry's global one.
	Mode           string   `json:"mode,omitempty" enum:"READWRITE,READONLY" doc:"The subject's own mode: 'READONLY' takes no new version and no delete. Without it, the registry's global mode holds. Apicurio Registry and AWS Glue have no modes."`
	OnIncompatible string   `json:"on_incompatible,omitempty" enum:"refuse,override" default:"refuse" doc:"What to do with a schema that the compatibility mode forbids: 'refuse' it when planning, with the reasons; or 'override', which warns of the reasons when planning and registers it all the same, with the subject's compatibility lowered to 'NONE' for that moment."`
	Unknown        []string `json:"unknown,omitempty" doc:"In a dry run: JSON pointers into the body whose values are not known yet."`
}

// SchemaRegistrySettings are what holds for every subject of a registry that has no setting of its own.
type SchemaRegistrySettings struct {
	Connection    string    `json:"connection" doc:"The connection of the registry."`
	Compatibility string    `json:"compatibility" doc:"The compatibility mode of subjects that have none of their own."`
	Mode          string    `json:"mode,omitempty" doc:"The mode of subjects that have none of their own; absent where the registry has no modes."`
	Generation    string    `json:"generation" doc:"Changes with every change, whoever made it."`
	Warnings      []Warning `json:"warnings,omitempty" readOnly:"true" doc:"What a person should know about this write."`
}

// SchemaRegistrySettingsWrite are the settings as they are declared. What is absent is left as it is.
type SchemaRegistrySettingsWrite struct {
	Compatibility string   `json:"compatibility,omitempty" enum:"NONE,BACKWARD,BACKWARD_TRANSITIVE,FORWARD,FORWARD_TRANSITIVE,FULL,FULL_TRANSITIVE" doc:"The compatibility mode of subjects that have none of their own. Without it, the registry's stays as it is."`
	Mode          string   `json:"mode,omitempty" enum:"READWRITE,READONLY" doc:"The mode of subjects that have none of their own: 'READONLY' takes no new schema from anyone. Without it, the registry's stays as it is. Apicurio Registry has no modes."`
	Unknown       []string `json:"unknown,omitempty" doc:"In a dry run: JSON pointers into the body whose values are not known yet."`
}

// GetSchema reads the latest version of a subject.
func (c *Client) GetSchema(ctx context.Context, connection, subject string) (*Schema, error) {
	return get[Schema](ctx, c, schemaPath(connection, subject))
}

// GetSchemaVersion reads one version of a subject.
func (c *Client) GetSchemaVersion(ctx context.Context, connection, subject string, version int64) (*SchemaVersion, error) {
	return get[SchemaVersion](ctx, c, schemaPath(connection, subject)+"/versions/"+strconv.FormatInt(version, 10))
}

// GetSchemaByID reads the schema that records with this id were written with. Where several subjects have it, subject
// chooses; empty takes the first by name.
func (c *Client) GetSchemaByID(ctx context.Context, connection, id, subject string) (*SchemaVersion, error) {
	return get[SchemaVersion](ctx, c, "/v1/connections/"+escape(connection)+"/schema-ids/"+escape(id)+query("subject", subject))
}

// ListSchemas reads one page of a registry's subjects.
func (c *Client) ListSchemas(ctx context.Context, connection, cursor string) (*Page[Schema], error) {
	return c.ListSchemasWithPrefix(ctx, connection, "", cursor)
}

// ListSchemasWithPrefix reads one page of the subjects whose names begin with a prefix.
func (c *Client) ListSchemasWithPrefix(ctx context.Context, connection, prefix, cursor string) (*Page[Schema], error) {
	return get[Page[Schema]](ctx, c, "/v1/connections/"+escape(connection)+"/schemas"+query("prefix", prefix, "cursor", cursor))
}

// ListSchemaVersions reads one page of a subject's versions, oldest first.
func (c *Client) ListSchemaVersions(ctx context.Context, connection, subject, cursor string) (*Page[SchemaVersion], error) {
	return get[Page[SchemaVersion]](ctx, c, schemaPath(connection, subject)+"/versions"+query("cursor", cursor))
}

// PutSchema registers a schema where it differs in meaning from the latest version.
func (c *Client) PutSchema(ctx context.Context, connection, subject string, body SchemaWrite, opts WriteOptions) (*Schema, error) {
	return put[Schema](ctx, c, schemaPath(connection, subject), body, opts)
}

// DeleteSchema deletes a subject: softly, so that its ids still resolve, or for good when hard.
func (c *Client) DeleteSchema(ctx context.Context, connection, subject string, hard bool, opts WriteOptions) (*Deletion, error) {
	path := schemaPath(connection, subject)
	if hard {
		path += query("hard", "true")
	}
	return del(ctx, c, path, opts)
}

// GetSchemaRegistrySettings reads what holds for subjects without settings of their own.
func (c *Client) GetSchemaRegistrySettings(ctx context.Context, connection string) (*SchemaRegistrySettings, error) {
	return get[SchemaRegistrySettings](ctx, c, settingsPath(connection))
}

// PutSchemaRegistrySettings changes the declared settings.
func (c *Client) PutSchemaRegistrySettings(ctx context.Context, connection string, body SchemaRegistrySettingsWrite, opts WriteOptions) (*SchemaRegistrySettings, error) {
	return put[SchemaRegistrySettings](ctx, c, settingsPath(connection), body, opts)
}

// DeleteSchemaRegistrySettings gives a registry its own defaults back.
func (c *Client) DeleteSchemaRegistrySettings(ctx context.Context, connection string, opts WriteOptions) (*Deletion, error) {
	return del(ctx, c, settingsPath(connection), opts)
}

func settingsPath(connection string) string {
	return "/v1/connections/" + escape(connection) + "/schema-registry-settings"
}

func schemaPath(connection, subject string) string {
	return "/v1/connections/" + escape(connection) + "/schemas/" + escape(subject)
}
