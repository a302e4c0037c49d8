package httpclient

import (
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"strings"
)

const (
	// refusalLimit bounds what is read of a refusal, in bytes.
	refusalLimit = 64 << 10
	// Hidden stands where a credential was.
	Hidden = "(hidden)"
	// shortestHidden is the length from which a credential is hidden; what is shorter could be a part of anything.
	shortestHidden = 8
)

// discreet hides our credentials in the refusals of a server, or of a proxy before it: some repeat the request in them,
// and what they say goes into errors.
type discreet struct {
	next http.RoundTripper
	hide *strings.Replacer
}

// credentials replaces every form in which the credentials are sent.
func (a Access) credentials() *strings.Replacer {
	var forms []string
	if a.Basic != nil {
		forms = append(forms, base64.StdEncoding.EncodeToString([]byte(a.Basic.Username+":"+a.Basic.Password)), a.Basic.Password)
	}
	if a.Bearer != nil {
		forms = append(forms, a.Bearer.Token)
	}
	var pairs []string
	for _, form := range forms {
		if len(form) >= shortestHidden {
			pairs = append(pairs, form, Hidden)
		}
	}
	return strings.NewReplacer(pairs...)
}

// RoundTrip implements [http.RoundTripper].
func (d *discreet) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := d.next.RoundTrip(req)
	if err != nil || resp.StatusCode < http.StatusBadRequest {
		return resp, err
	}
	raw, err := io.ReadAll(io.LimitReader(resp.Body, refusalLimit))
	_ = resp.Body.Close()
	if err != nil {
		return nil, fmt.Errorf("read the answer: %w", err)
	}
	text := d.hide.Replace(string(raw))
	resp.Body, resp.ContentLength = io.NopCloser(strings.NewReader(text)), int64(len(text))
	resp.Header.Del("Content-Length")
	return resp, nil
}
