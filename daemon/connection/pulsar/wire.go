package pulsar

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/headgate/terraform-provider-headgate/daemon/connection/probe"
)

// Field numbers and values of PulsarApi.proto, of which a test needs no more than the first exchange.
const (
	commandType   = 1
	typeConnect   = 2
	typeConnected = 3
	typeError     = 14

	connectClientVersion   = 1
	connectAuthData        = 3
	connectProtocolVersion = 4
	connectAuthMethodName  = 5

	connectedServerVersion   = 1
	connectedProtocolVersion = 2

	errorCode    = 2
	errorMessage = 3

	authenticationError = 3
	authorizationError  = 4

	// ourProtocol is v19, which brokers from 2.10 on speak.
	ourProtocol = 19
	// largestAnswer bounds the answer to a connect.
	largestAnswer = 64 << 10
)

// connected is a broker's greeting.
type connected struct {
	server  string
	version uint64
}

// refusal is a broker's error.
type refusal struct {
	code    uint64
	message string
}

func (r *refusal) Error() string { return r.message }

// connect sends the first command of a connection and reads the answer.
func connect(ctx context.Context, conn net.Conn, method string, data []byte) (connected, error) {
	if deadline, ok := ctx.Deadline(); ok {
		if err := conn.SetDeadline(deadline); err != nil {
			return connected{}, fmt.Errorf("set deadline: %w", err)
		}
		defer func() { _ = conn.SetDeadline(time.Time{}) }()
	}
	_, unsent := conn.Write(connectFrame(method, data))
	answer, err := readCommand(conn)
	if unsent != nil && !probe.IsTLSAlert(err) { // whoever hangs up may have said why
		return connected{}, fmt.Errorf("send the first command: %w", unsent)
	}
	if err != nil {
		return connected{}, fmt.Errorf("read the answer to the first command: %w", err)
	}
	return greetingOf(answer)
}

func connectFrame(method string, data []byte) []byte {
	var c []byte
	c = protowire.AppendString(protowire.AppendTag(c, connectClientVersion, protowire.BytesType), "headgate")
	c = protowire.AppendBytes(protowire.AppendTag(c, connectAuthData, protowire.BytesType), data)
	c = protowire.AppendVarint(protowire.AppendTag(c, connectProtocolVersion, protowire.VarintType), ourProtocol)
	c = protowire.AppendString(protowire.AppendTag(c, connectAuthMethodName, protowire.BytesType), method)
	command := protowire.AppendVarint(protowire.AppendTag(nil, commandType, protowire.VarintType), typeConnect)
	command = protowire.AppendBytes(protowire.AppendTag(command, typeConnect, protowire.BytesType), c)
	size := uint32(len(command)) //#nosec G115 -- a token is no gigabyte
	frame := binary.BigEndian.AppendUint32(nil, size+4)
	return append(binary.BigEndian.AppendUint32(frame, size), command...)
}

var errNotPulsar = errors.New("the answer is not of Pulsar's protocol")

// readCommand reads one frame: two sizes, then the command.
func readCommand(conn net.Conn) ([]byte, error) {
	sizes := make([]byte, 8)
	if _, err := io.ReadFull(conn, sizes); err != nil {
		return nil, err
	}
	total, size := binary.BigEndian.Uint32(sizes), binary.BigEndian.Uint32(sizes[4:])
	if size > largestAnswer || total != size+4 {
		return nil, errNotPulsar
	}
	command := make([]byte, size)
	_, err := io.ReadFull(conn, command)
	return command, err
}

func greetingOf(command []byte) (connected, error) {
	fields, err := fieldsOf(command)
	if err != nil {
		return connected{}, err
	}
	switch fields[commandType].number {
	case typeConnected:
		greeting, err := fieldsOf(fields[typeConnected].bytes)
		return connected{server: string(greeting[connectedServerVersion].bytes), version: greeting[connectedProtocolVersion].number}, err
	case typeError:
		refused, err := fieldsOf(fields[typeError].bytes)
		if err != nil {
			return connected{}, err
		}
		return connected{}, &refusal{code: refused[errorCode].number, message: string(refused[errorMessage].bytes)}
	}
	return connected{}, errNotPulsar
}

// field is a value of a protobuf message, by its number.
type field struct {
	number uint64
	bytes  []byte
}

func fieldsOf(message []byte) (map[protowire.Number]field, error) {
	fields := map[protowire.Number]field{}
	for len(message) > 0 {
		number, kind, n := protowire.ConsumeTag(message)
		if n < 0 {
			return nil, errNotPulsar
		}
		message = message[n:]
		var f field
		switch kind {
		case protowire.VarintType:
			f.number, n = protowire.ConsumeVarint(message)
		case protowire.BytesType:
			f.bytes, n = protowire.ConsumeBytes(message)
		default:
			n = protowire.ConsumeFieldValue(number, kind, message)
		}
		if n < 0 {
			return nil, errNotPulsar
		}
		fields[number] = f
		message = message[n:]
	}
	return fields, nil
}
