package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

const labelFormat = "n%05d"

func label(n int) string { return fmt.Sprintf(labelFormat, n) }

// root is a folder with a configuration.
type root struct {
	dir    string
	cli    string
	header string
}

// newRoot makes a folder for a provider, and for the daemon at the endpoint.
func (o *options) newRoot(provider, endpoint, resources string) (*root, error) {
	r := &root{cli: o.terraform}
	var err error
	if r.dir, err = os.MkdirTemp(o.work, provider+"-*"); err != nil {
		return nil, fmt.Errorf("make folder for a configuration: %w", err)
	}
	r.header = fmt.Sprintf("terraform {\n  required_providers {\n    %s = {\n      source = \"headgate/%s\"\n    }\n  }\n}\n\n", provider, provider)
	if endpoint != "" {
		r.header += fmt.Sprintf("provider %q {\n  endpoint = %q\n}\n\n", provider, endpoint)
	}
	rc := fmt.Sprintf("disable_checkpoint = true\nprovider_installation {\n  dev_overrides {\n    \"headgate/headgate\" = %q\n    \"headgate/floor\" = %q\n  }\n  direct {}\n}\n",
		o.bin, filepath.Join(o.work, "floor"))
	return r, errors.Join(r.write("terraform.rc", rc), r.write("main.tf", r.header+resources))
}

func (r *root) write(name, content string) error {
	if err := os.WriteFile(filepath.Join(r.dir, name), []byte(content), 0o600); err != nil {
		return fmt.Errorf("write configuration: %w", err)
	}
	return nil
}

func (r *root) apply(ctx context.Context) (cost, error) {
	return r.terraform(ctx, "apply", "-auto-approve")
}

// plan finds nothing to do.
func (r *root) plan(ctx context.Context) (cost, error) {
	c, err := r.terraform(ctx, "plan", "-detailed-exitcode")
	if err != nil {
		return cost{}, fmt.Errorf("plan, which should find nothing to do: %w", err)
	}
	return c, nil
}

func (r *root) terraform(ctx context.Context, command string, args ...string) (cost, error) {
	cmd := exec.CommandContext(ctx, r.cli, append([]string{command, "-input=false", "-no-color", "-compact-warnings"}, args...)...)
	cmd.Dir = r.dir
	cmd.Env = append(plainEnv(), "TF_CLI_CONFIG_FILE="+filepath.Join(r.dir, "terraform.rc"), "TF_IN_AUTOMATION=1")
	var output bytes.Buffer
	cmd.Stdout, cmd.Stderr = &output, &output
	began := time.Now()
	if err := cmd.Run(); err != nil {
		return cost{}, fmt.Errorf("terraform %s: %w\n%s", command, err, tail(output.String()))
	}
	return cost{wall: time.Since(began).Seconds(), cpu: cpuOf(cmd.ProcessState)}, nil
}

func tail(text string) string {
	const most = 2000
	return text[max(len(text)-most, 0):]
}

// inTurns does something to the roots in turns, so that a slow minute of the machine hits all.
func inTurns(ctx context.Context, rounds int, do func(*root, context.Context) (cost, error), roots ...*root) (map[*root][]cost, error) {
	costs := map[*root][]cost{}
	for range rounds {
		for _, r := range roots {
			c, err := do(r, ctx)
			if err != nil {
				return nil, err
			}
			costs[r] = append(costs[r], c)
		}
	}
	return costs, nil
}

// separate is a block for each of n objects, with the same in each but what its number makes of it.
func separate(kind string, n int, body func(i int) string) string {
	var all strings.Builder
	for i := range n {
		fmt.Fprintf(&all, "resource %q %q {\n  connection_name = \"main\"\n%s}\n\n", kind, label(i), body(i))
	}
	return all.String()
}

func each(kind string, n int) string {
	names := make([]string, n)
	for i := range names {
		names[i] = strconv.Quote(label(i))
	}
	return fmt.Sprintf("resource %q \"all\" {\n  for_each = toset([%s])\n  connection_name = \"main\"\n  name = each.key\n}\n", kind, strings.Join(names, ", "))
}

// instance is an instance of a resource in a state.
type instance struct {
	Key        string         `json:"index_key,omitempty"`
	Version    int            `json:"schema_version"`
	Attributes map[string]any `json:"attributes"`
	Private    []byte         `json:"private,omitempty"`
}

type stateResource struct {
	Mode      string     `json:"mode"`
	Type      string     `json:"type"`
	Name      string     `json:"name"`
	Provider  string     `json:"provider"`
	Instances []instance `json:"instances"`
}

// state writes the state of resources that are there already: to apply thousands of blocks would take many minutes.
func (r *root) state(provider string, resources []stateResource) error {
	for i := range resources {
		resources[i].Mode, resources[i].Provider = "managed", fmt.Sprintf("provider[%q]", "registry.terraform.io/headgate/"+provider)
	}
	raw, err := json.Marshal(map[string]any{
		"version": 4, "terraform_version": "1.11.0", "serial": 1, "lineage": "bench", "outputs": map[string]any{}, "resources": resources,
	})
	if err != nil {
		return fmt.Errorf("write state: %w", err)
	}
	return r.write("terraform.tfstate", string(raw))
}
