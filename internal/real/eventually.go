package real

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/sr"
)

// patience is far longer than anything takes that happens at all, on a machine that has other things to do.
const patience = time.Minute

// Eventually tries until it works, and fails the test when that takes a minute: brokers hear of changes one after the
// other, each a little later than the controller that made them. The context ends with the minute.
func Eventually(tb testing.TB, try func(ctx context.Context) error) {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), patience)
	defer cancel()
	for {
		err := try(ctx)
		if err == nil {
			return
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
			tb.Fatalf("it does not happen: %v", err)
		}
	}
}

// Until is [Eventually] for what is so or not; what says what is waited for.
func Until(tb testing.TB, what string, is func() bool) {
	tb.Helper()
	Eventually(tb, func(context.Context) error {
		if is() {
			return nil
		}
		return errors.New("not yet: " + what)
	})
}

// CreateTopic makes a topic, and waits until every broker shows it and its leaders answer. A replication factor of -1 is
// the cluster's own.
func CreateTopic(tb testing.TB, client *kgo.Client, partitions int32, replicas int16, configs map[string]*string, name string) {
	tb.Helper()
	admin := kadm.NewClient(client)
	made, err := admin.CreateTopic(tb.Context(), partitions, replicas, configs, name)
	if err != nil || made.Err != nil {
		tb.Fatalf("create topic %s: %v, %v: %s", name, err, made.Err, made.ErrMessage)
	}
	for _, broker := range client.DiscoveredBrokers() {
		Eventually(tb, func(ctx context.Context) error { return hasTopic(ctx, broker, name, int(partitions)) })
	}
	Eventually(tb, func(ctx context.Context) error {
		ends, err := admin.ListEndOffsets(kadm.WithAuthorizedOps(ctx), name)
		if err == nil {
			err = ends.Error()
		}
		return err
	})
}

func hasTopic(ctx context.Context, broker *kgo.Broker, name string, partitions int) error {
	req := kmsg.NewPtrMetadataRequest()
	one := kmsg.NewMetadataRequestTopic()
	one.Topic = &name
	req.Topics = append(req.Topics, one)
	resp, err := req.RequestWith(ctx, broker)
	if err != nil {
		return err
	}
	if len(resp.Topics) != 1 || len(resp.Topics[0].Partitions) != partitions {
		return fmt.Errorf("a broker shows %+v", resp.Topics)
	}
	return kerr.ErrorForCode(resp.Topics[0].ErrorCode)
}

// RegistryClient makes a client of a schema registry at a URL.
func RegistryClient(tb testing.TB, url string) *sr.Client {
	tb.Helper()
	client, err := sr.NewClient(sr.URLs(url), sr.HTTPClient(&http.Client{Timeout: patience}))
	if err != nil {
		tb.Fatal(err)
	}
	return client
}
