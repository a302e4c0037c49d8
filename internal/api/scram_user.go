package api

import "context"

// Bounds and defaults of SCRAM credentials. Kafka's own are 4,096 to 16,384 iterations. Only clients pay for them, once per
// connection, and a stolen credential resists guessing for as long as they last: the default is the most.
const (
	DefaultSCRAMMechanism  = "SCRAM-SHA-512"
	DefaultSCRAMIterations = 16384
	MinSCRAMIterations     = 4096
	MaxSCRAMIterations     = 16384
)

// SCRAMAccount is a user that a cluster knows a SCRAM password of.
type SCRAMAccount struct {
	Connection  string            `json:"connection" doc:"The connection of the cluster."`
	Username    string            `json:"username" doc:"The name of the user."`
	Credentials []SCRAMCredential `json:"credentials" nullable:"false" doc:"What the cluster keeps, by mechanism. No cluster tells a password, or whether it is still the same."`
	Generation  string            `json:"generation" doc:"Changes with every change that the cluster tells of, and with every one made through this daemon."`
}

// SCRAMCredential is a password of a user, as a cluster tells of it.
type SCRAMCredential struct {
	Mechanism  string `json:"mechanism" doc:"SCRAM-SHA-256 or SCRAM-SHA-512."`
	Iterations int64  `json:"iterations" doc:"How often the password is hashed."`
}

// SCRAMUserWrite is a user as it is declared. A credential of a mechanism that is not declared is taken away.
type SCRAMUserWrite struct {
	// Mechanisms empty takes the default.
	Mechanisms []string `json:"mechanisms,omitempty" doc:"SCRAM-SHA-256, SCRAM-SHA-512 or both. Default: SCRAM-SHA-512."`
	// Iterations 0 takes the default.
	Iterations int64 `json:"iterations,omitempty" doc:"How often the password is hashed, 4096 to 16384. Default: 16384."`
	// Password empty leaves it as it is.
	Password string   `json:"password,omitempty" doc:"The password. Empty leaves it as it is, which nothing but removing a mechanism can."`
	Unknown  []string `json:"unknown,omitempty" doc:"In a dry run: JSON pointers into the body whose values are not known yet."`
}

// GetSCRAMUser reads a user.
func (c *Client) GetSCRAMUser(ctx context.Context, connection, username string) (*SCRAMAccount, error) {
	return get[SCRAMAccount](ctx, c, scramUserPath(connection, username))
}

// ListSCRAMUsers reads one page of the users.
func (c *Client) ListSCRAMUsers(ctx context.Context, connection, prefix, cursor string) (*Page[SCRAMAccount], error) {
	return get[Page[SCRAMAccount]](ctx, c, "/v1/connections/"+escape(connection)+"/scram-users"+query("prefix", prefix, "cursor", cursor))
}

// PutSCRAMUser creates or changes a user.
func (c *Client) PutSCRAMUser(ctx context.Context, connection, username string, body SCRAMUserWrite, opts WriteOptions) (*SCRAMAccount, error) {
	return put[SCRAMAccount](ctx, c, scramUserPath(connection, username), body, opts)
}

// DeleteSCRAMUser takes all SCRAM passwords of a user away.
func (c *Client) DeleteSCRAMUser(ctx context.Context, connection, username string, opts WriteOptions) (*Deletion, error) {
	return del(ctx, c, scramUserPath(connection, username), opts)
}

func scramUserPath(connection, username string) string {
	return "/v1/connections/" + escape(connection) + "/scram-users/" + escape(username)
}
