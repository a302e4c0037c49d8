package kafkaconnect

import (
	"cmp"
	"encoding/base64"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/headgate/terraform-provider-headgate/daemon/connection/httpclient"
)

// shortestHidden is the length from which a secret is looked for in messages; what is shorter could be a part of anything.
const shortestHidden = 4

// quoted are the values in a JAAS configuration.
var quoted = regexp.MustCompile(`=\s*["']([^"']+)["']`)

// hider replaces secrets, their parts and the forms in which servers repeat them. Connectors write what they were given
// into their errors.
func hider(secrets map[string]string) *strings.Replacer {
	forms := map[string]bool{}
	for _, value := range secrets {
		for _, part := range append(parts(value), value) {
			forms[part], forms[url.QueryEscape(part)], forms[base64.StdEncoding.EncodeToString([]byte(part))] = true, true, true
		}
	}
	maps.DeleteFunc(forms, func(form string, _ bool) bool { return len(form) < shortestHidden })
	// The longest first: it may have a shorter one in it.
	ordered := slices.SortedFunc(maps.Keys(forms), func(a, b string) int { return cmp.Or(len(b)-len(a), strings.Compare(a, b)) })
	var pairs []string
	for _, form := range ordered {
		pairs = append(pairs, form, httpclient.Hidden)
	}
	return strings.NewReplacer(pairs...)
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
