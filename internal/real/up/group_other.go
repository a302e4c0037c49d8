//go:build !unix

package main

import (
	"os"
	"syscall"
)

func commandGroup() *syscall.SysProcAttr {
	return nil
}

func forward(process *os.Process, s os.Signal) {
	_ = process.Signal(s) // It fails only when the command has ended already.
}
