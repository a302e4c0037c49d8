package stream_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/headgate/terraform-provider-headgate/daemon/connection/connectiontest"
	"github.com/headgate/terraform-provider-headgate/daemon/store"
	"github.com/headgate/terraform-provider-headgate/daemon/stream"
	"github.com/headgate/terraform-provider-headgate/internal/acctest/fakekinesis"
	"github.com/headgate/terraform-provider-headgate/internal/api"
)

// A write that protects a stream is not answered while a delete that was allowed before it is under way.
func TestWritesWaitForADelete(t *testing.T) {
	fake := fakekinesis.Start(t, 0)
	deleting, proceed := make(chan struct{}), make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".DeleteStream") {
			deleting <- struct{}{}
			<-proceed
		}
		fake.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	st, err := store.OpenMemory(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Close() })
	conns := connectiontest.New(t, st)
	spec := fmt.Sprintf(`{"region":"eu-central-1","endpoint":%q,"credentials":{"access_key_id":"AKIDEXAMPLE","secret_access_key":"secret"}}`, server.URL)
	if _, err := conns.Put(t.Context(), "kinesis", api.ConnectionWrite{Kind: "kinesis", Spec: []byte(spec), Test: new(false)}, api.WriteOptions{}, ""); err != nil {
		t.Fatal(err)
	}
	s := stream.New(st, conns)
	body := api.StreamWrite{Mode: api.StreamOnDemand, Retention: "24h", DeletionProtection: new(false)}
	made, err := s.Put(t.Context(), "kinesis", "clicks", body, api.WriteOptions{}, "")
	if err != nil {
		t.Fatal(err)
	}

	wrote, deleted := make(chan error, 1), make(chan error, 1)
	go func() {
		_, err := s.Delete(t.Context(), "kinesis", "clicks", api.WriteOptions{})
		deleted <- err
	}()
	<-deleting
	body.DeletionProtection = new(true)
	if _, err := s.Put(t.Context(), "kinesis", "clicks", body, api.WriteOptions{DryRun: true}, ""); err != nil {
		t.Errorf("a dry run waits for nobody: %v", err)
	}
	go func() {
		_, err := s.Put(t.Context(), "kinesis", "clicks", body, api.WriteOptions{Generation: made.Generation}, "")
		wrote <- err
	}()
	early := false
	select {
	case err := <-wrote:
		t.Errorf("the write did not wait: %v", err)
		early = true
	case <-time.After(100 * time.Millisecond):
	}
	close(proceed)
	if err := <-deleted; err != nil {
		t.Error(err)
	}
	if early {
		return
	}
	if err := <-wrote; !api.HasCode(err, api.CodeNotFound) {
		t.Errorf("the write after it answers %v", err)
	}
}

// A shorter retention removes records that are there: it is refused while the stream is protected, and told of otherwise.
func TestShorterRetentionIsProtected(t *testing.T) {
	fake := fakekinesis.Start(t, 0)
	st, err := store.OpenMemory(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Close() })
	conns := connectiontest.New(t, st)
	spec := fmt.Sprintf(`{"region":"eu-central-1","endpoint":%q,"credentials":{"access_key_id":"AKIDEXAMPLE","secret_access_key":"secret"}}`, fake.URL)
	if _, err := conns.Put(t.Context(), "kinesis", api.ConnectionWrite{Kind: "kinesis", Spec: []byte(spec), Test: new(false)}, api.WriteOptions{}, ""); err != nil {
		t.Fatal(err)
	}
	s := stream.New(st, conns)
	put := func(body api.StreamWrite, opts api.WriteOptions) (*api.Stream, error) {
		return s.Put(t.Context(), "kinesis", "clicks", body, opts, "")
	}
	if _, err := put(api.StreamWrite{Retention: "48h"}, api.WriteOptions{}); err != nil {
		t.Fatal(err)
	}
	for _, dryRun := range []bool{true, false} {
		_, err := put(api.StreamWrite{Retention: "24h"}, api.WriteOptions{DryRun: dryRun})
		refused, ok := errors.AsType[*api.Error](err)
		if !ok || refused.Code != api.CodeProtected || refused.Attribute != "/retention" || !strings.Contains(refused.Error(), "deletion_protection = false") {
			t.Errorf("dry run %t: %v", dryRun, err)
		}
	}
	planned, err := put(api.StreamWrite{Retention: "24h", DeletionProtection: new(false)}, api.WriteOptions{DryRun: true})
	if err != nil || len(planned.Warnings) != 1 || !strings.Contains(planned.Warnings[0].Summary, "Records older than 24h") {
		t.Errorf("unprotected: %+v, %v", planned, err)
	}
	if made, err := put(api.StreamWrite{Retention: "24h", DeletionProtection: new(false)}, api.WriteOptions{}); err != nil || made.Retention != "24h" {
		t.Errorf("unprotected: %+v, %v", made, err)
	}
}
