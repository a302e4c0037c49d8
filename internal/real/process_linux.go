package real

import "syscall"

// ownGroup keeps a terminal's Ctrl-C away from the child, which is stopped in due order instead, and has the kernel
// kill the child when its parent dies without stopping it.
func ownGroup() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
