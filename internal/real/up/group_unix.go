//go:build unix

package main

import (
	"os"
	"syscall"

	"golang.org/x/term"
)

// commandGroup puts the command into a process group of its own, so that a signal reaches it and its children once. On
// a terminal that group is the foreground one: the command may read, and Ctrl-C goes to it directly.
func commandGroup() *syscall.SysProcAttr {
	stdin := int(os.Stdin.Fd())
	if term.IsTerminal(stdin) {
		return &syscall.SysProcAttr{Foreground: true, Ctty: stdin}
	}
	return &syscall.SysProcAttr{Setpgid: true}
}

func forward(process *os.Process, s os.Signal) {
	if number, ok := s.(syscall.Signal); ok {
		_ = syscall.Kill(-process.Pid, number) // It fails only when the group has ended already.
	}
}
