package kafka_test

import (
	"net"
	"strconv"
	"syscall"
	"testing"

	"github.com/headgate/terraform-provider-headgate/internal/api"
)

// A listener whose queue is full drops what comes, as a firewall does.
func TestFilteredPort(t *testing.T) {
	address := fullListener(t)
	try(t, []trial{
		{"filtered", plaintext(address), api.StepTCP, []string{"packets are dropped"}, []string{"firewall", "open the port"}},
		{"advertised", plaintext(advertising(t, address)), api.StepTCP, []string{"advertises a broker at " + address, "packets are dropped"}, []string{"advertised.listeners"}},
	})
}

func fullListener(t *testing.T) string {
	t.Helper()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	must(t, err)
	t.Cleanup(func() { _ = syscall.Close(fd) })
	must(t, syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}))
	must(t, syscall.Listen(fd, 0))
	bound, err := syscall.Getsockname(fd)
	must(t, err)
	address := net.JoinHostPort("127.0.0.1", strconv.Itoa(bound.(*syscall.SockaddrInet4).Port))
	// A queue of length 0 takes one connection, which nobody accepts.
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", address)
	must(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	return address
}
