package function

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/function"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/headgate/terraform-provider-headgate/provider/remote"
)

var connectionStringTypes = map[string]attr.Type{
	"scheme": types.StringType, "hosts": types.ListType{ElemType: types.StringType}, "username": types.StringType, "password": types.StringType,
	"database": types.StringType, "parameters": types.MapType{ElemType: types.StringType},
}

var parseConnectionString = simple{
	name: "parse_connection_string",
	definition: function.Definition{
		Summary: "The parts of a connection string",
		MarkdownDescription: "Takes a connection string apart: a URL such as `postgresql://app:secret@db.internal:5432/shop?sslmode=require`, a list of brokers such as `b-1:9092,b-2:9092`, " +
			"or the `Key=Value;…` form of Azure (`Endpoint=sb://contoso.servicebus.windows.net/;SharedAccessKeyName=…;SharedAccessKey=…`). " +
			"The result has `scheme`, `hosts` (a list of `host` or `host:port`), `username`, `password`, `database` (the path of a URL, the `EntityPath` of Azure) and `parameters`; " +
			"what the string does not say is null. Of a JDBC URL, `jdbc:` is left out. Give it a sensitive or ephemeral value, and the parts are sensitive or ephemeral too.",
		Parameters: textParameter("connection_string", "The connection string."),
		Return:     function.ObjectReturn{AttributeTypes: connectionStringTypes},
	},
	run: func(text string) (attr.Value, error) {
		parts, err := parse(strings.TrimSpace(text))
		if err != nil {
			return nil, err
		}
		return parts.object(), nil
	},
}

// parts of a connection string; empty is not said.
type parts struct {
	scheme, username, password, database string
	hosts                                []string
	parameters                           map[string]string
}

// The errors never quote the string: there may be a password in it.
var (
	errEmpty  = errors.New("the connection string is empty")
	errNoHost = errors.New("the connection string names no host: write a URL such as postgresql://user@host:5432/database, a list of host:port, or Endpoint=sb://…;SharedAccessKeyName=…;SharedAccessKey=…")
)

func parse(text string) (parts, error) {
	switch {
	case text == "":
		return parts{}, errEmpty
	case isAzure(text):
		return parseAzure(text)
	case strings.Contains(text, "://"):
		return parseURL(text)
	default:
		hosts, err := parseHosts(text)
		return parts{hosts: hosts}, err
	}
}

// isAzure tells the Key=Value;… form from a URL, whose parameters come after a scheme.
func isAzure(text string) bool {
	key, _, found := strings.Cut(text, "=")
	return found && !strings.ContainsAny(key, ":/,@?")
}

// parseAzure reads the form of Azure's services: Event Hubs, Service Bus, Storage.
// https://learn.microsoft.com/azure/event-hubs/event-hubs-get-connection-string
func parseAzure(text string) (parts, error) {
	p := parts{parameters: map[string]string{}}
	for i, pair := range strings.Split(text, ";") {
		if strings.TrimSpace(pair) == "" {
			continue
		}
		key, value, found := strings.Cut(pair, "=")
		if !found {
			return parts{}, fmt.Errorf("part %d of the connection string is not of the form Key=Value", i+1)
		}
		switch key = strings.TrimSpace(key); strings.ToLower(key) {
		case "endpoint":
			endpoint, err := parseURL(value)
			if err != nil {
				return parts{}, err
			}
			p.scheme, p.hosts = endpoint.scheme, endpoint.hosts
		case "sharedaccesskeyname", "accountname":
			p.username = value
		case "sharedaccesskey", "accountkey":
			p.password = value
		case "entitypath":
			p.database = value
		default:
			p.parameters[key] = value
		}
	}
	if suffix := p.parameters["EndpointSuffix"]; len(p.hosts) == 0 && suffix != "" && p.username != "" {
		p.scheme, p.hosts = p.parameters["DefaultEndpointsProtocol"], []string{p.username + ".blob." + suffix}
	}
	if len(p.hosts) == 0 {
		return parts{}, errNoHost
	}
	return p, nil
}

func parseURL(text string) (parts, error) {
	scheme, rest, _ := strings.Cut(strings.TrimPrefix(text, "jdbc:"), "://")
	// Several hosts, as PostgreSQL and Pulsar have them, are no valid URL: they are set aside.
	authority, tail := rest, ""
	if i := strings.IndexAny(rest, "/?#"); i >= 0 {
		authority, tail = rest[:i], rest[i:]
	}
	userinfo, hosts := "", authority
	if i := strings.LastIndex(authority, "@"); i >= 0 {
		userinfo, hosts = authority[:i+1], authority[i+1:]
	}
	u, err := url.Parse(scheme + "://" + userinfo + "host" + tail)
	if err != nil || scheme == "" {
		return parts{}, errors.New("the connection string is not a valid URL: special characters in the user name and password are written as %XX")
	}
	p := parts{scheme: scheme, username: u.User.Username(), database: strings.Trim(u.Path, "/"), parameters: map[string]string{}}
	p.password, _ = u.User.Password()
	for key, values := range u.Query() {
		p.parameters[key] = values[len(values)-1]
	}
	p.hosts, err = parseHosts(hosts)
	return p, err
}

func parseHosts(text string) ([]string, error) {
	var hosts []string
	for host := range strings.SplitSeq(text, ",") {
		host = strings.TrimSpace(host)
		name, port := host, ""
		if h, p, err := net.SplitHostPort(host); err == nil {
			name, port = h, p
		}
		if name == "" || strings.ContainsAny(name, " /@") || strings.Trim(port, "0123456789") != "" {
			return nil, errNoHost
		}
		hosts = append(hosts, host)
	}
	return hosts, nil
}

func (p parts) object() types.Object {
	hosts := make([]attr.Value, len(p.hosts))
	for i, h := range p.hosts {
		hosts[i] = types.StringValue(h)
	}
	return types.ObjectValueMust(connectionStringTypes, map[string]attr.Value{
		"scheme": remote.TextOrNull(p.scheme), "hosts": types.ListValueMust(types.StringType, hosts), "username": remote.TextOrNull(p.username),
		"password": remote.TextOrNull(p.password), "database": remote.TextOrNull(p.database), "parameters": remote.TextMap(p.parameters),
	})
}
