package topic

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/internal/spec"
)

// failure says that something could not be asked of a cluster: nothing is known then, least of all that a topic is absent.
func (c *cluster) failure(doing string, err error) error { return failure(c.name, doing, err) }

func failure(connection, doing string, err error) error {
	var ready *api.Error
	if errors.Is(err, context.Canceled) || errors.As(err, &ready) {
		return err
	}
	detail := fmt.Sprintf("Through connection %q: %v.", connection, err)
	return api.Upstream(api.CodeConnection, "/connection", "Cannot "+doing, detail, failureRemedy(connection, err))
}

func failureRemedy(connection string, err error) string {
	switch {
	case errors.Is(err, kerr.TopicAuthorizationFailed):
		return "Allow the connection's user to Describe and DescribeConfigs the topic."
	case errors.Is(err, kerr.ClusterAuthorizationFailed):
		return "Allow the connection's user to Describe the cluster."
	case errors.Is(err, kerr.SaslAuthenticationFailed):
		return fmt.Sprintf("Check the credentials of connection %q.", connection)
	case errors.Is(err, errNotShown):
		return "The change was made. Look after the brokers that lag behind, and repeat."
	}
	return fmt.Sprintf("Check that the brokers are up, and test connection %q.", connection)
}

// refused makes an error for people of a broker's answer to a write. message is what the broker said beside the code.
func (c *cluster) refused(doing string, err error, message string, configKeys []string) error {
	e := c.explain(err, message, configKeys)
	if e == nil {
		return c.failure(doing, withMessage(err, message))
	}
	e.Detail = fmt.Sprintf("Through connection %q, the broker says: %s", c.name, said(err, message))
	if e.Summary == "" {
		e.Summary = "The cluster refuses to " + doing
	}
	return e
}

// explain knows the answers that a broker gives on purpose.
func (c *cluster) explain(err error, message string, configKeys []string) *api.Error {
	switch {
	case errors.Is(err, kerr.InvalidPartitions):
		return api.Invalid("/partitions", "The cluster does not take this number of partitions", "", "Set partitions to a number that the cluster takes.")
	case errors.Is(err, kerr.InvalidReplicationFactor):
		return api.Invalid("/replication_factor", "The cluster does not take this replication factor", "", "Set replication_factor to at most the number of brokers that are up, or start more brokers.")
	case errors.Is(err, kerr.InvalidConfig):
		return api.Invalid(configPointer(message, configKeys), "The cluster does not take this config", "", "Correct the config: its name must be one of Kafka's topic configs, and its value one that the broker's message allows.")
	case errors.Is(err, kerr.InvalidTopicException):
		return api.Invalid("/name", "The cluster does not take this topic name", "", "Choose another name. Names that differ only in dots and underscores collide in metrics, so Kafka refuses the second.")
	case errors.Is(err, kerr.TopicAuthorizationFailed):
		return refusal("/connection", "Allow the connection's user to Create, Alter, AlterConfigs and Delete the topic.")
	case errors.Is(err, kerr.ClusterAuthorizationFailed):
		return refusal("/connection", "Allow the connection's user to Create on the cluster, or on topics with this prefix.")
	case errors.Is(err, kerr.PolicyViolation):
		return refusal(policyPointer(message), "Change what the policy of the cluster objects to, or ask those who run the cluster.")
	case errors.Is(err, kerr.ReassignmentInProgress):
		return refusal("", "Wait until the reassignment of the topic's partitions is done, and repeat.")
	case errors.Is(err, kerr.TopicDeletionDisabled):
		e := refusal("", "Set delete.topic.enable=true on the brokers, or empty the topic instead by a short retention.ms.")
		e.Summary = "The cluster does not allow topics to be deleted"
		return e
	case errors.Is(err, kerr.ThrottlingQuotaExceeded):
		return refusal("", "The cluster limits how fast its topics may change: repeat later.")
	case errors.Is(err, kerr.InvalidRequest), errors.Is(err, kerr.UnsupportedVersion):
		return refusal("", "")
	}
	return nil
}

func refusal(attribute, remedy string) *api.Error {
	return api.Refused(api.CodeRefused, attribute, "", "", remedy)
}

// policyPointer finds the field where the broker's own limits, rather than a policy plugin, are exceeded.
func policyPointer(message string) string {
	if strings.Contains(message, "number of partitions") {
		return "/partitions"
	}
	return ""
}

// configPointer finds the config that the message names.
func configPointer(message string, keys []string) string {
	for _, key := range keys {
		if regexp.MustCompile(`(^|[^a-z0-9.])` + regexp.QuoteMeta(key) + `($|[^a-z0-9.]|\.($|\s))`).MatchString(message) {
			return spec.Join("/config", key)
		}
	}
	return "/config"
}

// said is the broker's message, or what the protocol says about the error's code.
func said(err error, message string) string {
	var code *kerr.Error
	switch {
	case message != "":
		return message
	case errors.As(err, &code):
		return code.Description
	}
	return err.Error()
}

func withMessage(err error, message string) error {
	if message == "" {
		return err
	}
	return fmt.Errorf("%w: %s", err, message)
}

// join makes one error of several, nil where there is none.
func join(all []*api.Error) error {
	if len(all) == 0 {
		return nil
	}
	first := *all[0]
	for _, e := range all[1:] {
		first.More = append(first.More, *e)
	}
	return &first
}
