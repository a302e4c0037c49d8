package provider_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jcmturner/gokrb5/v8/iana/etypeID"
	"github.com/jcmturner/gokrb5/v8/keytab"

	"github.com/headgate/terraform-provider-headgate/internal/acctest"
	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/internal/real"
	"github.com/headgate/terraform-provider-headgate/internal/spec"
	"github.com/headgate/terraform-provider-headgate/provider/providertest"
)

// filling is a way to fill in a kind, of which not all fields go together. Fields are named by their pointers.
type filling struct {
	// without are fields that do not go with the others, with all that is below them.
	without []string
	// set are values, in HCL, that the description of the field does not tell.
	set map[string]string
	// stays are optional fields that the kind cannot be without, and what they are when the others are taken away. Empty: the
	// same, of an object what is required.
	stays map[string]string
}

// credentials are the two ways to sign requests to AWS that exclude each other, below a pointer.
func credentials(at string) (key, profile []string) {
	return []string{at + "/profile"}, []string{at + "/access_key_id", at + "/secret_access_key", at + "/session_token"}
}

// fillings are the ways of each kind of connection; one that is not here has all its fields at once.
func fillings(secrets map[string]string) map[string][]filling {
	kafka := func(mechanism string, without ...string) filling {
		for i, name := range without {
			without[i] = "/sasl/" + name
		}
		return filling{
			without: without,
			set:     map[string]string{"/security_protocol": `"SASL_SSL"`, "/sasl/mechanism": fmt.Sprintf("%q", mechanism), "/sasl/kerberos/config": secrets["krb5.conf"]},
			stays:   map[string]string{"/security_protocol": `"PLAINTEXT"`},
		}
	}
	iamKey, iamProfile := credentials("/iam")
	plainKey, plainProfile := credentials("/credentials")
	s3Key, s3Profile := credentials("/s3/credentials")
	anyone := map[string]string{"/iam": "{}"}
	hubs := `"Endpoint=sb://contoso.servicebus.windows.net/;SharedAccessKeyName=headgate;SharedAccessKey=hunter-one"`
	database := map[string]string{"/tls/client_key": secrets["plain client_key"]}
	store := func(name string, set map[string]string, stays []string, without ...string) filling {
		f := filling{set: set, stays: map[string]string{"/" + name: ""}}
		for _, field := range stays {
			f.stays["/"+name+"/"+field] = ""
		}
		for _, field := range without {
			f.without = append(f.without, "/"+name+"/"+field)
		}
		for _, other := range []string{"s3", "gcs", "azure_blob", "folder"} {
			if other != name {
				f.without = append(f.without, "/"+other)
			}
		}
		return f
	}
	azure := map[string]string{
		"/azure_blob/account_key":       `"aHVudGVyLW9uZQ=="`,
		"/azure_blob/connection_string": `"BlobEndpoint=https://127.0.0.1:1;AccountName=contoso;AccountKey=aHVudGVyLW9uZQ=="`,
		"/azure_blob/sas":               `"sv=2024-11-04&sig=hunter-one"`,
	}
	return map[string][]filling{
		"kafka": {
			kafka("SCRAM-SHA-512", "oauth", "aws", "aws_region", "kerberos"),
			kafka("OAUTHBEARER", "username", "password", "aws", "aws_region", "kerberos"),
			kafka("AWS_MSK_IAM", "username", "password", "oauth", "kerberos", "aws/profile"),
			kafka("AWS_MSK_IAM", "username", "password", "oauth", "kerberos", "aws/access_key_id", "aws/secret_access_key", "aws/session_token"),
			kafka("GSSAPI", "oauth", "aws", "aws_region", "kerberos/keytab"),
			kafka("GSSAPI", "oauth", "aws", "aws_region", "password"),
		},
		"msk": {
			{without: append(iamKey, "/scram"), stays: anyone},
			{without: append(iamProfile, "/scram"), stays: anyone},
			{without: []string{"/iam"}, stays: map[string]string{"/scram": ""}},
		},
		"event_hubs": {
			{without: []string{"/entra_id"}, set: map[string]string{"/connection_string": hubs}, stays: map[string]string{"/connection_string": ""}},
			{without: []string{"/connection_string"}, stays: map[string]string{"/entra_id": ""}},
		},
		"schema_registry": {{without: []string{"/basic"}}, {without: []string{"/bearer"}}},
		"apicurio":        {{without: []string{"/basic", "/bearer"}}, {without: []string{"/basic", "/oauth2"}}, {without: []string{"/bearer", "/oauth2"}}},
		"kafka_connect": {
			{without: []string{"/basic"}, set: map[string]string{"/urls": `["https://connect-1.internal:8083"]`}},
			{without: []string{"/bearer"}, set: map[string]string{"/urls": `["https://connect-1.internal:8083"]`}},
		},
		"http": {
			{without: []string{"/basic", "/bearer", "/api_key"}},
			{without: []string{"/basic", "/bearer", "/oauth2"}},
			{without: []string{"/basic", "/api_key", "/oauth2"}},
			{without: []string{"/bearer", "/api_key", "/oauth2"}},
		},
		"glue":       {{without: plainKey}, {without: plainProfile}},
		"kinesis":    {{without: plainKey}, {without: plainProfile}},
		"pulsar":     {{without: []string{"/token"}}, {without: []string{"/oauth2"}}},
		"postgresql": {{set: database}},
		"mysql":      {{set: database}},
		"object_storage": {
			{without: append(s3Key, "/gcs", "/azure_blob", "/folder"), stays: map[string]string{"/s3": ""}},
			{without: append(s3Profile, "/gcs", "/azure_blob", "/folder"), stays: map[string]string{"/s3": ""}},
			store("gcs", map[string]string{"/gcs/credentials_json": secrets["credentials_json"]}, nil),
			store("azure_blob", azure, []string{"account_key"}, "connection_string", "sas"),
			store("azure_blob", azure, []string{"connection_string"}, "account_key", "sas", "endpoint"),
			store("azure_blob", azure, []string{"sas"}, "account_key", "connection_string"),
			store("folder", nil, nil),
		},
	}
}

// sourceFillings are the same of the kinds of sources.
func sourceFillings() map[string][]filling {
	return map[string][]filling{"kafka": {{
		set: map[string]string{
			"/connection": "headgate_connection.main.name", "/topics": "[headgate_topic.read.name]", "/topic_prefixes": `["none."]`, "/topic_pattern": `"none[.].+"`, "/start_from": `"latest"`,
		},
		stays: map[string]string{"/topic_prefixes": ""},
	}}}
}

// secretTexts are values, in HCL, that somebody has to be able to read: certificates, keys and the like.
func secretTexts(t *testing.T) map[string]string {
	t.Helper()
	must := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	pki, err := real.NewPKI()
	must(err)
	key, err := pki.Client.Encrypted("hunter-one")
	must(err)
	keys := keytab.New()
	must(keys.AddEntry("headgate", "EXAMPLE.TEST", "hunter-one", time.Now(), 1, etypeID.AES256_CTS_HMAC_SHA1_96))
	table, err := keys.Marshal()
	must(err)
	account, err := json.Marshal(map[string]string{
		"type": "service_account", "client_email": "headgate@contoso.iam.gserviceaccount.com", "private_key": string(pki.Client.Key), "token_uri": "https://127.0.0.1:1/token",
	})
	must(err)
	texts := map[string]string{
		"ca_certificate": string(pki.CA.Cert), "client_certificate": string(pki.Client.Cert), "client_key": string(key), "client_key_password": "hunter-one", "plain client_key": string(pki.Client.Key),
		"keytab": base64.StdEncoding.EncodeToString(table), "krb5.conf": "[libdefaults]\ndefault_realm = EXAMPLE.TEST\n", "credentials_json": string(account),
	}
	for name, text := range texts {
		texts[name] = fmt.Sprintf("%q", text)
	}
	texts["schema_registry"] = "headgate_connection.registry.name"
	return texts
}

// filler writes the fields of a kind as a filling has them.
type filler struct {
	filling

	common map[string]string // values by name of the field
	bare   bool              // only what is required, and what stays
	filled map[string]bool   // the pointers of what was written
}

// object writes an object; at is its pointer.
func (f *filler) object(fields []spec.Field, at string) string {
	var b strings.Builder
	b.WriteString("{\n")
	for _, field := range fields {
		pointer := spec.Join(at, field.Name)
		stay, stays := f.stays[pointer]
		if slices.Contains(f.without, pointer) || f.bare && !field.Required && !stays {
			continue
		}
		name, value := field.Name, f.value(field, pointer)
		if f.bare && stay != "" {
			value = stay
		}
		f.filled[pointer] = true
		if field.Secret {
			fmt.Fprintf(&b, "%s_wo_version = 1\n", name)
			name += "_wo"
		}
		fmt.Fprintf(&b, "%s = %s\n", name, value)
	}
	return b.String() + "}"
}

// value is one that fits a field, and where there is a default another one than that.
func (f *filler) value(field spec.Field, at string) string {
	if value, is := f.set[at]; is {
		return value
	}
	if value, is := f.common[field.Name]; is {
		return value
	}
	switch field.Type {
	case spec.Object:
		return f.object(field.Fields, at)
	case spec.List:
		elem := *field.Elem
		elem.Example = field.Example
		return "[" + f.value(elem, at+"/0") + "]"
	case spec.Map:
		return "{ Team = " + f.value(*field.Elem, at+"/Team") + " }"
	case spec.Bool:
		return fmt.Sprint(field.Default != true)
	case spec.Int, spec.Float:
		return fmt.Sprint(number(field) + 1)
	case spec.DurationType:
		return `"7m"`
	case spec.SizeType:
		return `"7MiB"`
	}
	return fmt.Sprintf("%q", word(field))
}

func number(field spec.Field) float64 {
	if n, is := field.Default.(float64); is {
		return n
	}
	if field.Minimum != nil {
		return *field.Minimum
	}
	return 0
}

// word is a text that fits a field.
func word(field spec.Field) string {
	for _, allowed := range slices.Backward(field.Enum) {
		if allowed != field.Default {
			return allowed
		}
	}
	if field.Example != "" {
		return field.Example
	}
	for _, text := range []string{"x", "https://127.0.0.1:1"} {
		if field.Pattern == nil || field.Pattern.MatchString(text) {
			return text
		}
	}
	return "nothing fits " + field.Name
}

// pointers are those of all fields, the ones inside of objects included.
func pointers(fields []spec.Field, at string) []string {
	var all []string
	for _, field := range fields {
		pointer := spec.Join(at, field.Name)
		all = append(append(all, pointer), pointers(field.Fields, pointer)...)
	}
	return all
}

// blocks writes a resource for each filling of each kind, and fails for a field that none of them has. more writes what
// belongs around the kind.
func blocks(t *testing.T, typ string, kinds spec.Kinds, all map[string][]filling, common map[string]string, bare bool, more func(name string) string) string {
	t.Helper()
	var config strings.Builder
	for _, kind := range kinds {
		ways, known := all[kind.Name]
		if !known {
			ways = []filling{{}}
		}
		filled := map[string]bool{}
		for i, way := range ways {
			f := &filler{filling: way, common: common, bare: bare, filled: filled}
			name := fmt.Sprintf("%s-%d", strings.ReplaceAll(kind.Name, "_", "-"), i)
			fmt.Fprintf(&config, "resource %q %q {\nname = %q\n%s = %s\n%s}\n", typ, name, name, kind.Name, f.object(kind.Fields, ""), more(name))
		}
		for _, pointer := range pointers(kind.Fields, "") {
			if !bare && !filled[pointer] {
				t.Errorf("%s: the field %s%s is never set", typ, kind.Name, pointer)
			}
		}
	}
	for name := range all {
		if _, known := kinds.Lookup(name); !known {
			t.Errorf("%s: there is no kind %s", typ, name)
		}
	}
	return config.String()
}

// A second plan is empty whatever is set inside of a kind: all fields that go together, none but those that are required,
// and all again. It is no TestAcc, for neither another CLI nor real brokers have a say in it.
func TestSecondPlanOfKindsIsEmpty(t *testing.T) {
	cli := providertest.NewCLI(t, "")
	d := acctest.Dev(t)
	secrets := secretTexts(t)
	all := api.BuiltinKinds()
	config := func(bare bool) string {
		connections := blocks(t, "headgate_connection", all.Connections, fillings(secrets), secrets, bare, func(string) string { return "test = false\n" })
		sources := blocks(t, "headgate_source_connector", all.Sources, sourceFillings(), nil, bare, func(name string) string { return destination(t, name, bare) })
		return providertest.Connections(d) + `
resource "headgate_topic" "read" {
  connection_name     = headgate_connection.main.name
  name                = "read"
  deletion_protection = false
}
` + connections + sources
	}
	for _, bare := range []bool{false, true, false} {
		secondPlan(t, cli, config(bare))
	}
}

// destination is that of a source connector, with all fields or with those alone that are required.
func destination(t *testing.T, name string, bare bool) string {
	t.Helper()
	fields := spec.FieldsOf(reflect.TypeFor[api.KafkaDestination]())
	f := &filler{bare: bare, filled: map[string]bool{}, filling: filling{set: map[string]string{
		"/connection": "headgate_connection.second.name", "/topic_prefix": fmt.Sprintf("%q", name+"."), "/topic_mapping": fmt.Sprintf("{ read = %q }", name+"-mapped"),
	}}}
	written := f.object(fields, "")
	if !bare && len(f.filled) != len(pointers(fields, "")) {
		t.Errorf("of the destination only %v is set", slices.Sorted(maps.Keys(f.filled)))
	}
	return "destination = " + written + "\n"
}
