package stream

import (
	"context"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/arn"
	awskinesis "github.com/aws/aws-sdk-go-v2/service/kinesis"

	"github.com/headgate/terraform-provider-headgate/daemon/connection/awsconfig"
	"github.com/headgate/terraform-provider-headgate/internal/api"
)

// reference names a stream, by its name or by its ARN.
type reference struct {
	name string
	arn  arn.ARN // zero for one by its name
}

// refer reads what names a stream. An ARN must be of the connection's region.
func (c *client) refer(text string) (reference, error) {
	if !arn.IsARN(text) {
		return reference{name: text}, nil
	}
	parsed, err := arn.Parse(text)
	name, ok := strings.CutPrefix(parsed.Resource, "stream/")
	if err != nil || !ok || parsed.Service != "kinesis" || !namePattern.MatchString(name) {
		return reference{}, api.Invalid("/name", "This is not the ARN of a stream", fmt.Sprintf("%q was given; one looks like arn:aws:kinesis:eu-central-1:123456789012:stream/clicks.", text), "Use the stream's ARN or its name.")
	}
	if parsed.Region != c.region {
		return reference{}, api.Invalid("/name", fmt.Sprintf("Stream %q is in another region", name),
			fmt.Sprintf("Its ARN is of %s, and connection %q leads to %s.", parsed.Region, c.connection, c.region),
			fmt.Sprintf("Use a connection to %s. Streams do not follow a connection whose region is changed, not in the same plan either: declare a connection for each region, and have connection_name name this one's.", parsed.Region))
	}
	return reference{name: name, arn: parsed}, nil
}

// open finds the client of a connection and the stream that is meant.
func (s *Service) open(ctx context.Context, connection, text string) (*client, reference, error) {
	c, err := s.client(ctx, connection)
	if err != nil {
		return nil, reference{}, err
	}
	ref, err := c.refer(text)
	return c, ref, err
}

// look answers nil for a stream that does not exist. One of the same name in another account is not it, and its account says
// nothing about the one that is meant.
func (c *client) look(ctx context.Context, ref reference) (*state, error) {
	have, err := c.read(ctx, ref.name)
	if err != nil || ref.arn.Service == "" {
		return have, err
	}
	if have != nil {
		return have, c.isIn(ref, have.arn)
	}
	// Any stream tells the account. Where there is none, this one is not there either, in whatever account it is meant to be.
	out, err := c.ListStreams(ctx, &awskinesis.ListStreamsInput{Limit: aws.Int32(1)})
	if awsconfig.IsDenied(err) {
		return nil, api.Refused(api.CodeRefused, "/name", fmt.Sprintf("Whether stream %q is in the account of connection %q cannot be told", ref.name, c.connection),
			"The connection may not list streams, which would tell its account.", "Name the stream by its name alone, or allow kinesis:ListStreams.")
	}
	if err != nil {
		return nil, c.failure("find the account of connection "+c.connection, err)
	}
	if len(out.StreamSummaries) > 0 {
		return nil, c.isIn(ref, aws.ToString(out.StreamSummaries[0].StreamARN))
	}
	return nil, nil //nolint:nilnil // absence is an answer here
}

// isIn refuses a stream that is meant to be in another account than one that the connection leads to.
func (c *client) isIn(ref reference, known string) error {
	found, err := arn.Parse(known)
	if err != nil || ref.arn.Service == "" || found.AccountID == ref.arn.AccountID {
		return nil //nolint:nilerr // what does not look like an ARN tells nothing
	}
	return api.Invalid("/name", fmt.Sprintf("Stream %q is in another account", ref.name),
		fmt.Sprintf("Its ARN is of account %s, and connection %q leads to account %s.", ref.arn.AccountID, c.connection, found.AccountID), "Use a connection to account "+ref.arn.AccountID+".")
}
