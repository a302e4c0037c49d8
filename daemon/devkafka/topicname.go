package devkafka

import (
	"regexp"
	"unicode/utf16"

	"github.com/twmb/franz-go/pkg/kerr"
)

const (
	maxNameLength = 249
	metadataTopic = "__cluster_metadata"
)

var legalName = regexp.MustCompile(`^[a-zA-Z0-9._-]+$`)

func checkName(name string) *refusal {
	switch {
	case name == "":
		return refuseName("the empty string is not allowed")
	case name == ".", name == "..":
		return refuseName("'" + name + "' is not allowed")
	case len(utf16.Encode([]rune(name))) > maxNameLength: // Java's length
		return refuse(kerr.InvalidTopicException,
			"Topic name is invalid: the length of '%s' is longer than the max allowed length %d", name, maxNameLength)
	case !legalName.MatchString(name):
		return refuseName("'" + name + "' contains one or more characters other than ASCII alphanumerics, '.', '_' and '-'")
	default:
		return nil
	}
}

func refuseName(why string) *refusal {
	return refuse(kerr.InvalidTopicException, "Topic name is invalid: %s", why)
}
