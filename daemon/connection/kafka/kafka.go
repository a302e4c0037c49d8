// Package kafka is the connection kind kafka: its checks, its test, and the clients made from it.
package kafka

import (
	"fmt"
	"net"
	"strconv"
	"strings"

	"github.com/headgate/terraform-provider-headgate/daemon/connection"
	"github.com/headgate/terraform-provider-headgate/daemon/connection/registry"
	"github.com/headgate/terraform-provider-headgate/daemon/connection/tlsclient"
	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/internal/spec"
)

// KindName is the kind's name.
const KindName = "kafka"

// Kind implements [connection.Kind].
type Kind struct{}

var _ connection.Kind = Kind{}

// Check finds what is wrong beyond single fields.
func (Kind) Check(target any) []spec.Problem {
	c := target.(*api.KafkaConnection)
	var problems []spec.Problem
	for i, server := range c.BootstrapServers {
		if message := checkAddress(server); message != "" {
			problems = append(problems, spec.Problem{Path: spec.Join("", "bootstrap_servers", strconv.Itoa(i)), Message: message})
		}
	}
	switch {
	case usesSASL(c) && c.SASL == nil:
		problems = append(problems, spec.Problem{Path: "/sasl", Message: "is required with security_protocol " + c.SecurityProtocol})
	case !usesSASL(c) && c.SASL != nil:
		problems = append(problems, spec.Problem{Path: "/sasl", Message: "has no effect with security_protocol " + c.SecurityProtocol + ": use SASL_SSL, or SASL_PLAINTEXT"})
	}
	if !usesTLS(c) && c.TLS != nil {
		problems = append(problems, spec.Problem{Path: "/tls", Message: "has no effect with security_protocol " + c.SecurityProtocol + ": use SSL or SASL_SSL"})
	}
	if usesSASL(c) && c.SASL != nil {
		problems = append(problems, checkSASL(c)...)
	}
	return append(problems, tlsclient.Check(c.TLS, "/tls")...)
}

func checkAddress(address string) string {
	host, port, err := net.SplitHostPort(address)
	if err != nil || host == "" || strings.Contains(address, "://") {
		return "must be host:port, such as b-1.internal:9092"
	}
	if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 {
		return "must end in a port from 1 to 65535"
	}
	return ""
}

// Warnings says what is unsafe.
func (Kind) Warnings(target any) []api.Warning {
	c := target.(*api.KafkaConnection)
	var warnings []api.Warning
	switch c.SecurityProtocol {
	case "PLAINTEXT":
		warnings = append(warnings, api.Warning{
			Summary: "The connection is neither encrypted nor authenticated", Attribute: "/spec/security_protocol",
			Detail: "Everyone on the network can read the records, and the cluster cannot tell who connects. Use SASL_SSL where the cluster offers it.",
		})
	case "SASL_PLAINTEXT":
		warnings = append(warnings, api.Warning{
			Summary: "The connection is not encrypted", Attribute: "/spec/security_protocol",
			Detail: "Everyone on the network can read the records, and with PLAIN the password too. Use SASL_SSL where the cluster offers it.",
		})
	}
	if usesTLS(c) && c.TLS != nil && c.TLS.EndpointIdentification == "none" {
		warnings = append(warnings, api.Warning{
			Summary: "The server's host name is not verified", Attribute: "/spec/tls/endpoint_identification",
			Detail: "Any server with a certificate of the trusted authorities can pose as this cluster.",
		})
	}
	if c.SASL != nil && c.SASL.OAuth != nil {
		warnings = append(warnings, oauthWarnings(c.SASL.OAuth)...)
	}
	return append(warnings, tlsclient.Warnings(c.TLS, "/spec/tls")...)
}

// References lists the schema registry.
func (Kind) References(target any) []connection.Reference {
	c := target.(*api.KafkaConnection)
	if c.SchemaRegistry == "" {
		return nil
	}
	return []connection.Reference{{Pointer: "/schema_registry", Name: c.SchemaRegistry, Kinds: registry.Kinds()}}
}

func usesSASL(c *api.KafkaConnection) bool { return strings.HasPrefix(c.SecurityProtocol, "SASL_") }

func usesTLS(c *api.KafkaConnection) bool { return strings.HasSuffix(c.SecurityProtocol, "SSL") }

// Of answers the spec of a target of this kind.
func Of(target *connection.Target) (*api.KafkaConnection, error) {
	c, ok := target.Spec.(*api.KafkaConnection)
	if !ok {
		return nil, fmt.Errorf("connection %s is of kind %s, not kafka", target.Name, target.Kind)
	}
	return c, nil
}
