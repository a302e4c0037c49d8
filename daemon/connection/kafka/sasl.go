package kafka

import (
	"maps"
	"net"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/headgate/terraform-provider-headgate/daemon/connection/awsconfig"
	"github.com/headgate/terraform-provider-headgate/daemon/connection/tlsclient"
	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/internal/spec"
)

// saslFields are the fields that belong to some mechanisms only, and to which.
var saslFields = []struct {
	name       string
	set        func(*api.KafkaSASL) bool
	mechanisms []string
	optional   bool
}{
	{"username", func(s *api.KafkaSASL) bool { return s.Username != "" }, []string{api.SASLPlain, api.SASLScramSHA256, api.SASLScramSHA512, api.SASLGSSAPI}, false},
	{"password", func(s *api.KafkaSASL) bool { return s.Password != "" }, []string{api.SASLPlain, api.SASLScramSHA256, api.SASLScramSHA512}, false},
	{"oauth", func(s *api.KafkaSASL) bool { return s.OAuth != nil }, []string{api.SASLOAuthBearer}, false},
	{"aws", func(s *api.KafkaSASL) bool { return s.AWS != nil }, []string{api.SASLMSKIAM}, true},
	{"aws_region", func(s *api.KafkaSASL) bool { return s.AWSRegion != "" }, []string{api.SASLMSKIAM}, true},
	{"kerberos", func(s *api.KafkaSASL) bool { return s.Kerberos != nil }, []string{api.SASLGSSAPI}, false},
}

func checkSASL(c *api.KafkaConnection) []spec.Problem {
	s := c.SASL
	var problems []spec.Problem
	for _, f := range saslFields {
		belongs := slices.Contains(f.mechanisms, s.Mechanism) || f.name == "password" && s.Mechanism == api.SASLGSSAPI
		needed := slices.Contains(f.mechanisms, s.Mechanism) && !f.optional
		switch {
		case f.set(s) && !belongs:
			problems = append(problems, spec.Problem{Path: "/sasl/" + f.name, Message: "has no effect with mechanism " + s.Mechanism})
		case !f.set(s) && needed:
			problems = append(problems, spec.Problem{Path: "/sasl/" + f.name, Message: "is required with mechanism " + s.Mechanism})
		}
	}
	if len(problems) > 0 {
		return problems
	}
	switch s.Mechanism {
	case api.SASLOAuthBearer:
		return checkOAuth(s.OAuth)
	case api.SASLMSKIAM:
		return checkMSKIAM(c)
	case api.SASLGSSAPI:
		return checkKerberos(s)
	}
	return nil
}

// extensionName is what RFC 7628, section 3.1, allows; Kafka's brokers refuse others.
var extensionName = regexp.MustCompile(`^[A-Za-z]+$`)

func checkOAuth(c *api.OAuthClientCredentials) []spec.Problem {
	const base = "/sasl/oauth"
	var problems []spec.Problem
	u, err := url.Parse(c.TokenEndpoint)
	switch {
	case err != nil || u.Host == "":
		problems = append(problems, spec.Problem{Path: base + "/token_endpoint", Message: "must be a URL such as https://login.internal/oauth2/token"})
	case u.User != nil:
		problems = append(problems, spec.Problem{Path: base + "/token_endpoint", Message: "must not hold credentials: put them into client_id and client_secret"})
	case c.TLS != nil && u.Scheme != "https":
		problems = append(problems, spec.Problem{Path: base + "/tls", Message: "has no effect with an http URL"})
	}
	for _, name := range slices.Sorted(maps.Keys(c.Extensions)) {
		at := spec.Join(base, "extensions", name)
		if !extensionName.MatchString(name) || strings.EqualFold(name, "auth") {
			problems = append(problems, spec.Problem{Path: at, Message: "must have a name of letters only, and not auth"})
		} else if strings.ContainsFunc(c.Extensions[name], func(r rune) bool { return r < ' ' && r != '\t' && r != '\r' && r != '\n' || r > '~' }) {
			problems = append(problems, spec.Problem{Path: at, Message: "must have a value of printable ASCII characters"})
		}
	}
	return append(problems, tlsclient.Check(c.TLS, base+"/tls")...)
}

func oauthWarnings(c *api.OAuthClientCredentials) []api.Warning {
	warnings := tlsclient.Warnings(c.TLS, "/spec/sasl/oauth/tls")
	if u, err := url.Parse(c.TokenEndpoint); err == nil && u.Scheme == "http" {
		warnings = append(warnings, api.Warning{
			Summary: "The client secret is sent without encryption", Attribute: "/spec/sasl/oauth/token_endpoint",
			Detail: "Everyone on the network can read it. Use https where the token endpoint offers it.",
		})
	}
	return warnings
}

func checkMSKIAM(c *api.KafkaConnection) []spec.Problem {
	problems := awsconfig.Check(c.SASL.AWS, "/sasl/aws")
	if c.SASL.AWSRegion != "" {
		return problems
	}
	for _, server := range c.BootstrapServers {
		if host, _, err := net.SplitHostPort(server); err == nil && mskRegion(host) == "" {
			return append(problems, spec.Problem{Path: "/sasl/aws_region", Message: "is required: the name of the bootstrap server does not tell the region"})
		}
	}
	return problems
}

func checkKerberos(s *api.KafkaSASL) []spec.Problem {
	k := s.Kerberos
	switch {
	case s.Password == "" && k.Keytab == "":
		return []spec.Problem{{Path: "/sasl/password", Message: "is required with mechanism GSSAPI, unless kerberos.keytab is given"}}
	case s.Password != "" && k.Keytab != "":
		return []spec.Problem{{Path: "/sasl/kerberos/keytab", Message: "cannot be used together with password"}}
	}
	if _, err := keys(k); err != nil {
		return []spec.Problem{{Path: "/sasl/kerberos/keytab", Message: strings.TrimPrefix(err.Error(), "keytab ")}}
	}
	if strings.Contains(s.Username, "@") {
		return []spec.Problem{{Path: "/sasl/username", Message: "must be the name of the principal without its realm: put that into kerberos.realm"}}
	}
	if _, err := newKerberos(s); err != nil {
		return []spec.Problem{{Path: "/sasl/kerberos/config", Message: "cannot be used: " + err.Error()}}
	}
	return nil
}
