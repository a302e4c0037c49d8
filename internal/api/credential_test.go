package api_test

import (
	"strings"
	"testing"

	"github.com/headgate/terraform-provider-headgate/internal/api"
)

func TestRefuseCredentials(t *testing.T) {
	for key, belongs := range map[string]string{
		"sasl.jaas.config": "sasl of", "sasl.password": "sasl of", "ssl.keystore.password": "tls of", "ssl.key.password": "tls of", "ssl.keystore.key": "tls of",
		"basic.auth.user.info": "schema registry", "schema.registry.basic.auth.user.info": "schema registry", "aws_secret_access_key": "headgate_connection",
		"my-api-key": "headgate_connection", "authToken": "headgate_connection", "clientSecret": "headgate_connection", "Password": "headgate_connection", "connection.string": "headgate_connection",
	} {
		got := api.RefuseCredentials("/config", map[string]string{key: "hunter-one", "retention.ms": "1"})
		if len(got) != 1 || got[0].Attribute != "/config/"+key || !strings.Contains(got[0].Remedy, belongs) || strings.Contains(got[0].Error(), "hunter-one") {
			t.Errorf("%s: %v", key, got)
		}
	}
	for _, key := range []string{
		"retention.ms", "cleanup.policy", "min.insync.replicas", "compression.type", "sasl.oauthbearer.token.endpoint.url", "key.serializer", "max.partition.fetch.bytes",
		"ssl.keystore.location", "delegation.token.expiry.check.interval.ms", "confluent.key.schema.validation", "partition.assignment.strategy", "message.key.columns", "sasl.mechanism",
		"leader.replication.throttled.replicas", "tokens", "secretary",
	} {
		if got := api.RefuseCredentials("/config", map[string]string{key: "x"}); len(got) > 0 {
			t.Errorf("%s: %v", key, got)
		}
	}
}
