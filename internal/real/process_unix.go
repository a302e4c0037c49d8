//go:build unix && !linux

package real

import "syscall"

// ownGroup keeps a terminal's Ctrl-C away from the child, which is stopped in due order instead.
func ownGroup() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true}
}
