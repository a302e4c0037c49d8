package api

import "context"

// Defaults of ACL rules.
const (
	DefaultACLPattern    = "LITERAL"
	DefaultACLPermission = "ALLOW"
	DefaultACLHost       = "*"
	// ACLClusterName is the only name that a resource of type CLUSTER has.
	ACLClusterName = "kafka-cluster"
)

// ACL is all that a cluster allows or denies one principal.
type ACL struct {
	Connection string    `json:"connection" doc:"The connection of the cluster."`
	Principal  string    `json:"principal" doc:"Who it is about, such as User:billing."`
	Rules      []ACLRule `json:"rules" nullable:"false" doc:"The rules, in order; a resource has one for each host and permission."`
	Generation string    `json:"generation" doc:"Changes with every change, whoever made it."`
}

// ACLRule allows or denies operations on resources.
type ACLRule struct {
	ResourceType string   `json:"resource_type" doc:"TOPIC, GROUP, CLUSTER, TRANSACTIONAL_ID, DELEGATION_TOKEN or USER."`
	ResourceName string   `json:"resource_name,omitempty" doc:"The name, or what it begins with; * with LITERAL is all. Default for CLUSTER: kafka-cluster."`
	PatternType  string   `json:"pattern_type,omitempty" doc:"LITERAL or PREFIXED. Default: LITERAL."`
	Operations   []string `json:"operations" nullable:"false" doc:"What is allowed or denied, such as READ; ALL is everything."`
	Permission   string   `json:"permission,omitempty" doc:"ALLOW or DENY; DENY wins. Default: ALLOW."`
	Host         string   `json:"host,omitempty" doc:"The IP address that it is about. Default: *, all."`
}

// ACLWrite is all that a principal shall be allowed or denied: what is not in it is taken away.
type ACLWrite struct {
	Rules   []ACLRule `json:"rules" nullable:"false" doc:"All rules; their order does not matter."`
	Unknown []string  `json:"unknown,omitempty" doc:"In a dry run: JSON pointers into the body whose values are not known yet. /rules says that there are further rules."`
}

// GetACL reads the ACLs of a principal.
func (c *Client) GetACL(ctx context.Context, connection, principal string) (*ACL, error) {
	return get[ACL](ctx, c, aclPath(connection, principal))
}

// ListACLs reads one page of the ACLs, by principal.
func (c *Client) ListACLs(ctx context.Context, connection, prefix, cursor string) (*Page[ACL], error) {
	return get[Page[ACL]](ctx, c, "/v1/connections/"+escape(connection)+"/acls"+query("prefix", prefix, "cursor", cursor))
}

// PutACL makes the ACLs of a principal what is declared.
func (c *Client) PutACL(ctx context.Context, connection, principal string, body ACLWrite, opts WriteOptions) (*ACL, error) {
	return put[ACL](ctx, c, aclPath(connection, principal), body, opts)
}

// DeleteACL takes all ACLs of a principal away.
func (c *Client) DeleteACL(ctx context.Context, connection, principal string, opts WriteOptions) (*Deletion, error) {
	return del(ctx, c, aclPath(connection, principal), opts)
}

func aclPath(connection, principal string) string {
	return "/v1/connections/" + escape(connection) + "/acls/" + escape(principal)
}
