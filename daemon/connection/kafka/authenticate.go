package kafka

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/headgate/terraform-provider-headgate/daemon/connection/httpclient"
	"github.com/headgate/terraform-provider-headgate/daemon/connection/oauthtoken"
	"github.com/headgate/terraform-provider-headgate/daemon/connection/probe"
	"github.com/headgate/terraform-provider-headgate/internal/api"
)

// allowedSkew is how far clocks may differ before signatures, tickets and tokens are refused for it: five minutes by
// Kerberos's and AWS's rules, next to nothing by that of tokens.
const allowedSkew = time.Minute

// authentication runs the SASL exchange (KIP-43, KIP-152) step by step.
func (t *tester) authentication(ctx context.Context, w *wire, address string) error {
	if t.mechanism == nil {
		if err := t.prepare(ctx, address); err != nil {
			return err
		}
	}
	return t.Step(ctx, api.StepAuthentication, address, func(ctx context.Context) (string, error) {
		handshake := kmsg.NewPtrSASLHandshakeRequest()
		handshake.Version = 1
		handshake.Mechanism = t.c.SASL.Mechanism
		offered := kmsg.NewPtrSASLHandshakeResponse()
		if err := w.do(ctx, handshake, offered); err != nil {
			return "", probe.Fail("the broker ends the connection when authentication begins", "Check that this port is a SASL listener.", err)
		}
		if err := t.mechanismError(offered); err != nil {
			return "", err
		}
		if err := t.exchange(ctx, w, address); err != nil {
			return "", err
		}
		return t.identity(), nil
	})
}

// prepare makes the mechanism, and gets the first token where it needs one.
func (t *tester) prepare(ctx context.Context, address string) error {
	unusable := func(err error) error {
		return t.Step(ctx, api.StepAuthentication, address, func(context.Context) (string, error) {
			return "", probe.Blame("/sasl", "the settings of "+t.c.SASL.Mechanism+" cannot be used", "", err)
		})
	}
	if t.c.SASL.Mechanism != api.SASLOAuthBearer {
		made, err := mechanism(t.c.SASL)
		if err != nil {
			return unusable(err)
		}
		t.mechanism = made
		return nil
	}
	source, err := oauthtoken.New(t.c.SASL.OAuth)
	if err != nil {
		return unusable(err)
	}
	t.mechanism = bearer(t.c.SASL.OAuth, source)
	t.tokens = t.token(ctx, source)
	return t.tokens
}

// identity is who authenticated, and how.
func (t *tester) identity() string {
	s := t.c.SASL
	switch {
	case s.OAuth != nil:
		return s.Mechanism + " as client " + s.OAuth.ClientID
	case s.Username != "":
		return s.Mechanism + " as " + s.Username
	}
	return s.Mechanism
}

// errNotReached says that a step on the way, which is written down, failed.
var errNotReached = errors.New("the token endpoint is not reached")

// token walks to the token endpoint and asks for a token.
func (t *tester) token(ctx context.Context, source *oauthtoken.Source) error {
	attribute := t.Attribute
	t.Attribute, t.Subject = "/spec"+t.Own("/sasl/oauth/token_endpoint"), "the token endpoint"
	defer func() { t.Attribute, t.Subject = attribute, "" }()
	endpoint, err := url.Parse(t.c.SASL.OAuth.TokenEndpoint)
	if err != nil {
		return err
	}
	if !proxied(endpoint) && !t.walk(ctx) {
		return errNotReached
	}
	return t.Step(ctx, api.StepAuthentication, httpclient.HostPort(endpoint), func(ctx context.Context) (string, error) {
		got, err := source.Token(ctx)
		if err != nil {
			return "", tokenFailure(err)
		}
		t.skew = got.Skew
		if got.Expiry.IsZero() {
			return "a token for client " + t.c.SASL.OAuth.ClientID, nil
		}
		return fmt.Sprintf("a token for client %s, good for %s", t.c.SASL.OAuth.ClientID, time.Until(got.Expiry).Round(time.Second)), nil
	})
}

// walk takes the steps that come before the first byte of HTTP, in the words of the token endpoint's own fields.
func (t *tester) walk(ctx context.Context) bool {
	brokers := t.Own
	t.Own = func(field string) string {
		if strings.HasPrefix(field, "/tls") {
			return brokers("/sasl/oauth" + field)
		}
		return brokers("/sasl/oauth/token_endpoint")
	}
	defer func() { t.Own = brokers }()
	_, ok := httpclient.Access{TLS: t.c.SASL.OAuth.TLS, Server: "token endpoint"}.Reach(ctx, &t.Recorder, t.c.SASL.OAuth.TokenEndpoint)
	return ok
}

// proxied says that a proxy stands between: then the way to the endpoint is the proxy's.
func proxied(u *url.URL) bool {
	proxy, err := http.ProxyFromEnvironment(&http.Request{URL: u})
	return err == nil && proxy != nil
}

func tokenFailure(err error) error {
	refused, ok := errors.AsType[*oauthtoken.RefusedError](err)
	switch {
	case !ok:
		return probe.Blame("/sasl/oauth/token_endpoint", "no token comes from the token endpoint", "Check {/sasl/oauth/token_endpoint}: its scheme, host, port and path.", err)
	case refused.Code == "invalid_client" || refused.Code == "unauthorized_client" || refused.Status == http.StatusUnauthorized:
		return probe.Blame("/sasl/oauth/client_secret", "the token endpoint refuses the client id or secret", "Check {/sasl/oauth/client_id} and {/sasl/oauth/client_secret}, and that the secret has not expired.", err)
	case refused.Code == "invalid_scope":
		return probe.Blame("/sasl/oauth/scopes", "the token endpoint refuses the scopes", "Check {/sasl/oauth/scopes}.", err)
	case refused.Code == "":
		return probe.Blame("/sasl/oauth/token_endpoint", "what answers there is not a token endpoint", "Check {/sasl/oauth/token_endpoint}, path included.", err)
	}
	return probe.Blame("/sasl/oauth", "the token endpoint refuses", "Check {/sasl/oauth/client_id}, {/sasl/oauth/scopes} and {/sasl/oauth/audience}.", err)
}

func (t *tester) mechanismError(offered *kmsg.SASLHandshakeResponse) error {
	mechanism := t.c.SASL.Mechanism
	err := kerr.ErrorForCode(offered.ErrorCode)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, kerr.UnsupportedSaslMechanism):
		remedy := "Set {/sasl/mechanism} to one that it offers."
		if t.Own("/sasl/mechanism") == "" {
			remedy = "Check {/bootstrap_servers}: it must be a listener that offers " + mechanism + "."
		}
		return probe.Blame("/sasl/mechanism", fmt.Sprintf("the broker does not offer %s, it offers %s", mechanism, strings.Join(offered.SupportedMechanisms, ", ")), remedy, nil)
	case errors.Is(err, kerr.IllegalSaslState):
		return probe.Blame("/security_protocol", "the listener does not authenticate with SASL",
			"Set {/security_protocol} to "+strings.TrimPrefix(t.c.SecurityProtocol, "SASL_")+", or use the port of a SASL listener.", nil)
	default:
		return probe.Blame("/sasl/mechanism", "the broker refuses to begin authentication", "Check {/sasl/mechanism}.", err)
	}
}

func (t *tester) exchange(ctx context.Context, w *wire, address string) error {
	session, message, err := t.mechanism.Authenticate(ctx, address)
	if err != nil {
		return t.localFailure(err, address)
	}
	// What is left to say is said even when the mechanism is done: GSSAPI ends with the client's word, SCRAM on the server's.
	for done := false; !done || len(message) > 0; {
		req := kmsg.NewPtrSASLAuthenticateRequest()
		w.negotiate(req)
		req.SASLAuthBytes = message
		resp := kmsg.NewPtrSASLAuthenticateResponse()
		if err := w.do(ctx, req, resp); err != nil {
			return t.refusal("the broker ends the connection during authentication", err)
		}
		if resp.ErrorCode != 0 {
			return t.refusal("", said(resp.ErrorMessage, kerr.ErrorForCode(resp.ErrorCode)))
		}
		if done {
			return nil
		}
		done, message, err = session.Challenge(resp.SASLAuthBytes)
		if refused, ok := errors.AsType[*refusedTokenError](err); ok {
			return t.refusal("", errors.New(refused.says))
		}
		if err != nil {
			return probe.Blame("/sasl/password", "the broker could not prove that it knows the password", "Check the password, and that the address is that of the right cluster.", err)
		}
	}
	return nil
}

// said is the broker's own message, where it has one.
func said(message *string, err error) error {
	if message == nil || *message == "" {
		return err
	}
	return errors.New(strings.TrimSuffix(*message, "."))
}

// refusal says what it means that the broker does not take the credentials. cause may be empty.
func (t *tester) refusal(cause string, err error) error {
	s := t.c.SASL
	or := func(text string) string {
		if cause != "" {
			return cause
		}
		return text
	}
	switch s.Mechanism {
	case api.SASLOAuthBearer:
		if t.skew.Abs() > allowedSkew {
			return probe.Blame("/sasl/oauth", or("the broker refuses the token"), fmt.Sprintf("The clock of the token endpoint is %s from the daemon's: tokens are good for a short time, so set the clocks right first.", t.skew.Round(time.Second)), err)
		}
		return probe.Blame("/sasl/oauth", or("the broker refuses the token"), "Check that the brokers trust this token endpoint, and want these scopes, this audience and these extensions; and that the brokers' clocks are right.", err)
	case api.SASLMSKIAM:
		return probe.Blame("/sasl/aws", or("the broker refuses the IAM identity"), "Allow the identity kafka-cluster:Connect on the cluster in its policy, and check the region, the account, and that the clock of the daemon's machine is right: a signature is good for five minutes.", err)
	case api.SASLGSSAPI:
		return probe.Blame("/sasl/kerberos", or("the broker refuses the Kerberos ticket"), "Check that the clocks agree, that {/sasl/kerberos/service_name} is the brokers' own, and that their keytab has the current key.", err)
	}
	if t.Own("/sasl/username") == t.Own("/sasl/password") {
		return probe.Blame("/sasl/password", or("the broker refuses the credentials"), "Check {/sasl/password}, and that it has not been regenerated since.", err)
	}
	return probe.Blame("/sasl/password", or("the broker refuses the user name or password"), "Check {/sasl/username} and {/sasl/password}, and that the user exists for "+s.Mechanism+".", err)
}

// localFailure says why there is nothing to authenticate with.
func (t *tester) localFailure(err error, address string) error {
	if noKey, ok := errors.AsType[*credentialsError](err); ok {
		return awsFailure(noKey.err, t.c.SASL.AWS)
	}
	if noTicket, ok := errors.AsType[*kerberosError](err); ok {
		return kerberosFailure(noTicket.err, t.c.SASL, address)
	}
	return probe.Blame("/sasl", "authentication cannot begin", "", err)
}

// authorization asks for the brokers and for what we may do.
func (t *tester) authorization(ctx context.Context, w *wire, address string) (brokers []string, err error) {
	err = t.Step(ctx, api.StepAuthorization, address, func(ctx context.Context) (string, error) {
		resp, err := metadata(ctx, w, []kmsg.MetadataRequestTopic{})
		if err != nil {
			return "", t.metadataFailure(err)
		}
		if err := kerr.ErrorForCode(resp.ErrorCode); err != nil {
			return "", probe.Fail("the user may not ask for the brokers", "Grant it Describe on the cluster.", err)
		}
		if err := t.mayDoNothing(ctx, w, resp); err != nil {
			return "", err
		}
		for _, b := range resp.Brokers {
			brokers = append(brokers, net.JoinHostPort(b.Host, strconv.Itoa(int(b.Port))))
		}
		slices.Sort(brokers)
		cluster := "unnamed"
		if resp.ClusterID != nil {
			cluster = *resp.ClusterID
			t.Test.ClusterID = cmp.Or(t.Test.ClusterID, cluster)
		}
		return fmt.Sprintf("cluster %s with %d broker(s)", cluster, len(brokers)), nil
	})
	return brokers, err
}

// metadataWithRights is the last version that answers what one may do with the cluster; later ones have a request of
// their own for it (KIP-700).
const metadataWithRights = 10

// metadata asks for topics, nil for all, and for what we may do with the cluster.
func metadata(ctx context.Context, w *wire, topics []kmsg.MetadataRequestTopic) (*kmsg.MetadataResponse, error) {
	req := kmsg.NewPtrMetadataRequest()
	w.negotiate(req)
	req.SetVersion(min(req.GetVersion(), metadataWithRights))
	req.Topics, req.IncludeClusterAuthorizedOperations = topics, true
	resp := kmsg.NewPtrMetadataResponse()
	return resp, w.do(ctx, req, resp)
}

// mayDoNothing fails when the user has no right on the cluster, and the broker says so, and sees no topic: the login is
// right, and of no use. A broker that does not tell rights is given the benefit of the doubt.
func (t *tester) mayDoNothing(ctx context.Context, w *wire, told *kmsg.MetadataResponse) error {
	if told.AuthorizedOperations != 0 || !deniesCluster(ctx, w) {
		return nil
	}
	all, err := metadata(ctx, w, nil)
	if err != nil || len(all.Topics) > 0 {
		return nil //nolint:nilerr // who cannot list topics is judged by the next request that matters
	}
	return probe.Fail("the user may do nothing here: it has no right on the cluster, and no topic that it could see",
		"Grant it rights, as a beginning Describe on the topics. If its rights are only on topics that do not exist yet, declare the connection with test = false.", nil)
}

// deniesCluster asks for what needs Describe on the cluster, and says whether it is denied. Some brokers answer no rights
// because they do not tell them; a denial is certain.
func deniesCluster(ctx context.Context, w *wire) bool {
	req := kmsg.NewPtrDescribeACLsRequest()
	if _, speaks := w.versions[req.Key()]; !speaks {
		return false
	}
	w.negotiate(req)
	req.ResourceType, req.ResourcePatternType = kmsg.ACLResourceTypeAny, kmsg.ACLResourcePatternTypeAny
	req.Operation, req.PermissionType = kmsg.ACLOperationAny, kmsg.ACLPermissionTypeAny
	resp := kmsg.NewPtrDescribeACLsResponse()
	err := w.do(ctx, req, resp)
	return err == nil && errors.Is(kerr.ErrorForCode(resp.ErrorCode), kerr.ClusterAuthorizationFailed)
}

func (t *tester) metadataFailure(err error) error {
	if !usesSASL(t.c) {
		return probe.Blame("/security_protocol", "the broker answers, but not to a client that is not authenticated",
			"The listener wants SASL: set {/security_protocol} to SASL_"+t.c.SecurityProtocol+" and fill in {/sasl}.", err)
	}
	return probe.Fail("the broker ends the connection although it accepted the credentials", "Check what the user may do.", err)
}
