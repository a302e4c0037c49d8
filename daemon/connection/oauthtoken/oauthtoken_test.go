package oauthtoken

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"
)

var errDown = errors.New("down")

// A token is kept for four fifths of its life; when no new one can be had then, it serves to its end.
func TestTokenIsRenewedBeforeItEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked, down := 0, false
		s := &Source{fetch: func(context.Context) (*Token, error) {
			if down {
				return nil, errDown
			}
			asked++
			return &Token{Value: fmt.Sprint("token-", asked), Expiry: time.Now().Add(100 * time.Second)}, nil
		}}
		for _, step := range []struct {
			after time.Duration
			down  bool
			want  string
		}{
			{0, false, "token-1"},
			{79 * time.Second, false, "token-1"},
			{2 * time.Second, false, "token-2"},
			{81 * time.Second, true, "token-2"},
			{10 * time.Second, false, "token-3"},
			{101 * time.Second, true, ""},
			{0, false, "token-4"},
		} {
			time.Sleep(step.after)
			down = step.down
			got, err := s.Token(t.Context())
			if step.want == "" {
				if !errors.Is(err, errDown) {
					t.Errorf("after the end: %v, %v", got, err)
				}
				continue
			}
			if err != nil || got.Value != step.want {
				t.Errorf("after %s more: %v, %v, want %s", step.after, got, err, step.want)
			}
		}
	})
}

func TestTokenWithoutEndIsAskedForEachTime(t *testing.T) {
	asked := 0
	s := &Source{fetch: func(context.Context) (*Token, error) {
		asked++
		return &Token{Value: "token"}, nil
	}}
	for range 3 {
		if _, err := s.Token(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if asked != 3 {
		t.Errorf("asked %d times", asked)
	}
}
