package spec

import (
	"strconv"
	"strings"
)

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

// Written is the field at a JSON pointer below fields as a configuration writes it, such as bootstrap_servers[0]. Of a secret it
// tells the name in Terraform too, where it is write-only.
func Written(fields []Field, pointer string) string {
	at := Field{Type: Object, Fields: fields}
	var b strings.Builder
	for _, step := range Steps(pointer) {
		switch at.Type {
		case List:
			b.WriteString("[" + step + "]")
			at = *at.Elem
		case Map:
			b.WriteString("[" + strconv.Quote(step) + "]")
			at = *at.Elem
		default:
			if b.Len() > 0 {
				b.WriteByte('.')
			}
			b.WriteString(step)
			at = child(at.Fields, step)
		}
	}
	if at.Secret {
		b.WriteString(InTerraform(at.Name))
	}
	return b.String()
}

// InTerraform follows the name of a secret field, in sentences for everybody.
func InTerraform(secret string) string { return " (in Terraform " + secret + "_wo)" }

// child is the zero Field when there is none of this name.
func child(fields []Field, name string) Field {
	for _, f := range fields {
		if f.Name == name {
			return f
		}
	}
	return Field{}
}
