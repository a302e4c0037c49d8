package topic

import (
	"fmt"
	"strings"

	"github.com/headgate/terraform-provider-headgate/internal/api"
)

// maxName is the length of the longest name that Kafka takes.
const maxName = 249

// checkName says what is wrong with the name of a topic that is to be written.
func checkName(name string) error {
	if reason := nameProblem(name); reason != "" {
		return api.Invalid("/name", "The topic name is not allowed", reason, "Choose another name: 1 to 249 ASCII letters, digits, dots, underscores and dashes.")
	}
	if isInternal(name) {
		return api.Refused(api.CodeRefused, "/name", "Names that begin with __ belong to the cluster", "Kafka and its clients keep their own state in such topics.", "Choose another name.")
	}
	return nil
}

// nameProblem follows Kafka's rules for topic names.
func nameProblem(name string) string {
	switch {
	case name == "":
		return "A topic needs a name."
	case name == "." || name == "..":
		return `"." and ".." cannot be names of topics.`
	case len(name) > maxName:
		return fmt.Sprintf("It has %d characters; Kafka allows %d.", len(name), maxName)
	}
	for _, r := range name {
		if !nameRune(r) {
			return fmt.Sprintf("It contains %q; Kafka allows ASCII letters, digits, dots, underscores and dashes.", r)
		}
	}
	return ""
}

func nameRune(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '.' || r == '_' || r == '-'
}

func isInternal(name string) bool { return strings.HasPrefix(name, "__") }
