// Package fakekinesis is a small Amazon Kinesis for tests: its streams take a while to change, and it refuses what AWS
// refuses about that. It knows no records.
package fakekinesis

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
)

// Stream is a stream of the fake. Looks is how often it is looked at before it is active.
type Stream struct {
	Mode      string
	Shards    int
	Hours     int
	Key       string
	Tags      map[string]string
	Consumers []string
	Looks     int
}

// Fake is a running fake.
type Fake struct {
	// URL is its endpoint.
	URL string

	mu      sync.Mutex
	streams map[string]*Stream
	looks   int
	limit   int
}

// Start starts a fake whose streams are looked at so often before a change of theirs is done.
func Start(tb testing.TB, looks int) *Fake {
	tb.Helper()
	f := &Fake{streams: map[string]*Stream{}, looks: looks, limit: 500}
	server := httptest.NewServer(f)
	tb.Cleanup(server.Close)
	f.URL = server.URL
	return f
}

// Change changes a stream from outside; the function gets nil where there is none. Answering nil deletes it.
func (f *Fake) Change(name string, change func(*Stream) *Stream) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if changed := change(f.streams[name]); changed != nil {
		f.streams[name] = changed
		return
	}
	delete(f.streams, name)
}

// request has the fields of all requests.
type request struct {
	StreamName               string
	StreamARN                string
	ExclusiveStartStreamName string
	ShardCount               int
	TargetShardCount         int
	RetentionPeriodHours     int
	KeyId                    string
	StreamModeDetails        struct{ StreamMode string }
	Tags                     map[string]string
	TagKeys                  []string
}

const arnPrefix = "arn:aws:kinesis:eu-central-1:123456789012:stream/"

func (f *Fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	var in request
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		refuse(w, "SerializationException", err.Error())
		return
	}
	if in.StreamName == "" {
		in.StreamName = strings.TrimPrefix(in.StreamARN, arnPrefix)
	}
	_, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	switch operation {
	case "ListStreams":
		answer(w, f.list(in))
		return
	case "DescribeLimits":
		answer(w, map[string]any{"ShardLimit": f.limit, "OpenShardCount": f.open(), "OnDemandStreamCount": 0, "OnDemandStreamCountLimit": 50})
		return
	case "CreateStream":
		f.create(w, in)
		return
	}
	if st := f.streams[in.StreamName]; st != nil {
		f.onStream(w, operation, in, st)
		return
	}
	refuse(w, "ResourceNotFoundException", "Stream "+in.StreamName+" under account 123456789012 not found.")
}

func (f *Fake) list(in request) map[string]any {
	names := slices.DeleteFunc(slices.Sorted(maps.Keys(f.streams)), func(name string) bool { return name <= in.ExclusiveStartStreamName })
	summaries := []map[string]any{}
	for _, name := range names {
		summaries = append(summaries, map[string]any{"StreamName": name, "StreamARN": arnPrefix + name, "StreamStatus": "ACTIVE"})
	}
	return map[string]any{"StreamNames": names, "StreamSummaries": summaries, "HasMoreStreams": false}
}

func (f *Fake) open() int {
	open := 0
	for _, st := range f.streams {
		open += st.Shards
	}
	return open
}

func (f *Fake) create(w http.ResponseWriter, in request) {
	if f.streams[in.StreamName] != nil {
		refuse(w, "ResourceInUseException", "Stream "+in.StreamName+" under account 123456789012 already exists.")
		return
	}
	st := &Stream{Mode: in.StreamModeDetails.StreamMode, Shards: in.ShardCount, Hours: 24, Tags: map[string]string{}, Looks: f.looks}
	if st.Mode == "ON_DEMAND" {
		st.Shards = 4
	}
	f.streams[in.StreamName] = st
	answer(w, struct{}{})
}

func (f *Fake) onStream(w http.ResponseWriter, operation string, in request, st *Stream) {
	switch operation {
	case "DescribeStreamSummary":
		answer(w, describe(in.StreamName, st))
		return
	case "ListTagsForStream":
		answer(w, map[string]any{"Tags": tagList(st.Tags), "HasMoreTags": false})
		return
	case "ListStreamConsumers":
		consumers := []map[string]any{}
		for _, name := range st.Consumers {
			consumers = append(consumers, map[string]any{"ConsumerName": name, "ConsumerStatus": "ACTIVE", "ConsumerARN": arnPrefix + in.StreamName + "/consumer/" + name, "ConsumerCreationTimestamp": 1.7e9})
		}
		answer(w, map[string]any{"Consumers": consumers})
		return
	}
	if st.Looks > 0 {
		refuse(w, "ResourceInUseException", "Stream "+in.StreamName+" under account 123456789012 not ACTIVE.")
		return
	}
	if problem := f.change(operation, in, st); problem != "" {
		refuse(w, "InvalidArgumentException", problem)
		return
	}
	answer(w, struct{}{})
}

func (f *Fake) change(operation string, in request, st *Stream) string {
	if !strings.HasSuffix(operation, "TagsToStream") && !strings.HasSuffix(operation, "TagsFromStream") {
		st.Looks = f.looks
	}
	switch operation {
	case "DeleteStream":
		delete(f.streams, in.StreamName)
	case "UpdateStreamMode":
		st.Mode = in.StreamModeDetails.StreamMode
	case "UpdateShardCount":
		if in.TargetShardCount > 2*st.Shards || 2*in.TargetShardCount < st.Shards {
			return "UpdateShardCount goes at most to the double or to the half"
		}
		st.Shards = in.TargetShardCount
	case "IncreaseStreamRetentionPeriod", "DecreaseStreamRetentionPeriod":
		if (in.RetentionPeriodHours > st.Hours) != (operation == "IncreaseStreamRetentionPeriod") {
			return "the retention is on the other side"
		}
		st.Hours = in.RetentionPeriodHours
	case "StartStreamEncryption":
		st.Key = in.KeyId
	case "StopStreamEncryption":
		st.Key = ""
	case "AddTagsToStream":
		maps.Copy(st.Tags, in.Tags)
	case "RemoveTagsFromStream":
		maps.DeleteFunc(st.Tags, func(key, _ string) bool { return slices.Contains(in.TagKeys, key) })
	default:
		return operation + " is not there"
	}
	return ""
}

func describe(name string, st *Stream) map[string]any {
	status := "ACTIVE"
	if st.Looks > 0 {
		st.Looks--
		status = "UPDATING"
	}
	summary := map[string]any{
		"StreamName": name, "StreamARN": arnPrefix + name, "StreamStatus": status, "OpenShardCount": st.Shards, "RetentionPeriodHours": st.Hours,
		"StreamCreationTimestamp": 1.7e9, "EnhancedMonitoring": []any{}, "EncryptionType": "NONE", "ConsumerCount": len(st.Consumers), "StreamModeDetails": map[string]any{"StreamMode": st.Mode},
	}
	if st.Key != "" {
		summary["EncryptionType"], summary["KeyId"] = "KMS", st.Key
	}
	return map[string]any{"StreamDescriptionSummary": summary}
}

func tagList(tags map[string]string) []map[string]string {
	list := []map[string]string{}
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		list = append(list, map[string]string{"Key": key, "Value": tags[key]})
	}
	return list
}

func answer(w http.ResponseWriter, body any) { _ = json.NewEncoder(w).Encode(body) }

func refuse(w http.ResponseWriter, code, message string) {
	w.WriteHeader(http.StatusBadRequest)
	_ = json.NewEncoder(w).Encode(map[string]string{"__type": code, "message": message})
}
