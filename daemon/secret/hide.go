package secret

import (
	"bytes"
	"cmp"
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"log/slog"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/headgate/terraform-provider-headgate/internal/api"
)

const (
	// Hidden stands where a secret was.
	Hidden = "(hidden)"
	// Shortest is the length from which a secret is hidden anywhere, in bytes: what is shorter could be a part of anything.
	Shortest = 8
	// shortestPart is the length from which a part of a secret counts as one itself, in bytes.
	shortestPart = 16
	// remembered is how many secrets are hidden for one owner: those in use, and the last ones before them.
	remembered = 64
	// mostOwners is how many owners there are at most; the one that was heard of longest ago goes first.
	mostOwners = 5000
)

// Hider hides secrets in what is said: systems repeat what they were sent in their refusals, and those end in errors,
// warnings and logs. It is safe for concurrent use.
type Hider struct {
	mu       sync.Mutex
	owners   map[string]*owned
	count    uint64            // of the times that owners were heard of
	replacer *strings.Replacer // nil: to be made
}

// owned is what is hidden for one owner.
type owned struct {
	secrets []string // the newest last
	heard   uint64   // the count when the owner was last heard of
}

// NewHider makes one that knows no secret.
func NewHider() *Hider { return &Hider{owners: map[string]*owned{}} }

// Hide hides secrets of an owner, such as a connection, from now on.
func (h *Hider) Hide(owner string, secrets ...string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	o := h.owners[owner]
	if o == nil {
		o = &owned{}
		h.owners[owner] = o
	}
	for _, one := range secrets {
		if len(one) >= Shortest && !slices.Contains(o.secrets, one) {
			o.secrets, h.replacer = append(o.secrets, one), nil
		}
	}
	o.secrets = o.secrets[max(0, len(o.secrets)-max(remembered, len(secrets))):]
	h.count++
	o.heard = h.count
	if len(h.owners) > mostOwners {
		h.forget(slices.MinFunc(slices.Collect(maps.Keys(h.owners)), func(a, b string) int { return cmp.Compare(h.owners[a].heard, h.owners[b].heard) }))
	}
}

// Forget ends the hiding of an owner's secrets.
func (h *Hider) Forget(owner string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.forget(owner)
}

func (h *Hider) forget(owner string) {
	delete(h.owners, owner)
	h.replacer = nil
}

// Text is a text without the secrets, in whatever form they are in it.
func (h *Hider) Text(text string) string { return h.current().Replace(text) }

func (h *Hider) current() *strings.Replacer {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.replacer == nil {
		var all []string
		for _, o := range h.owners {
			all = append(all, o.secrets...)
		}
		h.replacer = Replacer(Shortest, all...)
	}
	return h.replacer
}

// Replacer replaces secrets, in every form in which they are sent, by [Hidden]. Forms that are shorter stay.
func Replacer(shortest int, secrets ...string) *strings.Replacer {
	var all []string
	for _, one := range secrets {
		for _, part := range parts(one) {
			if len(part) >= shortest {
				all = append(all, forms(part)...)
			}
		}
	}
	// Of forms that begin at the same place, the first counts.
	slices.SortFunc(all, func(a, b string) int { return cmp.Or(len(b)-len(a), strings.Compare(a, b)) })
	pairs := make([]string, 0, 2*len(all))
	for _, form := range slices.Compact(all) {
		if len(form) >= shortest { // a part in base64 may have become shorter
			pairs = append(pairs, form, Hidden)
		}
	}
	return strings.NewReplacer(pairs...)
}

// parts are a secret itself and what is secret by itself in it: the lines of a key, the values of a connection string.
func parts(secret string) []string {
	if strings.Contains(secret, "-----BEGIN ") {
		lines := strings.Split(strings.NewReplacer(`\r`, "", "\r", "", `\n`, "\n").Replace(secret), "\n")
		return slices.DeleteFunc(lines, func(line string) bool { return len(line) < shortestPart || strings.HasPrefix(line, "-----") })
	}
	all := []string{secret}
	for _, field := range strings.FieldsFunc(secret, func(r rune) bool { return r == ';' || r == '&' }) {
		if _, value, found := strings.Cut(field, "="); found && len(value) >= shortestPart && !strings.Contains(value, "://") {
			all = append(all, value)
		}
	}
	return all
}

// forms are how a secret may look in a text.
func forms(secret string) []string {
	inJSON, _ := json.Marshal(secret)
	inGo := strconv.Quote(secret)
	all := []string{
		secret, url.QueryEscape(secret), url.PathEscape(secret), hex.EncodeToString([]byte(secret)),
		string(inJSON[1 : len(inJSON)-1]), inGo[1 : len(inGo)-1],
	}
	// As a part of something longer, such as a user name and a password, the first and last characters of base64 depend on
	// what is around it.
	for shift := range 3 {
		for _, encoding := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
			encoded := encoding.EncodeToString([]byte(strings.Repeat("x", shift) + secret))
			all = append(all, encoded[(shift*8+5)/6:len(encoded)-1])
		}
	}
	return all
}

// said are the fields of answers that hold what systems say. Nothing else is changed: it is data.
var said = map[string]bool{"summary": true, "detail": true, "remedy": true, "trace": true, "problem": true}

// found are the codes of errors that Headgate finds by itself, met those of errors whose details are what a system said.
// The summaries of both, and the remedies of the first, are Headgate's own sentences around the names that the caller gave. A
// secret hidden there would tell a caller who guesses, such as by asking for a topic of that name, that it is one, and a
// password that is an ordinary word would make gaps in them. The details of the first are searched all the same: a system is
// quoted in many, such as a broker's reason in invalid, a registry's in not_found, and in protected why a loss could not be told.
var (
	found = map[string]bool{
		api.CodeInvalid: true, api.CodeNotFound: true, api.CodeAlreadyExists: true, api.CodeConflict: true, api.CodeInUse: true,
		api.CodeProtected: true, api.CodeUnauthorized: true, api.CodeTooLarge: true, api.CodeUnavailable: true,
	}
	met = map[string]bool{api.CodeConnection: true, api.CodeRefused: true, api.CodeIncompatible: true}
)

// repeats says whether a field may hold what a system says; code is that of the error that it belongs to, if of any.
func repeats(code, field string) bool {
	switch field {
	case "summary":
		return !found[code] && !met[code]
	case "remedy":
		return !found[code]
	}
	return said[field]
}

// JSON is an answer without the secrets in what it says.
func (h *Hider) JSON(raw []byte) []byte {
	if !speaks(raw) || h.Text(string(raw)) == string(raw) {
		return raw
	}
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	var answer any
	if err := decoder.Decode(&answer); err != nil {
		return raw
	}
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(h.hideIn(answer)); err != nil {
		return raw
	}
	return out.Bytes()
}

// speaks says whether an answer may say anything; most have nothing but data.
func speaks(raw []byte) bool {
	for field := range said {
		if bytes.Contains(raw, []byte(`"`+field+`"`)) {
			return true
		}
	}
	return false
}

func (h *Hider) hideIn(value any) any {
	switch v := value.(type) {
	case map[string]any:
		code, _ := v["code"].(string)
		for key, inner := range v {
			if text, ok := inner.(string); ok && repeats(code, key) {
				v[key] = h.Text(text)
				continue
			}
			v[key] = h.hideIn(inner)
		}
	case []any:
		for i, inner := range v {
			v[i] = h.hideIn(inner)
		}
	}
	return value
}

// Log hides the secrets in what goes to a log.
func (h *Hider) Log(next slog.Handler) slog.Handler { return hidingHandler{next, h} }

type hidingHandler struct {
	slog.Handler
	hider *Hider
}

// Handle implements [slog.Handler].
func (l hidingHandler) Handle(ctx context.Context, record slog.Record) error {
	hidden := slog.NewRecord(record.Time, record.Level, l.hider.Text(record.Message), record.PC)
	record.Attrs(func(attr slog.Attr) bool {
		hidden.AddAttrs(l.attr(attr))
		return true
	})
	return l.Handler.Handle(ctx, hidden)
}

// WithAttrs implements [slog.Handler].
func (l hidingHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	hidden := make([]slog.Attr, len(attrs))
	for i, attr := range attrs {
		hidden[i] = l.attr(attr)
	}
	return hidingHandler{l.Handler.WithAttrs(hidden), l.hider}
}

// WithGroup implements [slog.Handler].
func (l hidingHandler) WithGroup(name string) slog.Handler {
	return hidingHandler{l.Handler.WithGroup(name), l.hider}
}

// attr is an attribute without the secrets; one that holds none stays as it is.
func (l hidingHandler) attr(attr slog.Attr) slog.Attr {
	value := attr.Value.Resolve()
	switch value.Kind() {
	case slog.KindGroup:
		inner := make([]any, 0, len(value.Group()))
		for _, one := range value.Group() {
			inner = append(inner, l.attr(one))
		}
		return slog.Group(attr.Key, inner...)
	case slog.KindString, slog.KindAny:
		text := value.String()
		if hidden := l.hider.Text(text); hidden != text {
			return slog.String(attr.Key, hidden)
		}
	}
	return attr
}
