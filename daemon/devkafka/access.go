package devkafka

import (
	"context"
	"math"
	"net"
	"slices"
	"strings"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// createACLs checks what kfake does not, as Kafka's brokers and controller do, and has kfake keep the rest. What kfake has
// no room for is refused in words of our own.
func (c *Cluster) createACLs(ctx context.Context, node int32, req *kmsg.CreateACLsRequest) (*kmsg.CreateACLsResponse, error) {
	resp := req.ResponseKind().(*kmsg.CreateACLsResponse)
	resp.Results = make([]kmsg.CreateACLsResponseResult, len(req.Creations))
	ask := kmsg.NewPtrCreateACLsRequest()
	var places []int // of what is asked for, in the response
	for i, creation := range req.Creations {
		if refused := checkACL(creation); refused != nil {
			resp.Results[i] = kmsg.CreateACLsResponseResult{ErrorCode: refused.code, ErrorMessage: refused.message}
			continue
		}
		ask.Creations = append(ask.Creations, creation)
		places = append(places, i)
	}
	if len(places) == 0 {
		return resp, nil
	}
	done, err := send[*kmsg.CreateACLsResponse](ctx, c, node, ask)
	if err != nil {
		return nil, err
	}
	for i, result := range done.Results {
		resp.Results[places[i]] = result
	}
	return resp, nil
}

func checkACL(a kmsg.CreateACLsRequestCreation) *refusal {
	switch {
	case a.ResourceType == kmsg.ACLResourceTypeCluster && a.ResourceName != "kafka-cluster":
		return refuse(kerr.InvalidRequest, "The only valid name for the CLUSTER resource is kafka-cluster")
	case a.ResourceName == "":
		return refuse(kerr.InvalidRequest, "Invalid empty resource name")
	case !strings.Contains(a.Principal, ":"):
		return refuse(kerr.InvalidRequest, "Could not parse principal from `%s` (no colon is present separating the principal type from the principal name)", a.Principal)
	case a.ResourceType == kmsg.ACLResourceTypeDelegationToken, a.ResourceType == kmsg.ACLResourceTypeUser:
		return refuse(kerr.UnsupportedVersion, "The in-memory Kafka API has no delegation tokens, so it keeps no ACLs for %ss", strings.ToLower(a.ResourceType.String()))
	case a.Operation > kmsg.ACLOperationIdempotentWrite:
		return refuse(kerr.UnsupportedVersion, "The in-memory Kafka API does not know the ACL operation %d", a.Operation)
	}
	return nil
}

// alterClientQuotas checks entities, keys and values as Kafka's controller does. Of the entries of one request those that
// are possible are done.
func (c *Cluster) alterClientQuotas(ctx context.Context, node int32, req *kmsg.AlterClientQuotasRequest) (*kmsg.AlterClientQuotasResponse, error) {
	resp := req.ResponseKind().(*kmsg.AlterClientQuotasResponse)
	ask := kmsg.NewPtrAlterClientQuotasRequest()
	ask.ValidateOnly = req.ValidateOnly
	for _, entry := range req.Entries {
		refused := checkQuota(entry)
		if refused == nil {
			ask.Entries = append(ask.Entries, entry)
			continue
		}
		answer := kmsg.NewAlterClientQuotasResponseEntry()
		answer.ErrorCode, answer.ErrorMessage = refused.code, refused.message
		for _, part := range entry.Entity {
			answer.Entity = append(answer.Entity, kmsg.AlterClientQuotasResponseEntryEntity{Type: part.Type, Name: part.Name})
		}
		resp.Entries = append(resp.Entries, answer)
	}
	if len(ask.Entries) == 0 {
		return resp, nil
	}
	done, err := send[*kmsg.AlterClientQuotasResponse](ctx, c, node, ask)
	if err != nil {
		return nil, err
	}
	resp.Entries = append(resp.Entries, done.Entries...)
	return resp, nil
}

const (
	quotaUser     = "user"
	quotaClientID = "client-id"
	quotaIP       = "ip"
)

func checkQuota(entry kmsg.AlterClientQuotasRequestEntry) *refusal {
	kinds := make([]string, 0, len(entry.Entity))
	for _, part := range entry.Entity {
		switch {
		case part.Type != quotaUser && part.Type != quotaClientID && part.Type != quotaIP:
			return refuse(kerr.InvalidRequest, "Unhandled client quota entity type: %s", part.Type)
		case part.Name != nil && *part.Name == "":
			return refuse(kerr.InvalidRequest, "Empty %s not supported", part.Type)
		case part.Type == quotaIP && part.Name != nil && net.ParseIP(*part.Name) == nil:
			return refuse(kerr.InvalidRequest, "%s is not a valid IP or resolvable host.", *part.Name)
		}
		kinds = append(kinds, part.Type)
	}
	if len(kinds) == 0 || len(kinds) > 1 && slices.Contains(kinds, quotaIP) {
		return refuse(kerr.InvalidRequest, "Invalid empty client quota entity")
	}
	for _, op := range entry.Ops {
		if refused := checkQuotaValue(op, kinds); refused != nil {
			return refused
		}
	}
	return nil
}

// quotaKeys tells which quotas are whole numbers, by the kind of the entity and Kafka's names of the quotas.
func quotaKeys(kinds []string) map[string]bool {
	if slices.Contains(kinds, quotaIP) {
		return map[string]bool{"connection_creation_rate": true}
	}
	return map[string]bool{"producer_byte_rate": true, "consumer_byte_rate": true, "request_percentage": false, "controller_mutation_rate": false}
}

func checkQuotaValue(op kmsg.AlterClientQuotasRequestEntryOp, kinds []string) *refusal {
	whole, known := quotaKeys(kinds)[op.Key]
	switch {
	case !known:
		return refuse(kerr.InvalidRequest, "Invalid configuration key %s", op.Key)
	case op.Remove:
		return nil
	case op.Value <= 0:
		return refuse(kerr.InvalidRequest, "Quota %s must be greater than 0", op.Key)
	case whole && op.Value != math.Trunc(op.Value):
		return refuse(kerr.InvalidRequest, "Quota %s must be a Long value", op.Key)
	}
	return nil
}
