package real

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// python says what to look for, and pythonHint how to get it.
const (
	python     = "python3"
	pythonHint = "install Python 3.9 or newer with its venv module (Debian: apt-get install python3-venv)"
)

// pythonFacts is a program that prints what a virtual environment depends on: the version and the place of Python.
const pythonFacts = "import ensurepip, sys, venv; assert sys.version_info >= (3, 9), 'too old'; print(sys.version, sys.base_prefix)"

// Python is a virtual environment with packages from PyPI, kept in the cache folder.
type Python struct {
	dir string
}

// NewPython makes the virtual environment that holds the packages, each pinned as name==version, or finds the one that
// was made before. Packages that do not go together need environments of their own.
func NewPython(ctx context.Context, name string, packages ...string) (*Python, error) {
	facts, err := output(ctx, python, "-c", pythonFacts)
	if err != nil {
		return nil, fmt.Errorf("look for Python: %s: %w", pythonHint, err)
	}
	parts := []requirement{requirement(strings.TrimSpace(facts))}
	for _, p := range packages {
		if !strings.Contains(p, "==") {
			return nil, fmt.Errorf("the package %s is not pinned: write it as name==version", p)
		}
		parts = append(parts, requirement(p))
	}
	dir, err := cached(ctx, "python-"+name, fingerprint(parts), func(ctx context.Context, dir string) error {
		return installPackages(ctx, dir, packages)
	})
	if err != nil {
		return nil, err
	}
	return &Python{dir: dir}, nil
}

// requirement is one line of what an environment is made from.
type requirement string

func (r requirement) String() string { return string(r) }

func installPackages(ctx context.Context, dir string, packages []string) error {
	if _, err := output(ctx, python, "-m", "venv", dir); err != nil {
		return fmt.Errorf("make a virtual environment: %s: %w", pythonHint, err)
	}
	pip := append([]string{"-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check"}, packages...)
	if _, err := output(ctx, (&Python{dir: dir}).Interpreter(), pip...); err != nil {
		return fmt.Errorf("install %s: %w", strings.Join(packages, ", "), err)
	}
	return nil
}

// Interpreter is the path of the environment's python. It runs modules with -m and scripts by their path.
func (p *Python) Interpreter() string {
	return filepath.Join(p.dir, "bin", "python")
}

// Script is the command line of a program that a package installs. It goes through the interpreter, since the first line
// of the program still names the folder that the environment was made in.
func (p *Python) Script(name string) []string {
	return []string{p.Interpreter(), filepath.Join(p.dir, "bin", name)}
}

// output runs a command and returns what it prints; an error quotes what it complains about.
func output(ctx context.Context, name string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.WaitDelay = 5 * time.Second
	var out, complaints bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &complaints
	if err := cmd.Run(); err != nil {
		return "", errors.Join(fmt.Errorf("%s: %w", filepath.Base(name), err), quoted(complaints.Bytes()))
	}
	return out.String(), nil
}

func quoted(complaints []byte) error {
	text := strings.TrimSpace(string(complaints))
	if text == "" {
		return nil
	}
	return errors.New(text[max(0, len(text)-tailBytes):])
}
