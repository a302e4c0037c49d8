package e2e

import (
	"encoding/json"

	"github.com/headgate/terraform-provider-headgate/internal/real"
)

// others are the kinds beside Kafka, with every secret that they have.
func (c *canaries) others(pki *real.PKI) map[string]declared {
	const nowhere = "127.0.0.1:1"
	basic := func(at string) map[string]any {
		return map[string]any{"username": "alice", "password": c.fresh(at + "/basic/password")}
	}
	bearer := func(at string) map[string]any { return map[string]any{"token": c.fresh(at + "/bearer/token")} }
	oauth2 := func(at string) map[string]any {
		return map[string]any{"token_endpoint": "http://" + nowhere + "/token", "client_id": "headgate", "client_secret": c.fresh(at + "/oauth2/client_secret")}
	}
	web := func(way string, credentials map[string]any) map[string]any {
		return map[string]any{"url": "http://" + nowhere, way: credentials}
	}
	aws := func(at string) map[string]any {
		return map[string]any{"region": "eu-central-1", "endpoint": "http://" + nowhere, "credentials": c.awsOf(at + "/credentials")}
	}
	database := func(at string) map[string]any {
		return map[string]any{"host": "127.0.0.1", "port": 1, "database": "d", "username": "u", "password": c.fresh(at + "/password"), "tls": map[string]any{
			"client_certificate": string(pki.Client.Cert), "client_key": c.keep(at+"/tls/client_key", string(pki.Client.Key)),
		}}
	}
	pulsar := func(more string, value any) map[string]any {
		return map[string]any{"service_url": "pulsar+ssl://" + nowhere, "admin_url": "https://" + nowhere, more: value}
	}
	store := func(name string, settings map[string]any) declared {
		settings["endpoint"], settings["tls"] = "https://"+nowhere, c.tlsOf(pki, "object_storage/"+name+"/tls")
		return declared{"object_storage", map[string]any{name: settings}}
	}
	return map[string]declared{
		"http-basic":      {"http", web("basic", basic("http"))},
		"http-bearer":     {"http", web("bearer", bearer("http"))},
		"http-key":        {"http", web("api_key", map[string]any{"key": c.fresh("http/api_key/key")})},
		"http-oauth2":     {"http", web("oauth2", oauth2("http"))},
		"http-tls":        {"http", map[string]any{"url": "https://" + nowhere, "tls": c.tlsOf(pki, "http/tls")}},
		"apicurio-basic":  {"apicurio", web("basic", basic("apicurio"))},
		"apicurio-bearer": {"apicurio", web("bearer", bearer("apicurio"))},
		"apicurio-oauth2": {"apicurio", web("oauth2", oauth2("apicurio"))},
		"apicurio-tls":    {"apicurio", map[string]any{"url": "https://" + nowhere, "tls": c.tlsOf(pki, "apicurio/tls")}},
		"glue":            {"glue", aws("glue")},
		"kinesis":         {"kinesis", aws("kinesis")},
		"postgresql":      {"postgresql", database("postgresql")},
		"mysql":           {"mysql", database("mysql")},
		"pulsar-token":    {"pulsar", pulsar("token", c.fresh("pulsar/token"))},
		"pulsar-oauth2": {"pulsar", pulsar("oauth2", map[string]any{
			"issuer": "http://" + nowhere, "client_id": "headgate", "client_secret": c.fresh("pulsar/oauth2/client_secret"),
		})},
		"pulsar-tls": {"pulsar", pulsar("tls", c.tlsOf(pki, "pulsar/tls"))},
		"s3": store("s3", map[string]any{
			"bucket": "archive", "region": "eu-central-1", "path_style": true, "credentials": c.awsOf("object_storage/s3/credentials"),
		}),
		"gcs": store("gcs", map[string]any{"bucket": "archive", "credentials_json": c.serviceAccountKey(pki, "object_storage/gcs/credentials_json")}),
		"azure-key": store("azure_blob", map[string]any{
			"account": "contoso", "container": "archive", "account_key": c.fresh("object_storage/azure_blob/account_key"),
		}),
		"azure-sas": store("azure_blob", map[string]any{
			"account": "contoso", "container": "archive", "sas": "sv=2024-11-04&sig=" + c.fresh("object_storage/azure_blob/sas"),
		}),
		"azure-string": {"object_storage", map[string]any{"azure_blob": map[string]any{
			"account": "contoso", "container": "archive",
			"connection_string": "BlobEndpoint=https://" + nowhere + ";AccountName=contoso;AccountKey=" + c.fresh("object_storage/azure_blob/connection_string"),
		}}},
	}
}

// tlsOf are TLS settings with an encrypted key.
func (c *canaries) tlsOf(pki *real.PKI, at string) map[string]any {
	c.t.Helper()
	password := c.fresh(at + "/client_key_password")
	key, err := pki.Client.Encrypted(password)
	must(c.t, err)
	settings := clientTLS(pki.CA.Cert, real.KeyPair{Cert: pki.Client.Cert, Key: []byte(c.keep(at+"/client_key", string(key)))})
	settings["client_key_password"] = password
	return settings
}

// serviceAccountKey is a key of Google's, as JSON; watched is the private key in it.
func (c *canaries) serviceAccountKey(pki *real.PKI, at string) string {
	c.t.Helper()
	key, err := json.Marshal(map[string]string{
		"type": "service_account", "client_email": "headgate@contoso.iam.gserviceaccount.com", "private_key": c.keep(at, string(pki.Client.Key)), "token_uri": "https://127.0.0.1:1/token",
	})
	must(c.t, err)
	return string(key)
}

// awsOf is a temporary access key.
func (c *canaries) awsOf(at string) map[string]any {
	return map[string]any{"access_key_id": "AKIDEXAMPLE", "secret_access_key": c.fresh(at + "/secret_access_key"), "session_token": c.fresh(at + "/session_token")}
}
