// Package probe tries the steps that every connection has in common, DNS, TCP and TLS, and says what their failures mean.
package probe

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/internal/spec"
)

// StepTimeout bounds each step.
const StepTimeout = 5 * time.Second

// StepError is why a step failed, for people.
type StepError struct {
	Cause string
	// Remedy may name fields as JSON pointers below the spec, in braces: "Set {/tls/ca_certificate}."
	Remedy string
	Err    error
	// Field is the JSON pointer, below the spec, of the field that is to blame; empty blames the address.
	Field string
}

func (f *StepError) Error() string {
	if f.Err == nil {
		return f.Cause
	}
	return fmt.Sprintf("%s: %v", f.Cause, f.Err)
}

func (f *StepError) Unwrap() error { return f.Err }

// Fail makes a failure.
func Fail(cause, remedy string, err error) error {
	return &StepError{Cause: cause, Remedy: remedy, Err: err}
}

// Blame is [Fail] for a field other than the one that holds the address.
func Blame(field, cause, remedy string, err error) error {
	return &StepError{Cause: cause, Remedy: remedy, Err: err, Field: field}
}

// Recorder writes down the steps of a test. The first failure is the one that is told.
type Recorder struct {
	Test api.ConnectionTest
	// Attribute is the JSON pointer, into the request body, of the field that holds the address.
	Attribute string
	// Subject says what is at the address when it is not the system itself, such as "the token endpoint".
	Subject string
	// Own translates the pointer of a field that is to blame into the kind's own, below the spec; empty when the kind has
	// no such field. Nil knows the fields of tls.
	Own func(field string) string
	// Resolver finds the addresses of names; nil is the machine's own.
	Resolver *net.Resolver
	// Base is the kind that has the fields that this one has not, for a preset of another kind.
	Base string

	failures []*api.Error
}

// Step runs one step towards an address and writes it down.
func (r *Recorder) Step(ctx context.Context, step, address string, try func(ctx context.Context) (detail string, err error)) error {
	ctx, cancel := context.WithTimeout(ctx, StepTimeout)
	defer cancel()
	begin := time.Now()
	detail, err := try(ctx)
	done := api.ConnectionTestStep{Step: step, Address: address, OK: err == nil, Detail: detail, DurationMillis: float64(time.Since(begin).Microseconds()) / 1000}
	if err != nil {
		done.Detail = err.Error()
		r.failures = append(r.failures, r.apiError(step, address, err))
	}
	r.Test.Steps = append(r.Test.Steps, done)
	return err
}

// Forgive turns the failures so far into warnings: they do not keep the connection from working.
func (r *Recorder) Forgive() {
	for _, f := range r.failures {
		r.Test.Warnings = append(r.Test.Warnings, api.Warning{Summary: f.Summary, Detail: strings.TrimSpace(f.Detail + ". " + f.Remedy), Attribute: f.Attribute})
	}
	r.failures = nil
}

// Failure is the first failure, or nil.
func (r *Recorder) Failure() *api.Error {
	if len(r.failures) == 0 {
		return nil
	}
	return r.failures[0]
}

// Result closes the test.
func (r *Recorder) Result() api.ConnectionTest {
	r.Test.Error = r.Failure()
	r.Test.OK = r.Test.Error == nil
	if r.Test.Steps == nil {
		r.Test.Steps = []api.ConnectionTestStep{}
	}
	return r.Test
}

func (r *Recorder) apiError(step, address string, err error) *api.Error {
	remedy, attribute := "", r.Attribute
	if f, ok := errors.AsType[*StepError](err); ok {
		remedy = fieldReference.ReplaceAllStringFunc(f.Remedy, r.name)
		if own := r.own(f.Field); own != "" {
			attribute = "/spec" + own
		}
	}
	summary := fmt.Sprintf("Connection test failed at step %s for %s", step, address)
	if r.Subject != "" {
		summary += ", " + r.Subject
	}
	return api.Upstream(api.CodeConnection, attribute, summary, err.Error(), remedy)
}

// fieldReference is a field in a remedy.
var fieldReference = regexp.MustCompile(`\{/[a-z0-9_/]+\}`)

// name is how a field is called in sentences.
func (r *Recorder) name(reference string) string {
	field := strings.Trim(reference, "{}")
	if own := r.own(field); own != "" {
		return written(own)
	}
	return strings.Join(spec.Steps(field), ".") + " (with the kind " + r.Base + ")"
}

// written is a field as every kind that has it writes it.
func written(field string) string {
	for _, kind := range api.BuiltinKinds().Connections {
		if slices.Contains(spec.Secrets(kind.Fields), field) {
			return spec.Written(kind.Fields, field)
		}
	}
	return strings.Join(spec.Steps(field), ".")
}

func (r *Recorder) own(field string) string {
	switch {
	case r.Own != nil:
		return r.Own(field)
	case strings.HasPrefix(field, "/tls/"):
		return field
	}
	return ""
}

// DNS resolves the host of an address.
func (r *Recorder) DNS(ctx context.Context, address string) error {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return r.Step(ctx, api.StepDNS, address, func(context.Context) (string, error) {
			return "", Fail("the address is not host:port", "Write it as host:port, such as b-1.internal:9092.", nil)
		})
	}
	return r.Step(ctx, api.StepDNS, address, func(ctx context.Context) (string, error) {
		found, err := r.resolver().LookupHost(ctx, host)
		if err != nil {
			return "", dnsFailure(host, err)
		}
		return strings.Join(found, ", "), nil
	})
}

func (r *Recorder) resolver() *net.Resolver {
	if r.Resolver != nil {
		return r.Resolver
	}
	return net.DefaultResolver
}

func dnsFailure(host string, err error) error {
	var dns *net.DNSError
	if errors.As(err, &dns) && dns.IsNotFound {
		return Fail(fmt.Sprintf("the host name %s does not exist", host),
			"Check the spelling. A name of a private network resolves only inside it: the daemon must run where the name resolves.", nil)
	}
	return Fail(fmt.Sprintf("the host name %s cannot be resolved", host), "Check that the daemon's machine reaches its DNS server.", err)
}

// TCP connects to an address.
func (r *Recorder) TCP(ctx context.Context, address string) (net.Conn, error) {
	var conn net.Conn
	err := r.Step(ctx, api.StepTCP, address, func(ctx context.Context) (string, error) {
		var err error
		conn, err = (&net.Dialer{}).DialContext(ctx, "tcp", address)
		if err != nil {
			return "", tcpFailure(err)
		}
		return "connected from " + conn.LocalAddr().String(), nil
	})
	return conn, err
}

func tcpFailure(err error) error {
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return Fail("nothing listens on this port", "Check the port, and that the server is up.", nil)
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, context.DeadlineExceeded):
		return Fail("no answer: packets are dropped on the way", "A firewall or security group is the usual cause, or an internal listener's address used from outside: open the port for the daemon's machine, or use the listener meant for it.", nil)
	}
	return Fail("cannot connect", "Check that the daemon's machine has a route to this address.", err)
}

// TLS shakes hands over a connection. plain says what to do when the other side turns out not to speak TLS.
func (r *Recorder) TLS(ctx context.Context, conn net.Conn, address string, cfg *tls.Config, plain string) (net.Conn, error) {
	client := tls.Client(conn, cfg)
	err := r.Step(ctx, api.StepTLS, address, func(ctx context.Context) (string, error) {
		if err := client.HandshakeContext(ctx); err != nil {
			return "", tlsFailure(err, plain)
		}
		state := client.ConnectionState()
		leaf := state.PeerCertificates[0]
		return fmt.Sprintf("%s, certificate of %s valid until %s", tls.VersionName(state.Version), leaf.Subject.CommonName, leaf.NotAfter.Format(time.DateOnly)), nil
	})
	return client, err
}

// tlsFailure says what a failed handshake means.
func tlsFailure(err error, plain string) error {
	var (
		invalid   x509.CertificateInvalidError
		authority x509.UnknownAuthorityError
		host      x509.HostnameError
		header    tls.RecordHeaderError
	)
	switch {
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired && time.Now().Before(invalid.Cert.NotBefore):
		return Fail("the server's certificate is valid only from "+invalid.Cert.NotBefore.Format(time.DateTime), "Check the clocks of the daemon's machine and of the server.", nil)
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return Fail("the server's certificate expired on "+invalid.Cert.NotAfter.Format(time.DateOnly), "Renew the server's certificate. If it should be good, check the clock of the daemon's machine, which reads "+time.Now().UTC().Format(time.DateTime)+" UTC.", nil)
	case errors.As(err, &host):
		return Fail("the server's certificate is not for this host name", "Connect by a name in the certificate, or set {/tls/endpoint_identification} to \"none\" if any name will do.", host)
	case errors.As(err, &authority):
		return Blame("/tls/ca_certificate", unknownAuthority(authority), "Put the PEM certificate of the authority that signed it into {/tls/ca_certificate}.", nil)
	case errors.As(err, &header), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET),
		errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, context.DeadlineExceeded):
		return Blame("/security_protocol", "the server does not answer in TLS", plain, err)
	case IsTLSAlert(err):
		return Blame("/tls/client_certificate", "the server refused the TLS handshake", "Most often it wants a client certificate: set {/tls/client_certificate} and {/tls/client_key} to one that it trusts.", err)
	}
	return Fail("the TLS handshake failed", "Check {/tls/ca_certificate}, and which TLS versions the server allows.", err)
}

// IsTLSAlert says whether the other side ended the connection with a TLS alert. crypto/tls has no type for it.
func IsTLSAlert(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "remote error"
}

func unknownAuthority(err x509.UnknownAuthorityError) string {
	cert := err.Cert
	if cert != nil && cert.Issuer.String() == cert.Subject.String() {
		return "the server's certificate is self-signed"
	}
	return "the server's certificate is signed by an authority that is not trusted"
}
