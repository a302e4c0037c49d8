package pulsar

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"

	"github.com/headgate/terraform-provider-headgate/daemon/connection/probe"
	"github.com/headgate/terraform-provider-headgate/daemon/connection/tlsclient"
	"github.com/headgate/terraform-provider-headgate/daemon/connection/web"
	"github.com/headgate/terraform-provider-headgate/internal/api"
)

// Test walks to the brokers and to the web service: DNS, TCP, TLS, then each is asked to let us in.
func (Kind) Test(ctx context.Context, target any) api.ConnectionTest {
	c := target.(*api.PulsarConnection)
	r := &probe.Recorder{Attribute: "/spec/admin_url"}
	site, err := Site(ctx, c)
	if err != nil {
		r.Attribute = "/spec/oauth2/issuer"
		_ = r.Step(ctx, api.StepAuthentication, c.OAuth2.Issuer, func(context.Context) (string, error) {
			return "", probe.Fail("the issuer does not tell where it gives tokens", "Check oauth2.issuer: it must answer at /.well-known/openid-configuration.", err)
		})
		return r.Result()
	}
	if testAdmin(ctx, r, c, site) == nil {
		testBrokers(ctx, r, c, site)
	}
	return r.Result()
}

// errUnreached ends a test whose steps tell why.
var errUnreached = errors.New("not reached")

func testAdmin(ctx context.Context, r *probe.Recorder, c *api.PulsarConnection, site web.Site) error {
	address, ok := site.Reach(ctx, r)
	if !ok {
		return errUnreached
	}
	client, err := site.Client()
	if err != nil {
		return r.Step(ctx, api.StepProtocol, address, func(context.Context) (string, error) { return "", err })
	}
	defer client.CloseIdleConnections()
	within, cancel := context.WithTimeout(ctx, probe.StepTimeout)
	defer cancel()
	answer, err := web.Get(within, client, http.MethodGet, site.URL+"/admin/v2/namespaces/"+c.Tenant)
	if err == nil && answer.Status == http.StatusNotFound && strings.Contains(string(answer.Body), "Tenant") {
		r.Attribute = "/spec/tenant"
		return r.Step(ctx, api.StepAuthorization, address, func(context.Context) (string, error) {
			return "", probe.Fail("there is no tenant "+c.Tenant, "Check tenant, or make it: pulsar-admin tenants create "+c.Tenant, nil)
		})
	}
	if answer.Status == http.StatusUnauthorized && strings.Contains(string(answer.Body), `"reason"`) {
		// Pulsar answers 401 to those it knows as well; only then it gives a reason.
		answer.Status = http.StatusForbidden
	}
	err = site.Judge(ctx, r, address, answer, err, web.Expected{
		What: "Pulsar's admin API", Where: "Check admin_url: scheme, host and port are those of the web service, 8080 or 8443 unless changed.",
		Grant: "Make the role an administrator of the tenant " + c.Tenant + ": topics are declared through the admin API.",
		Recognise: func(a web.Answer) (string, error) {
			var namespaces []string
			if err := json.Unmarshal(a.Body, &namespaces); err != nil {
				return "", fmt.Errorf("it does not list namespaces: %w", err)
			}
			return fmt.Sprintf("%d namespace(s) in the tenant %s", len(namespaces), c.Tenant), nil
		},
	})
	if err != nil {
		return err
	}
	return namespaceExists(ctx, r, c, address, answer)
}

func namespaceExists(ctx context.Context, r *probe.Recorder, c *api.PulsarConnection, address string, answer web.Answer) error {
	name := c.Tenant + "/" + c.Namespace
	if strings.Contains(string(answer.Body), `"`+name+`"`) {
		return nil
	}
	r.Attribute = "/spec/namespace"
	return r.Step(ctx, api.StepAuthorization, address, func(context.Context) (string, error) {
		return "", probe.Fail("there is no namespace "+name, "Check namespace, or make it: pulsar-admin namespaces create "+name, nil)
	})
}

func testBrokers(ctx context.Context, r *probe.Recorder, c *api.PulsarConnection, site web.Site) {
	r.Attribute = "/spec/service_url"
	addresses, err := brokers(c)
	if err != nil {
		_ = r.Step(ctx, api.StepDNS, c.ServiceURL, func(context.Context) (string, error) { return "", err })
		return
	}
	answered := false
	for _, address := range addresses {
		answered = testBroker(ctx, r, c, site, address) == nil || answered
	}
	if answered {
		// Clients go to the next host as well.
		r.Forgive()
	}
}

func testBroker(ctx context.Context, r *probe.Recorder, c *api.PulsarConnection, site web.Site, address string) error {
	if err := r.DNS(ctx, address); err != nil {
		return err
	}
	conn, err := r.TCP(ctx, address)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	if secure(c) {
		if conn, err = handshake(ctx, r, c, conn, address); err != nil {
			return err
		}
	}
	var greeting connected
	err = r.Step(ctx, api.StepAuthentication, address, func(ctx context.Context) (string, error) {
		method, data, err := login(ctx, c, site)
		if err != nil {
			return "", err
		}
		greeting, err = connect(ctx, conn, method, data)
		return identity(method), brokerFailure(c, err)
	})
	if err != nil {
		return err
	}
	return r.Step(ctx, api.StepProtocol, address, func(context.Context) (string, error) {
		return fmt.Sprintf("%s, protocol version %d", greeting.server, greeting.version), nil
	})
}

func handshake(ctx context.Context, r *probe.Recorder, c *api.PulsarConnection, conn net.Conn, address string) (net.Conn, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return conn, fmt.Errorf("split %s: %w", address, err)
	}
	cfg, err := tlsclient.Config(c.TLS, host)
	if err != nil {
		return conn, r.Step(ctx, api.StepTLS, address, func(context.Context) (string, error) { return "", err })
	}
	return r.TLS(ctx, conn, address, cfg, "If the brokers speak without TLS, write pulsar:// in service_url.")
}

// login is what a broker is told of us, in the words of Pulsar's clients.
func login(ctx context.Context, c *api.PulsarConnection, site web.Site) (method string, data []byte, err error) {
	switch {
	case c.Token != "":
		return "token", []byte(c.Token), nil
	case c.OAuth2 != nil:
		token, err := site.Token(ctx)
		return "token", []byte(token), err
	case c.TLS != nil && c.TLS.ClientCertificate != "":
		return "tls", nil, nil
	}
	return "none", nil, nil
}

func identity(method string) string {
	return map[string]string{"token": "by token", "tls": "by client certificate", "none": "anonymous"}[method]
}

func brokerFailure(c *api.PulsarConnection, err error) error {
	if err == nil {
		return nil
	}
	refused, ok := errors.AsType[*refusal](err)
	switch {
	case !ok && probe.IsTLSAlert(err):
		return probe.Blame("/tls/client_certificate", "the broker refused the TLS handshake", "Most often it wants a client certificate: set {/tls/client_certificate} and {/tls/client_key} to one that it trusts.", err)
	case !ok && !secure(c):
		return probe.Fail("the broker does not answer as one", "If it speaks TLS, write pulsar+ssl:// in service_url; check host and port, 6650 or 6651 unless changed.", err)
	case !ok:
		return probe.Fail("the broker does not answer as one", "Check host and port, 6651 unless changed; it may also want a client certificate in tls.", err)
	case refused.code == authenticationError:
		return probe.Fail("the broker refuses the credentials", "Check the token, oauth2 or the client certificate: whichever the broker wants.", errors.New(refused.message))
	case refused.code == authorizationError:
		return probe.Fail("the broker knows us and does not let us in", "Grant the role access to the namespace.", errors.New(refused.message))
	}
	return probe.Fail("the broker refuses the connection", "Look into the broker's log.", errors.New(refused.message))
}
