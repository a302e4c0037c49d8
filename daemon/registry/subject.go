package registry

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/headgate/terraform-provider-headgate/daemon/store"
)

// A subject may be in a context, and then its name begins with it: ":.staging:orders-value". The context itself, where
// settings go, is ":.staging:". Those without are in the default context ".". Ids are the same ones in all contexts.
const (
	allContexts    = ":*:"
	defaultContext = ":.:"
)

// contextOf is the name's context with both its colons, or empty for the default one.
func contextOf(name string) string {
	if !strings.HasPrefix(name, ":.") {
		return ""
	}
	end := strings.IndexByte(name[1:], ':')
	if end < 0 {
		return ""
	}
	return name[:end+2]
}

// plainSubject takes the default context, which goes without saying, off a name.
func plainSubject(name string) string { return strings.TrimPrefix(name, defaultContext) }

// inContext puts a subject that says no context into another subject's.
func inContext(of, subject string) string {
	if strings.HasPrefix(subject, ":.") {
		return plainSubject(subject)
	}
	return contextOf(of) + subject
}

// subjectRow is a subject with the context that it is in.
type subjectRow struct {
	store.RegistrySubject
	context store.RegistrySubject
}

// subject reads a subject; one that nobody heard of has no versions and no settings.
func (r *Registry) subject(ctx context.Context, name string) (subjectRow, error) {
	row, err := r.subjectAlone(ctx, name)
	if err != nil {
		return subjectRow{}, err
	}
	around := contextOf(name)
	if around == "" || around == name {
		return subjectRow{RegistrySubject: row}, nil
	}
	outer, err := r.subjectAlone(ctx, around)
	return subjectRow{RegistrySubject: row, context: outer}, err
}

func (r *Registry) subjectAlone(ctx context.Context, name string) (store.RegistrySubject, error) {
	row, err := r.store.RegistrySubject(ctx, name)
	if errors.Is(err, store.ErrNotFound) {
		return store.RegistrySubject{Name: name}, nil
	}
	return row, err
}

func checkSubject(name string) error {
	switch name {
	case "":
		return invalidSubject(name, "it is empty")
	case contextOf(name):
		return invalidSubject(name, "it is a context without a subject")
	}
	return checkName(name)
}

// checkName is for names of subjects and of contexts.
func checkName(name string) error {
	switch {
	case !utf8.ValidString(name) || strings.ContainsFunc(name, unicode.IsControl):
		return invalidSubject(name, "it holds a control character, or is not UTF-8")
	case utf8.RuneCountInString(name) > maxSubject:
		return invalidSubject(name[:32]+"...", fmt.Sprintf("it is longer than %d characters", maxSubject))
	case strings.HasPrefix(name, allContexts):
		return invalidSubject(name, "it is in all contexts, which is only for lists")
	case strings.HasPrefix(name, ":.") && contextOf(name) == "":
		return invalidSubject(name, "its context has no second colon: it is written :.context:subject")
	case name == "__GLOBAL" || name == "__EMPTY":
		return invalidSubject(name, "the name is reserved")
	}
	return nil
}
