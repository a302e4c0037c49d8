package real

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"testing"
)

const motoVersion = "5.2.5"

// Region is a region that Moto answers for; it answers for all.
const Region = "eu-central-1"

// Moto is a running fake of AWS: Kinesis, Glue, S3, STS, IAM and more at one URL, all in memory. It accepts any
// credentials.
type Moto struct {
	*server
}

// StartMoto starts a fake AWS and waits until it answers. The context bounds the start only.
func StartMoto(ctx context.Context) (*Moto, error) {
	python, err := NewPython(ctx, "moto", "moto[server]=="+motoVersion)
	if err != nil {
		return nil, fmt.Errorf("prepare moto: %w", err)
	}
	s, err := newServer(ctx, "moto", 1)
	if err != nil {
		return nil, err
	}
	m := &Moto{server: s}
	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	ready := func(ctx context.Context) error { return answersOK(ctx, client, m.URL()+"/moto-api/data.json") }
	argv := append(python.Script("moto_server"), "-H", "127.0.0.1", "-p", strconv.Itoa(s.port(0)))
	if err := s.run(ctx, ready, argv...); err != nil {
		return nil, err
	}
	return m, nil
}

// DedicatedMoto starts a fake AWS for this test alone and closes it at the test's end. Like [Shared] it skips or fails
// the test when no real systems were asked for.
func DedicatedMoto(tb testing.TB) *Moto {
	tb.Helper()
	return dedicated(tb, "moto", StartMoto)
}

// URL is the endpoint of every service.
func (m *Moto) URL() string {
	return "http://" + loopback(m.port(0))
}
