package kafka_test

import (
	"crypto/tls"
	"encoding/binary"
	"io"
	"net"
	"slices"
	"strconv"
	"sync"
	"testing"

	"github.com/twmb/franz-go/pkg/kbin"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// saslBroker is a broker of one cluster that demands an authentication, and can do nothing else: what the vendors have
// where nobody else has their server. judge looks at each message of the exchange, and answers what is said back, or the
// message of the refusal.
type saslBroker struct {
	mechanism string
	judge     func(message []byte) (answer []byte, refusal string)
	rights    int32 // what the user may do with the cluster, as Metadata tells it

	address string
}

// start listens until the end of the test.
func (b *saslBroker) start(t *testing.T, cfg *tls.Config) string {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	must(t, err)
	b.address = listener.Addr().String()
	if cfg != nil {
		listener = tls.NewListener(listener, cfg)
	}
	var all sync.WaitGroup
	var mu sync.Mutex
	var open []net.Conn
	all.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			open = append(open, conn)
			mu.Unlock()
			all.Go(func() {
				b.serve(conn)
				_ = conn.Close()
			})
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		mu.Lock()
		for _, conn := range open {
			_ = conn.Close()
		}
		mu.Unlock()
		all.Wait()
	})
	return b.address
}

func (b *saslBroker) serve(conn net.Conn) {
	s := &saslSession{broker: b}
	for {
		req, correlation, err := readRequest(conn)
		if err != nil {
			return
		}
		resp := s.answer(req)
		if resp == nil {
			return // as a broker does with a client that is not authenticated
		}
		resp.SetVersion(req.GetVersion())
		frame := binary.BigEndian.AppendUint32(make([]byte, 4), correlation)
		if req.IsFlexible() && req.Key() != int16(kmsg.ApiVersions) {
			frame = append(frame, 0)
		}
		frame = resp.AppendTo(frame)
		binary.BigEndian.PutUint32(frame, uint32(len(frame)-4))
		if _, err := conn.Write(frame); err != nil {
			return
		}
	}
}

func readRequest(conn net.Conn) (kmsg.Request, uint32, error) {
	var size [4]byte
	if _, err := io.ReadFull(conn, size[:]); err != nil {
		return nil, 0, err
	}
	raw := make([]byte, binary.BigEndian.Uint32(size[:]))
	if _, err := io.ReadFull(conn, raw); err != nil {
		return nil, 0, err
	}
	body := kbin.Reader{Src: raw}
	req := kmsg.RequestForKey(body.Int16())
	req.SetVersion(body.Int16())
	correlation := uint32(body.Int32())
	body.NullableString()
	if req.IsFlexible() {
		body.Uvarint()
	}
	if err := body.Complete(); err != nil {
		return nil, 0, err
	}
	return req, correlation, req.ReadFrom(body.Src)
}

type saslSession struct {
	broker        *saslBroker
	authenticated bool
}

func (s *saslSession) answer(req kmsg.Request) kmsg.Response {
	switch req := req.(type) {
	case *kmsg.ApiVersionsRequest:
		resp := req.ResponseKind().(*kmsg.ApiVersionsResponse)
		for key, versions := range map[kmsg.Key][2]int16{kmsg.ApiVersions: {0, 3}, kmsg.SASLHandshake: {1, 1}, kmsg.SASLAuthenticate: {0, 2}, kmsg.Metadata: {0, 12}, kmsg.DescribeACLs: {1, 3}} {
			resp.ApiKeys = append(resp.ApiKeys, kmsg.ApiVersionsResponseApiKey{ApiKey: int16(key), MinVersion: versions[0], MaxVersion: versions[1]})
		}
		return resp
	case *kmsg.SASLHandshakeRequest:
		resp := req.ResponseKind().(*kmsg.SASLHandshakeResponse)
		if resp.SupportedMechanisms = []string{s.broker.mechanism}; !slices.Contains(resp.SupportedMechanisms, req.Mechanism) {
			resp.ErrorCode = kerr.UnsupportedSaslMechanism.Code
		}
		return resp
	case *kmsg.SASLAuthenticateRequest:
		resp := req.ResponseKind().(*kmsg.SASLAuthenticateResponse)
		answer, refusal := s.broker.judge(req.SASLAuthBytes)
		if resp.SASLAuthBytes = answer; refusal != "" {
			resp.ErrorCode, resp.ErrorMessage = kerr.SaslAuthenticationFailed.Code, new(refusal)
		}
		s.authenticated = refusal == ""
		return resp
	case *kmsg.DescribeACLsRequest:
		resp := req.ResponseKind().(*kmsg.DescribeACLsResponse)
		if s.broker.rights == 0 {
			resp.ErrorCode = kerr.ClusterAuthorizationFailed.Code
		}
		return resp
	case *kmsg.MetadataRequest:
		if !s.authenticated {
			return nil
		}
		resp := req.ResponseKind().(*kmsg.MetadataResponse)
		host, port, _ := net.SplitHostPort(s.broker.address)
		number, _ := strconv.Atoi(port)
		resp.Brokers = []kmsg.MetadataResponseBroker{{Host: host, Port: int32(number)}}
		resp.AuthorizedOperations = s.broker.rights
		return resp
	}
	return nil
}
