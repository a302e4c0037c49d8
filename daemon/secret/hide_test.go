package secret_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"testing"

	"github.com/headgate/terraform-provider-headgate/daemon/secret"
	"github.com/headgate/terraform-provider-headgate/internal/api"
)

func TestTextsAreWithoutSecrets(t *testing.T) {
	const password = `hunter "two" & more`
	h := secret.NewHider()
	h.Hide("main", password, "short")
	for name, text := range map[string]string{
		"as it is": password, "in Go": fmt.Sprintf("%q", password), "in JSON": string(must(json.Marshal(password))),
		"in a query": url.QueryEscape(password), "in a path": url.PathEscape(password), "in hex": hex.EncodeToString([]byte(password)),
		"basic":           base64.StdEncoding.EncodeToString([]byte("alice:" + password)),
		"in JSON, base64": base64.URLEncoding.EncodeToString([]byte(`{"a":1,"password":"` + password + `"}`)),
	} {
		got := h.Text("before " + text + " after")
		if !strings.HasPrefix(got, "before ") || !strings.HasSuffix(got, " after") || !strings.Contains(got, secret.Hidden) || strings.Contains(got, text) {
			t.Errorf("%s: %s", name, got)
		}
	}
	if got := h.Text("a short word"); got != "a short word" {
		t.Errorf("what could be anything is hidden: %s", got)
	}
	h.Hide("main", "another-password")
	if got := h.Text(password + " another-password"); got != "(hidden) (hidden)" {
		t.Errorf("after a rotation: %s", got)
	}
	h.Forget("main")
	if got := h.Text(password); got != password {
		t.Errorf("after the end: %s", got)
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func TestPartsOfSecretsAreSecret(t *testing.T) {
	const key = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASC"
	h := secret.NewHider()
	h.Hide("key", "-----BEGIN PRIVATE KEY-----\n"+key+"\n-----END PRIVATE KEY-----\n")
	h.Hide("windows", "-----BEGIN PRIVATE KEY-----\r\nCRLF"+key+"\r\n-----END PRIVATE KEY-----\r\n")
	h.Hide("json", `{"private_key":"-----BEGIN PRIVATE KEY-----\n`+strings.ToLower(key)+`\n-----END PRIVATE KEY-----\n"}`)
	h.Hide("hubs", "Endpoint=sb://contoso.servicebus.windows.net/;SharedAccessKeyName=all;SharedAccessKey=0123456789abcdefghij=")
	for _, text := range []string{key, "CRLF" + key, strings.ToLower(key), "0123456789abcdefghij="} {
		if got := h.Text("x " + text + " y"); got != "x (hidden) y" {
			t.Errorf("%s: %s", text, got)
		}
	}
	for _, text := range []string{"-----BEGIN PRIVATE KEY-----", "sb://contoso.servicebus.windows.net/"} {
		if got := h.Text(text); got != text {
			t.Errorf("%s: %s", text, got)
		}
	}
}

// What one owner has at a time is hidden, all of it; of many owners those that were heard of last are.
func TestManySecrets(t *testing.T) {
	h := secret.NewHider()
	var all []string
	for i := range 100 {
		all = append(all, fmt.Sprintf("secret-%03d", i))
	}
	h.Hide("main", all...)
	if got := h.Text(strings.Join(all, " ")); strings.Contains(got, "secret-") {
		t.Error(got)
	}
	for i := range 5000 {
		h.Hide(fmt.Sprint("owner ", i), fmt.Sprintf("password-%05d", i))
	}
	if got := h.Text("secret-000 password-00000 password-04999"); got != "secret-000 (hidden) (hidden)" {
		t.Error(got)
	}
}

// What is said is without secrets; what is data stays as it is, byte by byte.
func TestAnswersAreWithoutSecrets(t *testing.T) {
	h := secret.NewHider()
	h.Hide("main", "hunter-two")
	for in, want := range map[string]string{
		`{"problem":"hunter-two"}`: `{"problem":"(hidden)"}` + "\n",
		`{"summary":"no hunter-two","attribute":"/a","more":[{"detail":"hunter-two!","code":"x"}]}`: `{"attribute":"/a","more":[{"code":"x","detail":"(hidden)!"}],"summary":"no (hidden)"}` + "\n",
		`{"value":"hunter-two", "n": 1e3}`:                          `{"value":"hunter-two", "n": 1e3}`,
		`{"summary":"fine", "n": 1e3}`:                              `{"summary":"fine", "n": 1e3}`,
		`{"schema":"hunter-two","warnings":[{"summary":"<fine>"}]}`: `{"schema":"hunter-two","warnings":[{"summary":"<fine>"}]}` + "\n",
	} {
		if got := string(h.JSON([]byte(in))); got != want {
			t.Errorf("%s: %s, want %s", in, got, want)
		}
	}
}

// What Headgate says itself is left as it is: whoever asks for a topic called like a secret is not told that it is one, and a
// password that is an ordinary word makes no gaps. What systems say is hidden beside it.
func TestOwnSentencesStay(t *testing.T) {
	h := secret.NewHider()
	h.Hide("main", "hunter-two", "connection")
	answer := func(e *api.Error) api.Error {
		var got api.Error
		if err := json.Unmarshal(h.JSON(must(json.Marshal(e))), &got); err != nil {
			t.Fatal(err)
		}
		return got
	}
	for _, own := range []*api.Error{
		api.NotFound("Topic", "hunter-two"), api.AlreadyExists("Topic", "hunter-two", "Import it by its connection."), api.Conflict("Topic", "hunter-two"),
		api.Invalid("/name", "hunter-two is no name", "", "Test the connection."), api.Refused(api.CodeProtected, "", "hunter-two is protected", "", "Use another connection."),
	} {
		if got := answer(own); got.Summary != own.Summary || got.Remedy != own.Remedy {
			t.Errorf("%s: %+v", own.Code, got)
		}
	}
	mixed := api.Invalid("/config", "The connection refuses it", "It says: hunter-two", "Correct it.")
	mixed.More = []api.Error{
		*api.Upstream(api.CodeConnection, "", "Cannot read topic hunter-two", "no hunter-two", "no hunter-two"), *api.Refused(api.CodeStartFailed, "", "no hunter-two", "", ""),
	}
	mixed.Warnings = []api.Warning{{Summary: "no hunter-two", Detail: "no hunter-two"}}
	got := answer(mixed)
	if got.Summary != mixed.Summary || got.Detail != "It says: (hidden)" {
		t.Errorf("%+v", got)
	}
	reached, started, warned := got.More[0], got.More[1], got.Warnings[0]
	if reached.Summary != "Cannot read topic hunter-two" || reached.Detail+reached.Remedy+started.Summary+warned.Summary+warned.Detail != strings.Repeat("no (hidden)", 5) {
		t.Errorf("%+v", got)
	}
}

func TestLogsAreWithoutSecrets(t *testing.T) {
	h := secret.NewHider()
	h.Hide("main", "hunter-two")
	var out bytes.Buffer
	log := slog.New(h.Log(slog.NewJSONHandler(&out, nil))).With("url", "http://hunter-two@x").WithGroup("g")
	log.Info("it says hunter-two", "error", fmt.Errorf("refused: %w", errors.New("no hunter-two")), slog.Group("in", "text", "hunter-two"), "n", 3, "list", []string{"a"})
	if got := out.String(); strings.Contains(got, "hunter-two") || strings.Count(got, secret.Hidden) != 4 || !strings.Contains(got, `"n":3,"list":["a"]`) {
		t.Error(got)
	}
}
