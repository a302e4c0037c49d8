package api

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/google/uuid"
	"github.com/hashicorp/go-retryablehttp"
)

// Header names that carry more than their HTTP meaning.
const (
	HeaderRequestID      = "X-Request-Id"
	HeaderIdempotencyKey = "Idempotency-Key"
)

// PollLimit is how long the daemon holds a long poll at most.
const PollLimit = 20 * time.Second

// answerLimit bounds what a client reads of an answer.
const answerLimit = 64 << 20

// ClientConfig says how to reach a daemon.
type ClientConfig struct {
	// Endpoint is the daemon's URL, such as https://headgate.internal:8443.
	Endpoint string
	// Token is sent as a bearer token; empty sends none.
	Token string
	// CACertificate holds PEM certificates to trust instead of the system's.
	CACertificate string
	UserAgent     string
	// Retries is how often a safe request is sent again. Default 5; negative: never.
	Retries int
}

// Client speaks to a daemon. It is safe for concurrent use.
type Client struct {
	endpoint  string
	token     string
	userAgent string
	http      *retryablehttp.Client
	planned   planned
}

// NewClient checks the configuration; it does not connect.
func NewClient(cfg ClientConfig) (*Client, error) {
	u, err := url.Parse(cfg.Endpoint)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
		return nil, fmt.Errorf("endpoint %q is not a URL such as https://headgate.internal:8443", cfg.Endpoint)
	}
	transport, err := newTransport(cfg.CACertificate)
	if err != nil {
		return nil, err
	}
	rc := retryablehttp.NewClient()
	rc.HTTPClient = &http.Client{Transport: transport}
	rc.Logger = nil
	rc.RetryMax = 5
	if cfg.Retries != 0 {
		rc.RetryMax = max(cfg.Retries, 0)
	}
	// LinearJitterBackoff waits a random time between the two, times the attempt.
	rc.RetryWaitMin, rc.RetryWaitMax = 150*time.Millisecond, 450*time.Millisecond
	rc.Backoff = retryablehttp.LinearJitterBackoff
	rc.CheckRetry = checkRetry
	rc.ErrorHandler = retryablehttp.PassthroughErrorHandler
	return &Client{endpoint: strings.TrimSuffix(cfg.Endpoint, "/"), token: cfg.Token, userAgent: cfg.UserAgent, http: rc}, nil
}

func newTransport(caCertificate string) (*http.Transport, error) {
	transport := &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           (&net.Dialer{Timeout: 5 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
		ForceAttemptHTTP2:     true,
		MaxIdleConnsPerHost:   32,
		IdleConnTimeout:       90 * time.Second,
		TLSHandshakeTimeout:   10 * time.Second,
		ResponseHeaderTimeout: 5 * time.Minute,
		TLSClientConfig:       &tls.Config{MinVersion: tls.VersionTLS12},
	}
	if caCertificate != "" {
		pool := x509.NewCertPool()
		if !pool.AppendCertsFromPEM([]byte(caCertificate)) {
			return nil, errors.New("the CA certificate holds no PEM certificate: give the PEM text itself, such as file(\"ca.pem\") in Terraform, and not the name of a file")
		}
		transport.TLSClientConfig.RootCAs = pool
	}
	return transport, nil
}

// Endpoint is the daemon's URL.
func (c *Client) Endpoint() string { return c.endpoint }

// Close frees idle connections.
func (c *Client) Close() { c.http.HTTPClient.CloseIdleConnections() }

// Version asks what the daemon is.
func (c *Client) Version(ctx context.Context) (*Version, error) {
	return get[Version](ctx, c, "/v1/version")
}

// checkRetry sends again what is safe to send again: writes are PUT and DELETE by name and carry an idempotency key, so
// all but POST are. A POST is sent again only when the connection was refused, so that nothing can have happened.
func checkRetry(ctx context.Context, resp *http.Response, err error) (bool, error) {
	if ctx.Err() != nil {
		return false, ctx.Err()
	}
	if err != nil {
		var urlErr *url.Error
		if misconfigured(err) || !errors.As(err, &urlErr) {
			return false, nil
		}
		return urlErr.Op != "Post" || errors.Is(err, syscall.ECONNREFUSED), nil
	}
	switch resp.StatusCode {
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		return true, nil
	}
	return false, nil
}

func get[T any](ctx context.Context, c *Client, path string) (*T, error) {
	return do[T](ctx, c, http.MethodGet, path, nil, nil)
}

func put[T any](ctx context.Context, c *Client, path string, body any, opts WriteOptions) (*T, error) {
	path, header := opts.apply(path)
	return do[T](ctx, c, http.MethodPut, path, body, header)
}

func del(ctx context.Context, c *Client, path string, opts WriteOptions) (*Deletion, error) {
	path, header := opts.apply(path)
	return do[Deletion](ctx, c, http.MethodDelete, path, nil, header)
}

func post[T any](ctx context.Context, c *Client, path string, body any) (*T, error) {
	return do[T](ctx, c, http.MethodPost, path, body, nil)
}

func (o WriteOptions) apply(path string) (string, http.Header) {
	header := http.Header{HeaderIdempotencyKey: {uuid.NewString()}}
	if o.CreateOnly {
		header.Set("If-None-Match", "*")
	}
	if o.Generation != "" {
		header.Set("If-Match", strconv.Quote(o.Generation))
	}
	if !o.DryRun {
		return path, header
	}
	if strings.Contains(path, "?") {
		return path + "&dry_run=true", header
	}
	return path + "?dry_run=true", header
}

func do[T any](ctx context.Context, c *Client, method, path string, body any, header http.Header) (*T, error) {
	req, err := c.newRequest(ctx, method, path, body, header)
	if err != nil {
		return nil, err
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, c.unreachable(ctx, err)
	}
	defer func() { _ = resp.Body.Close() }()
	raw, err := io.ReadAll(io.LimitReader(resp.Body, answerLimit))
	// A daemon that dies may have sent all of its answer but the mark of its end, and has then noted that the caller knows.
	if err != nil && !json.Valid(raw) {
		return nil, c.unreachable(ctx, err)
	}
	if resp.StatusCode >= http.StatusBadRequest {
		return nil, c.answerError(resp, raw)
	}
	var answer T
	if err := json.Unmarshal(raw, &answer); err != nil {
		return nil, c.notHeadgate(resp, raw)
	}
	return &answer, nil
}

func (c *Client) newRequest(ctx context.Context, method, path string, body any, header http.Header) (*retryablehttp.Request, error) {
	var payload any
	if body != nil {
		raw, err := json.Marshal(body)
		if err != nil {
			return nil, fmt.Errorf("encode request: %w", err)
		}
		payload = bytes.NewReader(raw)
	}
	req, err := retryablehttp.NewRequestWithContext(ctx, method, c.endpoint+path, payload)
	if err != nil {
		return nil, fmt.Errorf("make request: %w", err)
	}
	for k, v := range header {
		req.Header[http.CanonicalHeaderKey(k)] = v
	}
	req.Header.Set("Accept", "application/json")
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if c.userAgent != "" {
		req.Header.Set("User-Agent", c.userAgent)
	}
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	return req, nil
}

func (c *Client) unreachable(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if urlErr, ok := errors.AsType[*url.Error](err); ok {
		err = urlErr.Err
	}
	if errors.Is(err, http.ErrSchemeMismatch) {
		err = errSpeaksHTTP
	}
	return &UnreachableError{Endpoint: c.endpoint, Err: err}
}

func (c *Client) answerError(resp *http.Response, raw []byte) error {
	var e Error
	if err := json.Unmarshal(raw, &e); err != nil || e.Code == "" {
		return c.notHeadgate(resp, raw)
	}
	e.HTTPStatus = resp.StatusCode
	if e.Code == CodeUnauthorized {
		c.tokenError(&e)
	}
	return &e
}

// tokenError tells who has forgotten the token from who has a wrong one. The daemon answers all strangers the same.
func (c *Client) tokenError(e *Error) {
	e.Summary, e.Detail = "No token was given, and the daemon wants one", ""
	if c.token != "" {
		e.Summary, e.Detail = "The daemon does not know this token", "It is of another daemon, or misspelt; or it was a short-lived one that has expired or was revoked."
	}
}

// notHeadgate is for answers of something else, such as a proxy: they prove nothing, least of all an absence.
func (c *Client) notHeadgate(resp *http.Response, raw []byte) error {
	if resp.StatusCode == http.StatusBadRequest && bytes.Contains(raw, []byte("HTTP request to an HTTPS server")) {
		return &UnreachableError{Endpoint: c.endpoint, Err: errSpeaksHTTPS}
	}
	return &UnreachableError{Endpoint: c.endpoint, Err: fmt.Errorf("something that is not Headgate answered %s", resp.Status)}
}

func escape(s string) string { return url.PathEscape(s) }

func number(n int) string { return strconv.Itoa(n) }

// query makes a query string of the pairs whose values are not empty.
func query(pairs ...string) string {
	values := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			values.Set(pairs[i], pairs[i+1])
		}
	}
	if len(values) == 0 {
		return ""
	}
	return "?" + values.Encode()
}
