package api

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/headgate/terraform-provider-headgate/internal/spec"
)

// RefuseCredentials finds the keys of a property map, such as a topic's config or a producer's properties, that look like
// secrets: maps are planned, stored and answered in the open. pointer is the map's, into the request body.
func RefuseCredentials[V any](pointer string, properties map[string]V) []*Error {
	var all []*Error
	for _, key := range slices.Sorted(maps.Keys(properties)) {
		if belongs, is := credential(key); is {
			all = append(all, Invalid(spec.Join(pointer, key), fmt.Sprintf("%s looks like a secret", key),
				"What stands in a map of properties is planned, stored and shown in the open, so credentials are not taken here.", "Take it out, and put it into "+belongs+"."))
		}
	}
	return all
}

// credentialWords are parts of keys that hold secrets.
var credentialWords = []string{"password", "passwd", "passphrase", "secret", "secrets", "credential", "credentials", "jaas", "token"}

// credentialKeys are ends of keys that hold secrets although none of their words says so.
var credentialKeys = []string{"keystore.key", "private.key", "access.key", "access.key.id", "api.key", "auth.user.info", "connection.string", "sas.key", "account.key"}

// openWords follow a word that otherwise means a secret: where it comes from, how long it lives.
var openWords = []string{"endpoint", "url", "lifetime", "expiry", "provider", "class", "name", "path", "ms", "seconds"}

var camel = regexp.MustCompile(`([a-z0-9])([A-Z])`)

// credential says whether a key looks like that of a secret, and where such a secret belongs.
func credential(key string) (belongs string, is bool) {
	plain := strings.ToLower(camel.ReplaceAllString(key, "$1.$2"))
	plain = strings.NewReplacer("-", ".", "_", ".", " ", ".", "/", ".").Replace(plain)
	words := strings.Split(plain, ".")
	is = slices.ContainsFunc(credentialKeys, func(end string) bool { return plain == end || strings.HasSuffix(plain, "."+end) })
	last := words[len(words)-1]
	if !is && !slices.Contains(openWords, last) {
		is = slices.ContainsFunc(words, func(word string) bool { return slices.Contains(credentialWords, word) })
	}
	if !is {
		return "", false
	}
	switch {
	case slices.Contains(words, "registry"), strings.Contains(plain, "basic.auth"):
		return "the headgate_connection of the schema registry (basic.password_wo or bearer.token_wo)", true
	case slices.Contains(words, "ssl"), slices.Contains(words, "keystore"):
		return "tls of the headgate_connection (client_key_wo, client_key_password_wo)", true
	case slices.Contains(words, "sasl"), slices.Contains(words, "jaas"):
		return "sasl of the headgate_connection (password_wo, oauth.client_secret_wo)", true
	}
	return "a write-only argument of the headgate_connection that needs it", true
}
