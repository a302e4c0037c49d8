package api

import "context"

// Schema is the latest version of a subject in a registry.
type Schema struct {
	Connection string            `json:"connection" doc:"The connection of the registry."`
	Subject    string            `json:"subject" doc:"The subject."`
	Format     string            `json:"format" enum:"AVRO,JSON,PROTOBUF" doc:"The schema language."`
	Schema     string            `json:"schema" doc:"The schema as the registry has it."`
	References []SchemaReference `json:"references,omitempty" doc:"The schemas that this one refers to."`
	// Compatibility is the subject's own mode; empty where the registry's global one holds.
	Compatibility string `json:"compatibility,omitempty" doc:"The subject's own compatibility mode; absent where the registry's global mode holds."`
	ID            int64  `json:"id" doc:"The id that records carry."`
	Version       int64  `json:"version" doc:"The version within the subject."`
	// Fingerprint is the same for schemas that differ in nothing but form.
	Fingerprint string `json:"fingerprint" doc:"The same for schemas that differ in nothing but whitespace and key order."`
	Generation  string `json:"generation" doc:"Changes with every change, whoever made it."`
}

// SchemaReference is a schema that another one refers to.
type SchemaReference struct {
	Name    string `json:"name" doc:"The name that the schema uses: an Avro full name, a Protobuf import path, a JSON Schema $ref."`
	Subject string `json:"subject" doc:"The subject that holds it."`
	Version int64  `json:"version" doc:"The version in that subject."`
}

// SchemaWrite is a schema as it is declared.
type SchemaWrite struct {
	Format     string            `json:"format" enum:"AVRO,JSON,PROTOBUF" doc:"The schema language."`
	Schema     string            `json:"schema" doc:"The schema."`
	References []SchemaReference `json:"references,omitempty" doc:"The schemas that this one refers to."`
	// Compatibility empty: the registry's global one.
	Compatibility string   `json:"compatibility,omitempty" enum:"NONE,BACKWARD,BACKWARD_TRANSITIVE,FORWARD,FORWARD_TRANSITIVE,FULL,FULL_TRANSITIVE" doc:"The subject's own compatibility mode. Absent: the registry's global mode."`
	Unknown       []string `json:"unknown,omitempty" doc:"In a dry run: JSON pointers into the body whose values are not known yet."`
}

// GetSchema reads the latest version of a subject.
func (c *Client) GetSchema(ctx context.Context, connection, subject string) (*Schema, error) {
	return get[Schema](ctx, c, schemaPath(connection, subject))
}

// ListSchemas reads one page of a registry's subjects.
func (c *Client) ListSchemas(ctx context.Context, connection, cursor string) (*Page[Schema], error) {
	return get[Page[Schema]](ctx, c, "/v1/connections/"+escape(connection)+"/schemas"+query("cursor", cursor))
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

func schemaPath(connection, subject string) string {
	return "/v1/connections/" + escape(connection) + "/schemas/" + escape(subject)
}
