package httpclient

import (
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/headgate/terraform-provider-headgate/daemon/secret"
)

// refusalLimit bounds what is read of a refusal, in bytes.
const refusalLimit = 64 << 10

// discreet hides our credentials in the refusals of a server, or of a proxy before it: some repeat the request in them,
// and what they say goes into errors.
type discreet struct {
	next *http.Transport
	hide *strings.Replacer
}

// credentials replaces the credentials.
func (a Access) credentials() *strings.Replacer {
	var secrets []string
	if a.Basic != nil {
		secrets = append(secrets, a.Basic.Password, base64.StdEncoding.EncodeToString([]byte(a.Basic.Username+":"+a.Basic.Password)))
	}
	if a.Bearer != nil {
		secrets = append(secrets, a.Bearer.Token)
	}
	return secret.Replacer(secret.Shortest, secrets...)
}

// RoundTrip implements [http.RoundTripper].
func (d *discreet) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := d.next.RoundTrip(req)
	if err != nil || resp.StatusCode < http.StatusBadRequest {
		return resp, err
	}
	return Discreet(resp, d.hide)
}

// CloseIdleConnections is what [http.Client.CloseIdleConnections] looks for.
func (d *discreet) CloseIdleConnections() { d.next.CloseIdleConnections() }

// Discreet hides credentials in a refusal.
func Discreet(resp *http.Response, hide *strings.Replacer) (*http.Response, error) {
	raw, err := io.ReadAll(io.LimitReader(resp.Body, refusalLimit))
	_ = resp.Body.Close()
	if err != nil {
		return nil, fmt.Errorf("read the answer: %w", err)
	}
	text := hide.Replace(string(raw))
	resp.Body, resp.ContentLength = io.NopCloser(strings.NewReader(text)), int64(len(text))
	resp.Header.Del("Content-Length")
	return resp, nil
}
