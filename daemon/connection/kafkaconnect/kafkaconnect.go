// Package kafkaconnect is the connection kind kafka_connect: its checks, its test, and the client of Kafka Connect's REST
// API made from it.
package kafkaconnect

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/headgate/terraform-provider-headgate/daemon/connection"
	"github.com/headgate/terraform-provider-headgate/daemon/connection/httpclient"
	"github.com/headgate/terraform-provider-headgate/daemon/connection/probe"
	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/internal/spec"
)

// KindName is the kind's name.
const KindName = "kafka_connect"

// Kind implements [connection.Kind].
type Kind struct{}

var _ connection.Kind = Kind{}

func access(c *api.KafkaConnectConnection) httpclient.Access {
	return httpclient.Access{Basic: c.Basic, Bearer: c.Bearer, TLS: c.TLS, Server: "worker"}
}

// Check finds what is wrong beyond single fields.
func (Kind) Check(target any) []spec.Problem {
	c := target.(*api.KafkaConnectConnection)
	var problems []spec.Problem
	for i, u := range c.URLs {
		problems = append(problems, httpclient.CheckURL(u, "/urls/"+strconv.Itoa(i), "http://connect-1.internal:8083")...)
	}
	return append(problems, access(c).Check(c.URLs...)...)
}

// Warnings says what is unsafe.
func (Kind) Warnings(target any) []api.Warning {
	c := target.(*api.KafkaConnectConnection)
	return access(c).Warnings("/spec/urls", c.URLs...)
}

// References is empty.
func (Kind) References(any) []connection.Reference { return nil }

// Test walks to every worker: DNS, TCP, TLS, then two requests. One worker that works is enough; what is wrong with the
// others is a warning then.
func (Kind) Test(ctx context.Context, target any) api.ConnectionTest {
	c := target.(*api.KafkaConnectConnection)
	r := &probe.Recorder{Attribute: "/spec/urls"}
	works := false
	for _, u := range c.URLs {
		if address, ok := access(c).Reach(ctx, r, u); ok {
			works = request(ctx, r, c, u, address) || works
		}
	}
	if works {
		r.Forgive()
	}
	return r.Result()
}

// request asks a worker what it is and whether it lists the connectors.
func request(ctx context.Context, r *probe.Recorder, c *api.KafkaConnectConnection, url, address string) bool {
	client, err := newClient(c, url)
	if err != nil {
		return r.Step(ctx, api.StepProtocol, address, func(context.Context) (string, error) { return "", err }) == nil
	}
	defer client.Close()
	var asked error
	if r.Step(ctx, api.StepProtocol, address, func(ctx context.Context) (string, error) {
		var info struct {
			Version   string `json:"version"`
			ClusterID string `json:"kafka_cluster_id"`
		}
		asked = client.once(ctx, url, http.MethodGet, "/", nil, &info)
		r.Test.ClusterID = cmp.Or(r.Test.ClusterID, info.ClusterID)
		return protocolOutcome(url, info.Version, asked)
	}) != nil {
		return false
	}
	if r.Step(ctx, api.StepAuthentication, address, func(context.Context) (string, error) {
		if Status(asked) == http.StatusUnauthorized {
			return "", probe.Fail("the worker refuses the credentials", "Check basic, bearer or the client certificate, whichever it wants.", nil)
		}
		return access(c).Identity(), nil
	}) != nil {
		return false
	}
	return r.Step(ctx, api.StepAuthorization, address, func(ctx context.Context) (string, error) {
		var names []string
		err := client.once(ctx, url, http.MethodGet, "/connectors", nil, &names)
		if s := Status(err); s == http.StatusForbidden || s == http.StatusUnauthorized {
			return "", probe.Fail("the credentials may not list connectors", "Grant them read access.", err)
		}
		if err != nil {
			return "", probe.Fail("listing connectors failed", "Check that the URL is that of Kafka Connect's REST API, path included. A worker that is just starting answers in a few seconds.", err)
		}
		return fmt.Sprintf("%d connector(s) visible", len(names)), nil
	}) == nil
}

func protocolOutcome(url, version string, err error) (string, error) {
	switch s := Status(err); {
	case err == nil && version != "":
		return "Kafka Connect " + version, nil
	case s == http.StatusUnauthorized, s == http.StatusForbidden:
		return "an HTTP server answers", nil
	case err == nil:
		return "", probe.Fail("what listens there answers, but not as Kafka Connect", "Check the URL, path included.", nil)
	case s == http.StatusNotFound:
		return "", probe.Fail("the worker is starting, or what listens there is not Kafka Connect", "Try again in a few seconds; if it stays so, check the URL, path included.", err)
	case s != 0:
		return "", probe.Fail(fmt.Sprintf("what listens there answers %d, not as Kafka Connect", s), "Check the URL, path included.", nil)
	case probe.IsTLSAlert(err), strings.HasPrefix(url, "https://") && errors.Is(err, io.EOF):
		// With TLS 1.3 a server refuses a client certificate, or that there is none, only after the handshake.
		return "", probe.Fail("the worker ends the connection after the TLS handshake", "Most often it wants a client certificate: set tls.client_certificate and tls.client_key to one that it trusts.", err)
	}
	return "", probe.Fail("what listens there does not answer as Kafka Connect", "Check the URL: its scheme, port and path.", err)
}
