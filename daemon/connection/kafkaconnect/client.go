package kafkaconnect

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/headgate/terraform-provider-headgate/daemon/connection/httpclient"
	"github.com/headgate/terraform-provider-headgate/internal/api"
)

const (
	// requestTimeout bounds one request. A worker itself gives up on what it asks others after 90 seconds.
	requestTimeout = 100 * time.Second

	// How long a request is repeated while workers rebalance, and while the worker that is asked starts.
	rebalancePatience = time.Minute
	startPatience     = 30 * time.Second

	// answerLimit bounds what is read of an answer, in bytes.
	answerLimit = 64 << 20
)

// AnswerError is what a worker, or something in its place, answered instead of what was asked for.
type AnswerError struct {
	Status int
	// Message is empty when the answer is not one of Kafka Connect: it proves nothing then, least of all an absence.
	Message string
}

func (e *AnswerError) Error() string {
	switch {
	case e.Message != "":
		return e.Message
	case e.Status == http.StatusUnauthorized:
		return "the credentials are refused (HTTP status 401)"
	case e.Status == http.StatusForbidden:
		return "the credentials do not allow it (HTTP status 403)"
	case e.Status == http.StatusNotFound:
		return "the worker is starting, or what answers there is not Kafka Connect (HTTP status 404)"
	}
	return fmt.Sprintf("what answers there does not answer as Kafka Connect (HTTP status %d)", e.Status)
}

// Status is the HTTP status that an error carries, or 0.
func Status(err error) int {
	if e, ok := errors.AsType[*AnswerError](err); ok {
		return e.Status
	}
	return 0
}

// exists is what a worker says to a POST of a connector that is there.
func exists(e *AnswerError) bool {
	return e.Status == http.StatusConflict && strings.Contains(e.Message, "already exists")
}

// AlreadyExists says whether a connector was not made because it is there.
func AlreadyExists(err error) bool {
	e, ok := errors.AsType[*AnswerError](err)
	return ok && exists(e)
}

// Client speaks to the workers of a cluster. It is safe for concurrent use.
type Client struct {
	urls      []string
	access    httpclient.Access
	http      *http.Client
	transport *http.Transport
	good      atomic.Int32 // the worker that answered last
}

// NewClient makes a client of a cluster.
func NewClient(c *api.KafkaConnectConnection) (*Client, error) { return newClient(c, c.URLs...) }

func newClient(c *api.KafkaConnectConnection, urls ...string) (*Client, error) {
	client := &Client{access: access(c)}
	for _, u := range urls {
		client.urls = append(client.urls, strings.TrimSuffix(u, "/"))
	}
	var err error
	client.http, client.transport, err = client.access.Client(requestTimeout)
	return client, err
}

// Close frees idle connections.
func (c *Client) Close() { c.transport.CloseIdleConnections() }

// Do asks a worker and decodes its answer, where there is one, into answer, or into a *[]byte as it came. While workers start
// or rebalance the request is repeated, as long as the context lets it and for a minute at most. A worker that cannot be
// reached leaves it to the next one.
func (c *Client) Do(ctx context.Context, method, path string, body, answer any) error {
	begin := time.Now()
	for wait := 100 * time.Millisecond; ; wait = min(2*wait, 2*time.Second) {
		err := c.anyWorker(ctx, method, path, body, answer)
		if err == nil || time.Since(begin)+wait > passing(method, err) {
			return err
		}
		if sleep(ctx, wait) != nil {
			return fmt.Errorf("%w, until the time was up", err)
		}
	}
}

// passing says how long an answer may last that is one of a cluster that starts or rebalances; 0 for one that stays, or
// when asking again might do harm.
func passing(method string, err error) time.Duration {
	e, ok := errors.AsType[*AnswerError](err)
	switch {
	case !ok:
		return 0
	case e.Status == http.StatusConflict && !exists(e):
		return rebalancePatience
	case e.Status == http.StatusNotFound && e.Message == "", e.Status == http.StatusServiceUnavailable:
		return startPatience
	case e.Status == http.StatusInternalServerError && strings.Contains(e.Message, "rebalance is expected"):
		return rebalancePatience // the same as a conflict, by another way
	case e.Status == http.StatusInternalServerError && strings.HasPrefix(e.Message, "IO Error trying to forward REST request") && (method != http.MethodPost || strings.Contains(e.Message, "ConnectException")):
		// The worker that leads is gone, and the others have not noticed yet. Nothing reached it, or asking again does no harm.
		return rebalancePatience
	case e.Status == http.StatusInternalServerError && strings.HasPrefix(e.Message, "Request timed out") && method != http.MethodPost:
		// The worker asked the others and they did not answer in time. A POST may have been done all the same.
		return rebalancePatience
	}
	return 0
}

// anyWorker asks the worker that answered last, and the others where it does not.
func (c *Client) anyWorker(ctx context.Context, method, path string, body, answer any) error {
	first := int(c.good.Load())
	var failed error
	for i := range c.urls {
		n := (first + i) % len(c.urls)
		err := c.once(ctx, c.urls[n], method, path, body, answer)
		if err == nil || !elsewhere(method, err) || ctx.Err() != nil {
			c.good.Store(int32(n))
			return err
		}
		if failed == nil || Status(failed) == 0 {
			failed = err
		}
	}
	return failed
}

// elsewhere says whether another worker may be asked instead: nothing has happened, or doing it twice does no harm.
func elsewhere(method string, err error) bool {
	e, ok := errors.AsType[*AnswerError](err)
	if ok {
		return e.Message == "" || e.Status == http.StatusServiceUnavailable
	}
	return method != http.MethodPost || errors.Is(err, syscall.ECONNREFUSED)
}

// once asks one worker.
func (c *Client) once(ctx context.Context, base, method, path string, body, answer any) error {
	req, err := c.request(ctx, base, method, path, body)
	if err != nil {
		return err
	}
	resp, err := c.http.Do(req)
	if err != nil {
		if u, ok := errors.AsType[*url.Error](err); ok {
			err = u.Err // it names the whole URL and says no more
		}
		return fmt.Errorf("no answer from %s: %w", base, err)
	}
	defer func() { _ = resp.Body.Close() }()
	raw, err := io.ReadAll(io.LimitReader(resp.Body, answerLimit))
	if err != nil {
		return fmt.Errorf("read the answer of %s: %w", base, err)
	}
	if resp.StatusCode >= http.StatusMultipleChoices {
		return refusal(resp.StatusCode, raw)
	}
	if answer == nil || resp.StatusCode == http.StatusNoContent || len(raw) == 0 {
		return nil
	}
	if asItCame, ok := answer.(*[]byte); ok {
		*asItCame = raw
		return nil
	}
	if err := json.Unmarshal(raw, answer); err != nil {
		return &AnswerError{Status: resp.StatusCode}
	}
	return nil
}

func (c *Client) request(ctx context.Context, base, method, path string, body any) (*http.Request, error) {
	var payload io.Reader = http.NoBody
	if body != nil {
		raw, err := json.Marshal(body)
		if err != nil {
			return nil, fmt.Errorf("encode request: %w", err)
		}
		payload = bytes.NewReader(raw)
	}
	req, err := http.NewRequestWithContext(ctx, method, base+path, payload)
	if err != nil {
		return nil, fmt.Errorf("make request: %w", err)
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", "headgate")
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	c.access.Authorize(req)
	return req, nil
}

func refusal(status int, raw []byte) error {
	var said struct {
		Code    int    `json:"error_code"`
		Message string `json:"message"`
	}
	if json.Unmarshal(raw, &said) != nil || said.Code == 0 {
		said.Message = ""
	}
	return &AnswerError{Status: status, Message: said.Message}
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
