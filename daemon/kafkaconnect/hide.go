package kafkaconnect

import (
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/headgate/terraform-provider-headgate/daemon/secret"
)

// shortestHidden is the length from which a secret is looked for in messages; what is shorter could be a part of anything.
const shortestHidden = 4

// quoted are the values in a JAAS configuration.
var quoted = regexp.MustCompile(`=\s*["']([^"']+)["']`)

// hider replaces secrets, and what is secret by itself in them. Connectors write what they were given into their errors.
func hider(secrets map[string]string) *strings.Replacer {
	var all []string
	for _, value := range secrets {
		all = append(append(all, value), parts(value)...)
	}
	return secret.Replacer(shortestHidden, all...)
}

func parts(value string) []string {
	var found []string
	for _, match := range quoted.FindAllStringSubmatch(value, -1) {
		found = append(found, match[1])
	}
	if user, password, ok := strings.Cut(value, ":"); ok && len(found) == 0 && !strings.ContainsAny(user, " \n") {
		found = append(found, password) // user:password
	}
	return found
}

func sortedKeys[V any](m map[string]V) []string {
	keys := slices.Sorted(maps.Keys(m))
	if keys == nil {
		return []string{}
	}
	return keys
}

func number(n int) string { return strconv.Itoa(n) }
