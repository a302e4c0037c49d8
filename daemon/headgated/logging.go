package main

import (
	"fmt"
	"io"
	"log/slog"
	"os"

	"golang.org/x/term"
)

// newLogger writes text on a terminal and JSON elsewhere, unless the format is given.
func newLogger(out *os.File, level, format string) (*slog.Logger, error) {
	var l slog.Level
	if err := l.UnmarshalText([]byte(level)); err != nil {
		return nil, fmt.Errorf("log_level %q is not one of debug, info, warn, error", level)
	}
	handler, err := logHandler(out, format, term.IsTerminal(int(out.Fd())), &slog.HandlerOptions{Level: l})
	if err != nil {
		return nil, err
	}
	return slog.New(handler), nil
}

func logHandler(out io.Writer, format string, terminal bool, opts *slog.HandlerOptions) (slog.Handler, error) {
	switch {
	case format == "text", format == "" && terminal:
		return slog.NewTextHandler(out, opts), nil
	case format == "json", format == "":
		return slog.NewJSONHandler(out, opts), nil
	}
	return nil, fmt.Errorf("log_format %q is not text or json", format)
}
