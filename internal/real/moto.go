package real

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"strconv"
	"testing"
)

const motoVersion = "5.2.5"

// Moto is a running fake of AWS: Kinesis, Glue, S3, STS, IAM and more at one URL, all in memory. It accepts any
// credentials.
type Moto struct {
	dir     workDir
	ports   *portSet
	process *process
}

// Region is a region that Moto answers for; it answers for all.
const Region = "eu-central-1"

// StartMoto starts a fake AWS and waits until it answers. The context bounds the start only. When the start fails other
// than by cancellation, its folder is kept, and the error names the log in it.
func StartMoto(ctx context.Context) (*Moto, error) {
	python, err := NewPython(ctx, "moto", "moto[server]=="+motoVersion)
	if err != nil {
		return nil, fmt.Errorf("prepare moto: %w", err)
	}
	dir, err := newWorkDir("", "moto")
	if err != nil {
		return nil, err
	}
	ports, err := reservePorts(ctx, 1)
	if err != nil {
		return nil, errors.Join(err, dir.remove())
	}
	m := &Moto{dir: dir, ports: ports}
	if err := m.start(ctx, python); err != nil {
		if !errors.Is(ctx.Err(), context.Canceled) {
			m.KeepDir()
		}
		return nil, errors.Join(err, m.Close())
	}
	return m, nil
}

func (m *Moto) start(ctx context.Context, python *Python) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()

	argv := append(python.Script("moto_server"), "-H", "127.0.0.1", "-p", strconv.Itoa(m.ports.numbers[0]))
	p, err := startProcess("moto", m.dir.path, filepath.Join(m.dir.path, "moto.log"), argv...)
	if err != nil {
		return err
	}
	m.process = p

	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	return p.waitReady(ctx, func(ctx context.Context) error {
		return answersOK(ctx, client, m.URL()+"/moto-api/data.json")
	})
}

// DedicatedMoto starts a fake AWS for this test alone and closes it at the test's end. Like [Shared] it skips or fails
// the test when no real systems were asked for.
func DedicatedMoto(tb testing.TB) *Moto {
	tb.Helper()
	return dedicated(tb, "moto", StartMoto)
}

// URL is the endpoint of every service.
func (m *Moto) URL() string {
	return "http://" + loopback(m.ports.numbers[0])
}

// Dir returns the folder with the log.
func (m *Moto) Dir() string {
	return m.dir.path
}

// KeepDir makes Close leave the folder behind, to look into a failure.
func (m *Moto) KeepDir() {
	m.dir.owned = false
}

// Close ends it, at once since its data goes with it, and removes its folder.
func (m *Moto) Close() error {
	if m.process != nil && m.process.running() {
		m.process.kill()
	}
	m.ports.release()
	return m.dir.remove()
}
