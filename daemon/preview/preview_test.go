package preview_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/avro"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sr"

	"github.com/headgate/terraform-provider-headgate/daemon/connection/connectiontest"
	"github.com/headgate/terraform-provider-headgate/daemon/connection/kafka"
	"github.com/headgate/terraform-provider-headgate/daemon/devkafka"
	"github.com/headgate/terraform-provider-headgate/daemon/preview"
	"github.com/headgate/terraform-provider-headgate/daemon/registry"
	"github.com/headgate/terraform-provider-headgate/daemon/schema"
	"github.com/headgate/terraform-provider-headgate/daemon/store"
	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/internal/real"
)

const conn = "main"

// env is what one test has: a service with one connection, and clients that go around it.
type env struct {
	t *testing.T
	*preview.Service
	servers  []string
	raw      *kgo.Client
	admin    *kadm.Client
	registry *sr.Client
}

func dev(t *testing.T, registryURL string) *env {
	t.Helper()
	c, err := devkafka.Start(t.Context(), devkafka.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return newEnv(t, c.BootstrapServers(), registryURL, confluent(registryURL))
}

func realKafka(t *testing.T) *env {
	t.Helper()
	systems := real.Shared(t)
	return newEnv(t, systems.Kafka.BootstrapServers(real.ListenerPlaintext), systems.Apicurio.CompatURL(), confluent(systems.Apicurio.CompatURL()))
}

// ownRegistry is the registry that the daemon has built in.
func ownRegistry(t *testing.T) string {
	t.Helper()
	st, err := store.OpenMemory(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Close() })
	server := httptest.NewServer(registry.New(st, slog.New(slog.DiscardHandler)).Handler())
	t.Cleanup(server.Close)
	return server.URL
}

// in is the same for a part of the test.
func (e *env) in(t *testing.T) *env {
	t.Helper()
	part := *e
	part.t = t
	return &part
}

// place is a registry as a connection names it.
type place struct{ kind, spec string }

func confluent(url string) place { return place{"schema_registry", fmt.Sprintf(`{"url":%q}`, url)} }

// newEnv has records written with a registry by its compatible API, and read by way of a connection to it.
func newEnv(t *testing.T, servers []string, registryURL string, through place) *env {
	t.Helper()
	st, err := store.OpenMemory(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Close() })
	conns := connectiontest.New(t, st)
	admins := kafka.NewAdmins()
	t.Cleanup(admins.Close)
	raw, err := kgo.NewClient(kgo.SeedBrokers(servers...), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(raw.Close)
	client := real.RegistryClient(t, registryURL)
	put := func(name, kind, spec string) {
		if _, err := conns.Put(t.Context(), name, api.ConnectionWrite{Kind: kind, Spec: []byte(spec), Test: new(false)}, api.WriteOptions{}, ""); err != nil {
			t.Fatal(err)
		}
	}
	put("registry", through.kind, through.spec)
	put(conn, "kafka", fmt.Sprintf(`{"bootstrap_servers":["%s"],"security_protocol":"PLAINTEXT","schema_registry":"registry"}`, strings.Join(servers, `","`)))
	log := slog.New(slog.DiscardHandler)
	schemas := schema.New(st, conns, log)
	t.Cleanup(schemas.Close)
	return &env{t: t, Service: preview.New(conns, admins, schemas, log), servers: servers, raw: raw, admin: kadm.NewClient(raw), registry: client}
}

func (e *env) create(t *testing.T, partitions int32, configs map[string]*string) string {
	t.Helper()
	name := real.Name(t)
	real.CreateTopic(t, e.raw, partitions, 1, configs, name)
	return name
}

func (e *env) produce(t *testing.T, records ...*kgo.Record) {
	t.Helper()
	if err := e.raw.ProduceSync(t.Context(), records...).FirstErr(); err != nil {
		t.Fatal(err)
	}
}

func (e *env) preview(t *testing.T, topic string, last int) *api.Preview {
	t.Helper()
	got, err := e.Preview(t.Context(), conn, topic, api.PreviewOptions{Last: last})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func values(p *api.Preview) string {
	var all []string
	for _, r := range p.Records {
		if r.Value == nil {
			all = append(all, "null")
			continue
		}
		all = append(all, *r.Value)
	}
	return strings.Join(all, " ")
}

func TestPreview(t *testing.T) {
	e := dev(t, ownRegistry(t))
	for name, test := range tests() {
		t.Run(name, func(t *testing.T) { test(e.in(t)) })
	}
}

func TestRealPreview(t *testing.T) {
	e := realKafka(t)
	for name, test := range tests() {
		t.Run(name, func(t *testing.T) { test(e.in(t)) })
	}
}

// Apicurio's own API answers the schemas that were registered by its compatible one.
func TestRealPreviewByApicurio(t *testing.T) {
	systems := real.Shared(t)
	own := place{"apicurio", fmt.Sprintf(`{"url":%q}`, systems.Apicurio.URL()+"/apis/registry/v3")}
	e := newEnv(t, systems.Kafka.BootstrapServers(real.ListenerPlaintext), systems.Apicurio.CompatURL(), own)
	t.Run("avro", func(t *testing.T) { testAvro(e.in(t)) })
	t.Run("protobuf", func(t *testing.T) { testProtobuf(e.in(t)) })
}

func tests() map[string]func(e *env) {
	return map[string]func(e *env){
		"newest":       testNewest,
		"empty":        testEmpty,
		"formats":      testFormats,
		"avro":         testAvro,
		"transactions": testTransactions,
		"bytes":        testBytes,
		"refusals":     testRefusals,
		"forward":      testForward,
		"key":          testKey,
		"decode":       testDecode,
		"protobuf":     testProtobuf,
	}
}

// The newest records are those of the latest timestamps, wherever they are.
func testNewest(e *env) {
	t := e.t
	topic := e.create(t, 4, nil)
	begin := time.Now().Add(-time.Hour)
	var records []*kgo.Record
	for i := range 400 {
		// Partition 3 has the newest 100, the others take turns; partition 0 has none.
		partition := int32(1 + i%2)
		if i >= 300 {
			partition = 3
		}
		records = append(records, &kgo.Record{Topic: topic, Partition: partition, Timestamp: begin.Add(time.Duration(i) * time.Second), Value: fmt.Append(nil, i)})
	}
	e.produce(t, records...)
	for _, last := range []int{1, 10, 99, 150, 400, 1000} {
		got := e.preview(t, topic, last)
		var want []string
		for i := max(0, 400-last); i < 400; i++ {
			want = append(want, fmt.Sprint(i))
		}
		if values(got) != strings.Join(want, " ") || got.Truncated {
			t.Errorf("the last %d are %s", last, values(got))
		}
	}
	if got := e.preview(t, topic, 0); len(got.Records) != 10 {
		t.Errorf("by default there are %d records, want 10", len(got.Records))
	}
}

func testEmpty(e *env) {
	t := e.t
	if got := e.preview(t, e.create(t, 3, nil), 10); got.Records == nil || len(got.Records) != 0 || got.Truncated {
		t.Errorf("an empty topic shows as %+v", got)
	}
}

func testFormats(e *env) {
	t := e.t
	topic := e.create(t, 1, nil)
	e.produce(t, &kgo.Record{Topic: topic, Key: []byte("k"), Value: []byte(`{"a":1}`), Headers: []kgo.RecordHeader{{Key: "h", Value: []byte("v")}, {Key: "b", Value: []byte{0xff}}}},
		&kgo.Record{Topic: topic, Value: []byte("plain text\nof two lines")},
		&kgo.Record{Topic: topic, Value: []byte{0, 1, 2, 3, 4, 5}},
		&kgo.Record{Topic: topic, Key: []byte{}, Value: nil},
		&kgo.Record{Topic: topic, Value: []byte("bell\a")})
	got := e.preview(t, topic, 10)
	type row struct{ key, keyFormat, value, format string }
	var rows []row
	for _, r := range got.Records {
		rows = append(rows, row{text(r.Key), r.KeyFormat, text(r.Value), r.Format})
	}
	want := []row{
		{"k", "text", `{"a":1}`, "json"},
		{"-", "null", "plain text\nof two lines", "text"},
		{"-", "null", "000102030405", "hex"},
		{"", "text", "-", "null"},
		{"-", "null", "62656c6c07", "hex"},
	}
	if !slices.Equal(rows, want) {
		t.Errorf("got %q, want %q", rows, want)
	}
	headers := []api.RecordHeader{{Key: "h", Value: "v"}, {Key: "b", Value: "ff"}}
	if !slices.Equal(got.Records[0].Headers, headers) {
		t.Errorf("headers are %v", got.Records[0].Headers)
	}
}

func text(s *string) string {
	if s == nil {
		return "-"
	}
	return *s
}

func testAvro(e *env) {
	t := e.t
	subject := real.Name(t)
	address := sr.Schema{Schema: `{"type":"record","name":"Address","namespace":"x","fields":[{"name":"city","type":"string"}]}`}
	referred, err := e.registry.CreateSchema(t.Context(), subject+"-address", address)
	if err != nil {
		t.Fatal(err)
	}
	person := sr.Schema{
		Schema:     `{"type":"record","name":"Person","namespace":"x","fields":[{"name":"name","type":"string"},{"name":"home","type":["null","Address"]}]}`,
		References: []sr.SchemaReference{{Name: "x.Address", Subject: referred.Subject, Version: referred.Version}},
	}
	created, err := e.registry.CreateSchema(t.Context(), subject, person)
	if err != nil {
		t.Fatal(err)
	}
	var cache avro.SchemaCache
	if _, err := cache.Parse(address.Schema); err != nil {
		t.Fatal(err)
	}
	schema, err := cache.Parse(person.Schema)
	if err != nil {
		t.Fatal(err)
	}
	payload, err := schema.Encode(map[string]any{"name": "Ada", "home": map[string]any{"city": "London"}})
	if err != nil {
		t.Fatal(err)
	}
	topic := e.create(t, 1, nil)
	e.produce(t,
		&kgo.Record{Topic: topic, Value: wire(created.ID, payload)},
		&kgo.Record{Topic: topic, Value: wire(created.ID, payload[:3])},
		&kgo.Record{Topic: topic, Value: wire(2_000_000_000, payload)})
	got := e.preview(t, topic, 10)
	if want := `{"name":"Ada","home":{"x.Address":{"city":"London"}}}`; got.Records[0].Format != "avro" || text(got.Records[0].Value) != want {
		t.Errorf("got %s as %s, want %s", text(got.Records[0].Value), got.Records[0].Format, want)
	}
	for i, what := range map[int]string{1: "a cut record", 2: "an unknown id"} {
		if got.Records[i].Format != "hex" {
			t.Errorf("%s shows as %s", what, got.Records[i].Format)
		}
	}
	if len(got.Notes) != 1 || !strings.Contains(got.Notes[0], "Schema 2000000000 could not be used") {
		t.Errorf("the notes are %v", got.Notes)
	}
}

func wire(id int, payload []byte) []byte {
	return append(binary.BigEndian.AppendUint32([]byte{0}, uint32(id)), payload...)
}

// Records of transactions that are aborted or not finished do not show, and their gaps do not hide older ones.
func testTransactions(e *env) {
	t := e.t
	topic := e.create(t, 1, nil)
	e.produce(t, &kgo.Record{Topic: topic, Value: []byte("before")})
	client, err := kgo.NewClient(kgo.SeedBrokers(e.servers...), kgo.TransactionalID(topic), kgo.DefaultProduceTopic(topic))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	for _, end := range []kgo.TransactionEndTry{kgo.TryCommit, kgo.TryAbort} {
		if err := client.BeginTransaction(); err != nil {
			t.Fatal(err)
		}
		for range 20 {
			client.Produce(t.Context(), &kgo.Record{Value: fmt.Append(nil, end)}, nil)
		}
		if err := client.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := client.EndTransaction(t.Context(), end); err != nil {
			t.Fatal(err)
		}
	}
	if err := client.BeginTransaction(); err != nil {
		t.Fatal(err)
	}
	if err := client.ProduceSync(t.Context(), &kgo.Record{Value: []byte("open")}).FirstErr(); err != nil {
		t.Fatal(err)
	}
	got := e.preview(t, topic, 21)
	want := "before" + strings.Repeat(fmt.Sprintf(" %v", kgo.TryCommit), 20)
	if values(got) != want || got.Truncated {
		t.Errorf("got %s, want %s", values(got), want)
	}
	if err := client.EndTransaction(t.Context(), kgo.TryAbort); err != nil {
		t.Fatal(err)
	}
}

// Of large records only as many show as the limit lets through, and these are the newest.
func testBytes(e *env) {
	t := e.t
	topic := e.create(t, 1, nil)
	large := strings.Repeat("x", 900_000)
	for i := range 20 {
		e.produce(t, &kgo.Record{Topic: topic, Value: fmt.Appendf(nil, "%02d%s", i, large)})
	}
	got := e.preview(t, topic, 100)
	if !got.Truncated || len(got.Records) < 3 || len(got.Records) > 9 {
		t.Fatalf("%d records, truncated: %v", len(got.Records), got.Truncated)
	}
	for i, r := range got.Records {
		if want := fmt.Sprintf("%02d", 20-len(got.Records)+i); (*r.Value)[:2] != want {
			t.Errorf("record %d is %s, want %s", i, (*r.Value)[:2], want)
		}
	}
}

func (e *env) look(t *testing.T, topic string, opts api.PreviewOptions) *api.Preview {
	t.Helper()
	got, err := e.Preview(t.Context(), conn, topic, opts)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// From an offset or a time on, the earliest come first; aborted records and markers are never among them.
func testForward(e *env) {
	t := e.t
	topic := e.create(t, 2, nil)
	begin := time.Now().Add(-time.Hour).Truncate(time.Second)
	var records []*kgo.Record
	for i := range 100 {
		records = append(records, &kgo.Record{Topic: topic, Partition: int32(i % 2), Timestamp: begin.Add(time.Duration(i) * time.Second), Value: fmt.Append(nil, i)})
	}
	e.produce(t, records...)
	at := func(seconds int) *time.Time { return new(begin.Add(time.Duration(seconds) * time.Second)) }
	for name, tt := range map[string]struct {
		opts  api.PreviewOptions
		want  string
		notes int
	}{
		"offset":                {api.PreviewOptions{FromOffset: new(int64(10)), Limit: 3}, "20 21 22", 0},
		"offset of a partition": {api.PreviewOptions{FromOffset: new(int64(10)), Limit: 3, Partition: new(int32(1))}, "21 23 25", 0},
		"the last ones":         {api.PreviewOptions{FromOffset: new(int64(48)), Limit: 100}, "96 97 98 99", 0},
		"after the end":         {api.PreviewOptions{FromOffset: new(int64(50))}, "", 2},
		"by default ten":        {api.PreviewOptions{FromOffset: new(int64(0))}, "0 1 2 3 4 5 6 7 8 9", 0},
		"time":                  {api.PreviewOptions{FromTime: at(31), Limit: 2}, "31 32", 0},
		"time of a partition":   {api.PreviewOptions{FromTime: at(31), Limit: 2, Partition: new(int32(0))}, "32 34", 0},
		"later than all":        {api.PreviewOptions{FromTime: at(1000)}, "", 0},
		"newest of a partition": {api.PreviewOptions{Last: 2, Partition: new(int32(0))}, "96 98", 0},
	} {
		got := e.look(t, topic, tt.opts)
		if values(got) != tt.want || got.Truncated || len(got.Notes) != tt.notes {
			t.Errorf("%s: got %q, truncated %v, notes %v, want %q", name, values(got), got.Truncated, got.Notes, tt.want)
		}
	}
	var gone kadm.Offsets
	gone.Add(kadm.Offset{Topic: topic, Partition: 0, At: 20})
	if _, err := e.admin.DeleteRecords(t.Context(), gone); err != nil {
		t.Fatal(err)
	}
	got := e.look(t, topic, api.PreviewOptions{FromOffset: new(int64(5)), Limit: 1, Partition: new(int32(0))})
	if values(got) != "40" || len(got.Notes) != 1 || !strings.Contains(got.Notes[0], "begins at offset 20") {
		t.Errorf("got %q, notes %v", values(got), got.Notes)
	}
	for _, tt := range []struct {
		opts      api.PreviewOptions
		attribute string
	}{
		{api.PreviewOptions{FromOffset: new(int64(1)), FromTime: at(0)}, "/from_time"},
		{api.PreviewOptions{FromOffset: new(int64(1)), Last: 1}, "/last"},
		{api.PreviewOptions{Limit: 1}, "/limit"},
		{api.PreviewOptions{FromOffset: new(int64(0)), Limit: 1001}, "/limit"},
		{api.PreviewOptions{Partition: new(int32(2))}, "/partition"},
		{api.PreviewOptions{Decode: "guess"}, "/decode"},
	} {
		_, err := e.Preview(t.Context(), conn, topic, tt.opts)
		var refused *api.Error
		if !errors.As(err, &refused) || refused.Attribute != tt.attribute {
			t.Errorf("%+v: %v", tt.opts, err)
		}
	}
}

// A key is looked for in all of the topic, by its bytes or as it is shown; a record without a key never has it.
func testKey(e *env) {
	t := e.t
	topic := e.create(t, 2, nil)
	var records []*kgo.Record
	for i := range 500 {
		r := &kgo.Record{Topic: topic, Partition: int32(i % 2), Timestamp: time.Now().Add(time.Duration(i-500) * time.Second), Key: fmt.Append(nil, "k", i%50), Value: fmt.Append(nil, i)}
		if i == 7 {
			r.Key = []byte{0xff, 0}
		}
		if i == 8 {
			r.Key = nil
		}
		records = append(records, r)
	}
	e.produce(t, records...)
	for name, tt := range map[string]struct {
		opts api.PreviewOptions
		want string
	}{
		"newest":  {api.PreviewOptions{Key: new("k3"), Last: 3}, "353 403 453"},
		"all":     {api.PreviewOptions{Key: new("k3"), Last: 1000}, "3 53 103 153 203 253 303 353 403 453"},
		"forward": {api.PreviewOptions{Key: new("k3"), FromOffset: new(int64(100)), Limit: 2}, "203 253"},
		"as hex":  {api.PreviewOptions{Key: new("ff00")}, "7"},
		"none":    {api.PreviewOptions{Key: new("nothing")}, ""},
		"no key":  {api.PreviewOptions{Key: new("null")}, ""},
	} {
		if got := e.look(t, topic, tt.opts); values(got) != tt.want || got.Truncated {
			t.Errorf("%s: got %q, truncated %v, want %q", name, values(got), got.Truncated, tt.want)
		}
	}
}

func testDecode(e *env) {
	t := e.t
	topic := e.create(t, 1, nil)
	e.produce(t, &kgo.Record{Topic: topic, Value: []byte(`{"a":1}`)}, &kgo.Record{Topic: topic, Key: []byte("k"), Value: []byte("plain")}, &kgo.Record{Topic: topic, Value: []byte{0xff}}, &kgo.Record{Topic: topic})
	for decode, want := range map[string]string{
		"":         "json,text,hex,null",
		"auto":     "json,text,hex,null",
		"json":     "json,hex,hex,null",
		"text":     "text,text,hex,null",
		"hex":      "hex,hex,hex,null",
		"registry": "hex,hex,hex,null",
	} {
		got := e.look(t, topic, api.PreviewOptions{Decode: decode, DecodeKey: "hex"})
		var formats []string
		for _, r := range got.Records {
			formats = append(formats, r.Format)
		}
		if strings.Join(formats, ",") != want {
			t.Errorf("decoded as %q they are %v, want %s", decode, formats, want)
		}
		if key := got.Records[1].Key; key == nil || *key != "6b" || got.Records[0].Key != nil {
			t.Errorf("the keys are %v and %v", got.Records[0].Key, key)
		}
	}
}

func testProtobuf(e *env) {
	t := e.t
	subject := real.Name(t)
	money := sr.Schema{Type: sr.TypeProtobuf, Schema: "syntax = \"proto3\";\npackage shop;\nmessage Money { int64 cents = 1; }\n"}
	referred, err := e.registry.CreateSchema(t.Context(), subject+"-money", money)
	if err != nil {
		t.Fatal(err)
	}
	order := sr.Schema{
		Type: sr.TypeProtobuf,
		Schema: "syntax = \"proto3\";\npackage shop;\nimport \"money.proto\";\nmessage Other { string x = 1; }\n" +
			"message Outer { message Order { string id = 1; Money total = 2; } }\n",
		References: []sr.SchemaReference{{Name: "money.proto", Subject: referred.Subject, Version: referred.Version}},
	}
	created, err := e.registry.CreateSchema(t.Context(), subject, order)
	if err != nil {
		t.Fatal(err)
	}
	// Outer is the second message, Order the first in it: two zigzag indexes, their number before them.
	content := append([]byte{4, 2, 0}, 0x0a, 2, 'o', '1', 0x12, 2, 0x08, 42)
	other := append([]byte{0}, 0x0a, 1, 'y') // 0 stands for the first message
	topic := e.create(t, 1, nil)
	e.produce(t,
		&kgo.Record{Topic: topic, Value: wire(created.ID, content)},
		&kgo.Record{Topic: topic, Value: wire(created.ID, other)},
		&kgo.Record{Topic: topic, Value: wire(created.ID, []byte{2, 18})})
	got := e.preview(t, topic, 10)
	for i, want := range []string{`{"id":"o1","total":{"cents":"42"}}`, `{"x":"y"}`} {
		if got.Records[i].Format != "protobuf" || text(got.Records[i].Value) != want {
			t.Errorf("got %s as %s, want %s; notes %v", text(got.Records[i].Value), got.Records[i].Format, want, got.Notes)
		}
	}
	if got.Records[2].Format != "hex" {
		t.Errorf("a message that the schema does not have shows as %s", got.Records[2].Format)
	}
}

func testRefusals(e *env) {
	t := e.t
	topic := e.create(t, 1, nil)
	for _, test := range []struct {
		connection, topic string
		last              int
		code, attribute   string
	}{
		{"nowhere", topic, 1, api.CodeNotFound, "/connection"},
		{"registry", topic, 1, api.CodeInvalid, "/connection"},
		{conn, topic + "-not", 1, api.CodeNotFound, ""},
		{conn, "a b", 1, api.CodeNotFound, ""},
		{conn, topic, -1, api.CodeInvalid, "/last"},
		{conn, topic, 1001, api.CodeInvalid, "/last"},
	} {
		_, err := e.Preview(t.Context(), test.connection, test.topic, api.PreviewOptions{Last: test.last})
		var got *api.Error
		if !errors.As(err, &got) || got.Code != test.code || got.Attribute != test.attribute {
			t.Errorf("%+v: got %v", test, err)
		}
	}
}

// Compaction leaves gaps: what is asked for lies further back than the offsets say.
func TestRealCompacted(t *testing.T) {
	e := realKafka(t)
	set := func(s string) *string { return &s }
	topic := e.create(t, 1, map[string]*string{
		"cleanup.policy": set("compact"), "min.cleanable.dirty.ratio": set("0.001"), "segment.ms": set("100"), "max.compaction.lag.ms": set("100"), "delete.retention.ms": set("1"),
	})
	e.produce(t, &kgo.Record{Topic: topic, Key: []byte("first"), Value: []byte("first")})
	for range 3000 {
		e.raw.Produce(t.Context(), &kgo.Record{Topic: topic, Key: []byte("same"), Value: []byte("same")}, nil)
	}
	if err := e.raw.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	deadline := time.Now().Add(45 * time.Second)
	for time.Now().Before(deadline) && e.count(t, topic) > 10 {
		time.Sleep(500 * time.Millisecond)
		e.produce(t, &kgo.Record{Topic: topic, Key: []byte("same"), Value: []byte("same")}) // rolls the segment
	}
	if n := e.count(t, topic); n > 10 {
		t.Skipf("the broker did not compact in time: %d records are left", n)
	}
	got := e.preview(t, topic, 1000)
	if len(got.Records) == 0 || text(got.Records[0].Value) != "first" || got.Truncated {
		t.Errorf("got %s", values(got))
	}
}

func (e *env) count(t *testing.T, topic string) int {
	t.Helper()
	ends, err := e.admin.ListEndOffsets(t.Context(), topic)
	if err != nil {
		t.Fatal(err)
	}
	end, _ := ends.Lookup(topic, 0)
	client, err := kgo.NewClient(kgo.SeedBrokers(e.servers...), kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: {0: kgo.NewOffset().AtStart()}}))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	for n := 0; ; {
		for _, r := range client.PollFetches(t.Context()).Records() {
			if n++; r.Offset >= end.Offset-1 {
				return n
			}
		}
	}
}

// What schemas refer to is read once, however many of them the records were written with.
func TestReferencesAreReadOnce(t *testing.T) {
	own, err := url.Parse(ownRegistry(t))
	if err != nil {
		t.Fatal(err)
	}
	var reads atomic.Int64
	proxy := httputil.NewSingleHostReverseProxy(own)
	counted := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet && strings.HasPrefix(r.URL.Path, "/subjects/part") {
			reads.Add(1)
		}
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(counted.Close)
	e := dev(t, counted.URL)
	register := func(subject, text string, references ...sr.SchemaReference) sr.SubjectSchema {
		t.Helper()
		created, err := e.registry.CreateSchema(t.Context(), subject, sr.Schema{Schema: text, References: references})
		if err != nil {
			t.Fatal(err)
		}
		return created
	}
	inner := register("part-inner", `{"type":"record","name":"Inner","fields":[{"name":"n","type":"string"}]}`)
	outer := register("part-outer", `{"type":"record","name":"Outer","fields":[{"name":"inner","type":"Inner"}]}`, sr.SchemaReference{Name: "Inner", Subject: inner.Subject, Version: inner.Version})
	topic := e.create(t, 1, nil)
	for n := range 4 {
		whole := register(fmt.Sprint("whole-", n), fmt.Sprintf(`{"type":"record","name":"Whole%d","fields":[{"name":"outer","type":"Outer"}]}`, n), sr.SchemaReference{Name: "Outer", Subject: outer.Subject, Version: outer.Version})
		for range 5 {
			e.produce(t, &kgo.Record{Topic: topic, Value: wire(whole.ID, []byte{2, 'x'})})
		}
	}
	reads.Store(0)
	got := e.preview(t, topic, 100)
	if len(got.Records) != 20 || len(got.Notes) > 0 || text(got.Records[0].Value) != `{"outer":{"inner":{"n":"x"}}}` {
		t.Errorf("got %s, %v", values(got), got.Notes)
	}
	if n := reads.Load(); n != 2 {
		t.Errorf("%d reads of the 2 schemas that are referred to", n)
	}
}

// A registry that is down costs the decoding, and not the preview.
func TestRegistryDown(t *testing.T) {
	refusing := httptest.NewServer(http.NotFoundHandler())
	refusing.Close()
	release := make(chan struct{})
	hanging := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-release:
		case <-r.Context().Done():
		}
	}))
	defer hanging.Close()
	defer close(release)
	for name, url := range map[string]string{"refusing": refusing.URL, "hanging": hanging.URL} {
		t.Run(name, func(t *testing.T) {
			e := dev(t, url)
			topic := e.create(t, 1, nil)
			for id := range 20 {
				e.produce(t, &kgo.Record{Topic: topic, Value: wire(id, []byte{1})})
			}
			e.produce(t, &kgo.Record{Topic: topic, Value: []byte("text")})
			got := e.preview(t, topic, 100)
			if len(got.Records) != 21 || got.Records[0].Format != "hex" || got.Records[20].Format != "text" {
				t.Errorf("got %s", values(got))
			}
		})
	}
}
