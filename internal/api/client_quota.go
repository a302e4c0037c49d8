package api

import (
	"context"
	"fmt"
	"net/url"
	"strings"
)

// The quotas that Kafka has.
const (
	QuotaProducerByteRate       = "producer_byte_rate"
	QuotaConsumerByteRate       = "consumer_byte_rate"
	QuotaRequestPercentage      = "request_percentage"
	QuotaControllerMutationRate = "controller_mutation_rate"
	QuotaConnectionCreationRate = "connection_creation_rate"
)

// QuotaDefault stands for all names that have no quota of their own.
const QuotaDefault = "<default>"

// QuotaEntity is whom a quota is about: a user, a client id, both, or an IP address. Nil: it does not matter.
type QuotaEntity struct {
	User, ClientID, IP *string
}

var quotaEscape = strings.NewReplacer("%", "%25", ",", "%2C", "=", "%3D")

// String is the entity as a name, such as user=billing,client-id=<default>.
func (e QuotaEntity) String() string {
	var parts []string
	for _, part := range partsOf(&e) {
		if *part.name != nil {
			parts = append(parts, part.kind+"="+quotaEscape.Replace(**part.name))
		}
	}
	return strings.Join(parts, ",")
}

type quotaPart struct {
	kind string
	name **string
}

func partsOf(e *QuotaEntity) []quotaPart {
	return []quotaPart{{"user", &e.User}, {"client-id", &e.ClientID}, {"ip", &e.IP}}
}

// ParseQuotaEntity reads what String writes.
func ParseQuotaEntity(name string) (QuotaEntity, error) {
	var e QuotaEntity
	invalid := fmt.Errorf("%q is not the entity of a quota: write user=NAME, client-id=NAME, user=NAME,client-id=NAME or ip=ADDRESS; %s as name is all others", name, QuotaDefault)
	for text := range strings.SplitSeq(name, ",") {
		kind, escaped, ok := strings.Cut(text, "=")
		value, err := url.PathUnescape(escaped)
		if !ok || err != nil || value == "" || !setPart(&e, kind, value) {
			return e, invalid
		}
	}
	if e.IP != nil && (e.User != nil || e.ClientID != nil) || e.String() != name {
		return e, invalid
	}
	return e, nil
}

// setPart answers false for a kind that does not exist, or is set already.
func setPart(e *QuotaEntity, kind, value string) bool {
	for _, part := range partsOf(e) {
		if part.kind == kind && *part.name == nil {
			*part.name = &value
			return true
		}
	}
	return false
}

// ClientQuota are the quotas of an entity.
type ClientQuota struct {
	Connection string             `json:"connection" doc:"The connection of the cluster."`
	Entity     string             `json:"entity" doc:"Whom it is about, such as user=billing,client-id=<default>."`
	Values     map[string]float64 `json:"values" doc:"The quotas, by Kafka's names."`
	Generation string             `json:"generation" doc:"Changes with every change, whoever made it."`
}

// ClientQuotaWrite are quotas as they are declared.
type ClientQuotaWrite struct {
	// Values holds the declared quotas; the rest is left alone.
	Values map[string]float64 `json:"values,omitempty" doc:"The declared quotas, by Kafka's names: producer_byte_rate and consumer_byte_rate in bytes per second, request_percentage, controller_mutation_rate in changes per second, connection_creation_rate in connections per second. Others are left alone."`
	// Unset are quotas that were declared once and are no longer.
	Unset   []string `json:"unset,omitempty" doc:"Quotas to take away."`
	Unknown []string `json:"unknown,omitempty" doc:"In a dry run: JSON pointers into the body whose values are not known yet."`
}

// GetClientQuota reads the quotas of an entity.
func (c *Client) GetClientQuota(ctx context.Context, connection, entity string) (*ClientQuota, error) {
	return get[ClientQuota](ctx, c, clientQuotaPath(connection, entity))
}

// ListClientQuotas reads one page of the quotas, by entity.
func (c *Client) ListClientQuotas(ctx context.Context, connection, prefix, cursor string) (*Page[ClientQuota], error) {
	return get[Page[ClientQuota]](ctx, c, "/v1/connections/"+escape(connection)+"/client-quotas"+query("prefix", prefix, "cursor", cursor))
}

// PutClientQuota makes the declared quotas of an entity.
func (c *Client) PutClientQuota(ctx context.Context, connection, entity string, body ClientQuotaWrite, opts WriteOptions) (*ClientQuota, error) {
	return put[ClientQuota](ctx, c, clientQuotaPath(connection, entity), body, opts)
}

// DeleteClientQuota takes quotas of an entity away: those that are named, or all.
func (c *Client) DeleteClientQuota(ctx context.Context, connection, entity string, only []string, opts WriteOptions) (*Deletion, error) {
	return del(ctx, c, clientQuotaPath(connection, entity)+query("only", strings.Join(only, ",")), opts)
}

func clientQuotaPath(connection, entity string) string {
	return "/v1/connections/" + escape(connection) + "/client-quotas/" + escape(entity)
}
