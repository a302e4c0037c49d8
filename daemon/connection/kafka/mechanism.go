package kafka

import (
	"context"
	"fmt"

	"github.com/twmb/franz-go/pkg/sasl"
	"github.com/twmb/franz-go/pkg/sasl/oauth"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"

	"github.com/headgate/terraform-provider-headgate/daemon/connection/oauthtoken"
	"github.com/headgate/terraform-provider-headgate/internal/api"
)

// mechanism makes the SASL mechanism of a client. Tokens and tickets are kept in it, so it serves one client for its life.
func mechanism(s *api.KafkaSASL) (sasl.Mechanism, error) {
	switch s.Mechanism {
	case api.SASLPlain:
		return plain.Auth{User: s.Username, Pass: s.Password}.AsMechanism(), nil
	case api.SASLScramSHA256:
		return scram.Auth{User: s.Username, Pass: s.Password}.AsSha256Mechanism(), nil
	case api.SASLScramSHA512:
		return scram.Auth{User: s.Username, Pass: s.Password}.AsSha512Mechanism(), nil
	case api.SASLOAuthBearer:
		source, err := oauthtoken.New(s.OAuth)
		if err != nil {
			return nil, err
		}
		return bearer(s.OAuth, source), nil
	case api.SASLMSKIAM:
		return newMSKIAM(s), nil
	case api.SASLGSSAPI:
		return newKerberos(s)
	}
	return nil, fmt.Errorf("there is no SASL mechanism %s", s.Mechanism)
}

// bearer sends a token of the source, with the extensions of KIP-342.
func bearer(c *api.OAuthClientCredentials, source *oauthtoken.Source) sasl.Mechanism {
	return oauth.Oauth(func(ctx context.Context) (oauth.Auth, error) {
		token, err := source.Token(ctx)
		if err != nil {
			return oauth.Auth{}, fmt.Errorf("get a token from %s: %w", c.TokenEndpoint, err)
		}
		return oauth.Auth{Token: token.Value, Extensions: c.Extensions}, nil
	})
}
