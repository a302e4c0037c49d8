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

// shape is a way to write down the same resources.
type shape struct {
	name   string
	rounds func(o *options) int
	write  func(kind, attributes string, n int) string
	// state turns the state of separate blocks into one of this shape; nil: it is that.
	state func(raw []byte) ([]byte, error)
}

var (
	separate = shape{
		name:   "separate blocks",
		rounds: func(o *options) int { return o.rounds },
		write: func(kind, attributes string, n int) string {
			var all strings.Builder
			for i := range n {
				fmt.Fprintf(&all, "resource %q %q {\n%s}\n\n", kind, label(i), fmt.Sprintf(attributes, strconv.Quote(label(i))))
			}
			return all.String()
		},
	}
	forEach = shape{
		name: "one block with for_each",
		// One plan of a thousand resources takes Terraform itself the better part of a minute.
		rounds: func(*options) int { return 1 },
		write: func(kind, attributes string, n int) string {
			return fmt.Sprintf("resource %q \"all\" {\n  for_each = toset([for n in range(%d) : format(%q, n)])\n%s}\n",
				kind, n, labelFormat, fmt.Sprintf(attributes, "each.key"))
		},
		state: mergeState,
	}
)

const (
	labelFormat     = "n%05d"
	dataAttributes  = "  input = %s\n"
	topicAttributes = "  connection_name = \"main\"\n  name            = %s\n"
)

func label(n int) string { return fmt.Sprintf(labelFormat, n) }

// benchPlan measures plans that find nothing to do.
func benchPlan(ctx context.Context, o *options) (err error) {
	d, err := startDev(ctx, o)
	if err != nil {
		return err
	}
	defer func() {
		_, stopErr := d.stop()
		err = errors.Join(err, stopErr)
	}()
	if err := d.connectKafka(ctx, "main", strings.Split(d.kafka[0], ",")); err != nil {
		return err
	}
	plain, err := o.newRoot("", "terraform_data", dataAttributes)
	if err != nil {
		return err
	}
	ours, err := o.newRoot(d.endpoint, "headgate_topic", topicAttributes)
	if err != nil {
		return err
	}
	fmt.Printf("\nA plan of %d resources that finds nothing to do, against headgated dev\n", o.topics)
	fmt.Printf("  %-24s %-15s %8s %12s %8s\n", "", "", "seconds", "(from-to)", "CPU s")
	for _, s := range []shape{separate, forEach} {
		if err := o.compare(ctx, s, plain, ours); err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
	}
	return nil
}

// compare plans the same number of resources of both kinds, in turns.
func (o *options) compare(ctx context.Context, s shape, plain, ours *root) error {
	costs := map[*root][]cost{}
	for _, r := range []*root{plain, ours} {
		if err := r.reach(ctx, s, o.topics); err != nil {
			return err
		}
	}
	for range s.rounds(o) {
		for _, r := range []*root{plain, ours} {
			c, err := r.terraform(ctx, "plan", "-detailed-exitcode")
			if err != nil {
				return fmt.Errorf("plan, which should find nothing to do: %w", err)
			}
			costs[r] = append(costs[r], c)
		}
	}
	p, m := median(costs[plain]), median(costs[ours])
	fmt.Printf("  %-24s %-15s %8.2f %12s %8.2f\n", s.name, plain.kind, p.wall, spread(costs[plain]), p.cpu)
	fmt.Printf("  %-24s %-15s %8.2f %12s %8.2f\n", "", ours.kind, m.wall, spread(costs[ours]), m.cpu)
	fmt.Printf("  %-24s %-15s %8s %12s %8s\n", "", "ratio", ratio(m.wall, p.wall), "", ratio(m.cpu, p.cpu))
	return nil
}

// root is a folder with a configuration of many resources of one kind.
type root struct {
	dir        string
	cli        string
	header     string
	kind       string
	attributes string
}

// newRoot makes a folder for the daemon at the endpoint, or for none.
func (o *options) newRoot(endpoint, kind, attributes string) (*root, error) {
	r := &root{cli: o.terraform, kind: kind, attributes: attributes}
	var err error
	if r.dir, err = os.MkdirTemp(o.work, kind+"-*"); err != nil {
		return nil, fmt.Errorf("make folder for a configuration: %w", err)
	}
	if endpoint != "" {
		r.header = "terraform {\n  required_providers {\n    headgate = {\n      source = \"headgate/headgate\"\n    }\n  }\n}\n\n" +
			fmt.Sprintf("provider \"headgate\" {\n  endpoint = %q\n}\n\n", endpoint)
	}
	rc := fmt.Sprintf("disable_checkpoint = true\nprovider_installation {\n  dev_overrides {\n    \"headgate/headgate\" = %q\n  }\n  direct {}\n}\n", o.bin)
	return r, r.write("terraform.rc", rc)
}

func (r *root) write(name, content string) error {
	if err := os.WriteFile(filepath.Join(r.dir, name), []byte(content), 0o600); err != nil {
		return fmt.Errorf("write configuration: %w", err)
	}
	return nil
}

// reach brings the folder to a state where all resources exist and are written down in a shape.
func (r *root) reach(ctx context.Context, s shape, n int) error {
	if err := r.write("main.tf", r.header+s.write(r.kind, r.attributes, n)); err != nil {
		return err
	}
	if s.state == nil {
		_, err := r.terraform(ctx, "apply", "-auto-approve")
		return err
	}
	raw, err := os.ReadFile(filepath.Join(r.dir, "terraform.tfstate"))
	if err != nil {
		return fmt.Errorf("read state: %w", err)
	}
	if raw, err = s.state(raw); err != nil {
		return err
	}
	return r.write("terraform.tfstate", string(raw))
}

// mergeState makes separate resources the instances of one: to apply them once more would take minutes.
func mergeState(raw []byte) ([]byte, error) {
	var state map[string]any
	if err := json.Unmarshal(raw, &state); err != nil {
		return nil, fmt.Errorf("read state: %w", err)
	}
	resources, _ := state["resources"].([]any)
	var (
		merged    map[string]any
		instances []any
	)
	for _, entry := range resources {
		resource, _ := entry.(map[string]any)
		own, _ := resource["instances"].([]any)
		if len(own) != 1 {
			return nil, fmt.Errorf("resource %v has %d instances in the state, not 1", resource["name"], len(own))
		}
		instance, _ := own[0].(map[string]any)
		instance["index_key"] = resource["name"]
		instances, merged = append(instances, instance), resource
	}
	if merged == nil {
		return nil, errors.New("the state has no resources")
	}
	merged["name"], merged["each"], merged["instances"] = "all", "map", instances
	state["resources"] = []any{merged}
	return json.Marshal(state)
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
