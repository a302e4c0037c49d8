package stream

import (
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"github.com/aws/smithy-go"

	"github.com/headgate/terraform-provider-headgate/daemon/connection/awsconfig"
	"github.com/headgate/terraform-provider-headgate/daemon/connection/probe"
	"github.com/headgate/terraform-provider-headgate/internal/api"
)

func isMissing(err error) bool {
	_, missing := errors.AsType[*types.ResourceNotFoundException](err)
	return missing
}

// failure makes an error of the API of what went wrong while doing something.
func (c *client) failure(doing string, err error) error {
	summary := "Cannot " + doing
	through := func(what string) string {
		return fmt.Sprintf("Through connection %q: %s.", c.connection, strings.TrimSuffix(what, "."))
	}
	if explained, ok := errors.AsType[*probe.StepError](awsconfig.Explain(err)); ok {
		return api.Upstream(api.CodeConnection, "/connection", summary, through(explained.Error()), explained.Remedy)
	}
	says := through(awsconfig.Says(err))
	if awsconfig.IsDenied(err) {
		return api.Upstream(api.CodeRefused, "", summary, says, "Allow it in the IAM policy of the connection's credentials.")
	}
	refused, ok := errors.AsType[smithy.APIError](err)
	if !ok {
		return api.Upstream(api.CodeConnection, "/connection", summary, says, "Test the connection: headgated test-connection "+c.connection)
	}
	switch code := refused.ErrorCode(); {
	case strings.HasPrefix(code, "KMS"):
		return api.Refused(api.CodeRefused, "/kms_key_id", summary, says, "Check the key, its state and its policy.")
	case code == "LimitExceededException":
		return api.Refused(api.CodeRefused, "", summary, says, "Wait, or have AWS raise the quota. Ten changes of the shard count and two of the mode are allowed in 24 hours.")
	case code == "ResourceInUseException":
		return api.Refused(api.CodeRefused, "", summary, says, "Something else is changing the stream: try again.")
	case refused.ErrorFault() == smithy.FaultServer:
		return api.Upstream(api.CodeConnection, "/connection", summary, says, "Try again, and test the connection: headgated test-connection "+c.connection)
	}
	return api.Refused(api.CodeRefused, "", summary, says, "Change what AWS objects to.")
}
