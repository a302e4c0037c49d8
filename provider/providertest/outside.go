package providertest

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// Ask is what someone else asks of a system, past the daemon: JSON, or nothing, as the body and in the answer. An empty token
// goes without one. Every answer that is no success is an error.
func Ask(ctx context.Context, method, url, token, body string) (answer []byte, err error) {
	req, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("make request: %w", err)
	}
	req.Close = true // no connection stays open behind the test
	req.Header.Set("Content-Type", "application/json")
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	client := &http.Client{Timeout: time.Minute}
	resp, err := client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("ask: %w", err)
	}
	defer func() { _ = resp.Body.Close() }()
	answer, err = io.ReadAll(resp.Body)
	if err != nil {
		return nil, fmt.Errorf("read the answer: %w", err)
	}
	if resp.StatusCode >= http.StatusMultipleChoices {
		return nil, fmt.Errorf("%s %s: %s %s", method, url, resp.Status, answer)
	}
	return answer, nil
}
