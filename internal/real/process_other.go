//go:build !unix

package real

import "syscall"

func ownGroup() *syscall.SysProcAttr {
	return nil
}
