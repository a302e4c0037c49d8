package spec

import "strings"

var (
	escaper   = strings.NewReplacer("~", "~0", "/", "~1")
	unescaper = strings.NewReplacer("~1", "/", "~0", "~")
)

// Join appends steps to a JSON pointer (RFC 6901). The empty pointer is the whole value.
func Join(pointer string, steps ...string) string {
	for _, step := range steps {
		pointer += "/" + escaper.Replace(step)
	}
	return pointer
}

// Steps splits a JSON pointer.
func Steps(pointer string) []string {
	if pointer == "" {
		return nil
	}
	steps := strings.Split(strings.TrimPrefix(pointer, "/"), "/")
	for i, s := range steps {
		steps[i] = unescaper.Replace(s)
	}
	return steps
}
