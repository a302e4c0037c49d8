package kafka

import (
	"bytes"
	"context"
	"encoding/json"
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
	return bearerMechanism{oauth.Oauth(func(ctx context.Context) (oauth.Auth, error) {
		token, err := source.Token(ctx)
		if err != nil {
			return oauth.Auth{}, fmt.Errorf("get a token from %s: %w", c.TokenEndpoint, err)
		}
		return oauth.Auth{Token: token.Value, Extensions: c.Extensions}, nil
	})}
}

// bearerMechanism reads what a broker says of a token that it refuses.
type bearerMechanism struct{ sasl.Mechanism }

// Authenticate implements [sasl.Mechanism].
func (m bearerMechanism) Authenticate(ctx context.Context, address string) (sasl.Session, []byte, error) {
	session, message, err := m.Mechanism.Authenticate(ctx, address)
	if err != nil {
		return nil, nil, err
	}
	return bearerSession{session}, message, nil
}

type bearerSession struct{ sasl.Session }

// Challenge ends the exchange: the answer to a token that is taken is empty.
func (s bearerSession) Challenge(answer []byte) (done bool, message []byte, err error) {
	if refused := bearerRefusal(answer); refused != nil {
		return false, nil, refused
	}
	return s.Session.Challenge(nil)
}

// refusedTokenError is the answer to a token that is refused.
type refusedTokenError struct{ says string }

func (e *refusedTokenError) Error() string { return "the broker refuses the token: " + e.says }

// bearerRefusal reads such an answer (RFC 7628, section 3.2.3); nil when it is none.
func bearerRefusal(answer []byte) *refusedTokenError {
	if len(bytes.Trim(answer, "\x00\x01")) == 0 {
		return nil
	}
	var refusal struct {
		Status string `json:"status"`
		Scope  string `json:"scope"`
	}
	switch {
	case json.Unmarshal(answer, &refusal) != nil || refusal.Status == "":
		return &refusedTokenError{"it answers with a challenge of its own"}
	case refusal.Scope != "":
		return &refusedTokenError{fmt.Sprintf("%s, it wants the scope %s", refusal.Status, refusal.Scope)}
	}
	return &refusedTokenError{refusal.Status}
}
