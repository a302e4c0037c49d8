package kafka

import (
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/headgate/terraform-provider-headgate/daemon/connector"
	"github.com/headgate/terraform-provider-headgate/internal/api"
)

// explain says what was being done to which connection, what the cluster said, and the way out. attribute is the JSON
// pointer of the field that is to blame, if one is.
func explain(err error, attribute, doing, connectionName string) error {
	summary := fmt.Sprintf("Cannot %s of connection %q", doing, connectionName)
	var auth *kadm.AuthError
	switch {
	case errors.As(err, &auth), isAuthorization(err):
		return connector.Fatal(api.Upstream(api.CodeRefused, attribute, summary, err.Error(), "Grant the connection's user the rights for it, with an ACL."))
	case errors.Is(err, kerr.SaslAuthenticationFailed):
		return connector.Fatal(api.Upstream(api.CodeConnection, attribute, summary, err.Error(), "Check the user name and password of the connection."))
	case errors.Is(err, kerr.OffsetOutOfRange), isDataLoss(err):
		return connector.Fatal(api.Upstream(api.CodeRefused, attribute, summary,
			"Records that were not read yet are gone: the topic's retention purged them, they were deleted, or the topic was deleted and made again. "+err.Error(),
			"To go on with what is there, delete the connector and create it again; to lose nothing next time, raise the retention of the topic."))
	case errors.Is(err, kerr.UnknownTopicOrPartition), errors.Is(err, kerr.UnknownTopicID):
		return api.Upstream(api.CodeRefused, attribute, summary, err.Error(), "A topic that the connector reads or writes is gone: create it again, or take it out of the connector, and restart the connector.")
	case errors.Is(err, kerr.MessageTooLarge):
		return api.Upstream(api.CodeRefused, attribute, summary, err.Error(), "Raise max.message.bytes of the destination topic to that of the source topic.")
	}
	return api.Upstream(api.CodeConnection, attribute, summary, err.Error(), "Try the connection with `headgated test-connection "+connectionName+"`.")
}

// isDataLoss recognizes that the log was cut behind the position, by an unclean leader election (KIP-320).
func isDataLoss(err error) bool {
	_, lost := errors.AsType[*kgo.ErrDataLoss](err)
	return lost
}

func isAuthorization(err error) bool {
	for _, known := range []error{kerr.TopicAuthorizationFailed, kerr.GroupAuthorizationFailed, kerr.ClusterAuthorizationFailed} {
		if errors.Is(err, known) {
			return true
		}
	}
	return false
}
