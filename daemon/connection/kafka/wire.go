package kafka

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// answerLimit bounds an answer during a test; whatever else listens on the port may send anything.
const answerLimit = 32 << 20

// errNotKafka says that the bytes that came back are not an answer of Kafka.
var errNotKafka = errors.New("the answer is not Kafka's")

// wire speaks single Kafka requests over one connection, so that a test can tell at which one the broker stops
// answering. Framing: kafka.apache.org/protocol, "Request and Response Headers".
type wire struct {
	conn        net.Conn
	formatter   *kmsg.RequestFormatter
	correlation int32
	versions    map[int16]int16 // what the broker speaks at most, by API key
}

func newWire(conn net.Conn) *wire {
	return &wire{conn: conn, formatter: kmsg.NewRequestFormatter(kmsg.FormatterClientID("headgate"))}
}

// apiVersions asks what the broker speaks. Every Kafka listener answers it, whether or not the client is authenticated.
func (w *wire) apiVersions(ctx context.Context) error {
	req := kmsg.NewPtrApiVersionsRequest() // version 0
	resp := kmsg.NewPtrApiVersionsResponse()
	if err := w.do(ctx, req, resp); err != nil {
		return err
	}
	w.versions = make(map[int16]int16, len(resp.ApiKeys))
	for _, k := range resp.ApiKeys {
		w.versions[k.ApiKey] = k.MaxVersion
	}
	return nil
}

// negotiate sets the newest version that both sides speak.
func (w *wire) negotiate(req kmsg.Request) {
	req.SetVersion(min(req.MaxVersion(), w.versions[req.Key()]))
}

func (w *wire) do(ctx context.Context, req kmsg.Request, resp kmsg.Response) error {
	deadline, ok := ctx.Deadline()
	if !ok {
		deadline = time.Now().Add(10 * time.Second)
	}
	if err := w.conn.SetDeadline(deadline); err != nil {
		return fmt.Errorf("set deadline: %w", err)
	}
	w.correlation++
	if _, err := w.conn.Write(w.formatter.AppendRequest(nil, req, w.correlation)); err != nil {
		return err
	}
	body, err := w.read()
	if err != nil {
		return err
	}
	resp.SetVersion(req.GetVersion())
	// A flexible answer has a tagged section in its header, except for ApiVersions (KIP-482, KIP-511).
	if req.IsFlexible() && req.Key() != int16(kmsg.ApiVersions) {
		if len(body) == 0 || body[0] != 0 {
			return errNotKafka
		}
		body = body[1:]
	}
	if err := resp.ReadFrom(body); err != nil {
		return errNotKafka
	}
	return nil
}

func (w *wire) read() ([]byte, error) {
	var header [8]byte
	if _, err := io.ReadFull(w.conn, header[:4]); err != nil {
		return nil, err
	}
	size := binary.BigEndian.Uint32(header[:4])
	if size < 4 || size > answerLimit {
		return nil, errNotKafka
	}
	if _, err := io.ReadFull(w.conn, header[4:]); err != nil {
		return nil, err
	}
	if got := binary.BigEndian.Uint32(header[4:]); got != uint32(w.correlation) { // #nosec G115 -- a counter of requests
		return nil, errNotKafka
	}
	body := make([]byte, size-4)
	_, err := io.ReadFull(w.conn, body)
	return body, err
}
