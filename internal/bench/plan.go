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

// benchPlan measures topics on a real broker beside as many resources of a provider that does nothing.
func benchPlan(ctx context.Context, o *options) (err error) {
	c, err := openClusters(o)
	if err != nil {
		return err
	}
	defer c.close()
	d, err := startServe(ctx, o)
	if err != nil {
		return err
	}
	defer func() {
		_, stopErr := d.stop()
		err = errors.Join(err, stopErr)
	}()
	if err := d.connectKafka(ctx, "main", c.from); err != nil {
		return err
	}
	if err := buildFloor(ctx, o); err != nil {
		return err
	}
	if err := o.benchTopics(ctx, d); err != nil {
		return fmt.Errorf("topics: %w", err)
	}
	if err := o.benchSet(ctx, d); err != nil {
		return fmt.Errorf("topic set: %w", err)
	}
	memory, err := d.metric(ctx, "process_resident_memory_bytes")
	if err != nil {
		return err
	}
	fmt.Printf("  %-34s %8.0f MiB\n", "memory of headgated after all this", memory/(1<<20))
	return nil
}

func buildFloor(ctx context.Context, o *options) error {
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w", "-o", filepath.Join(o.work, "floor", "terraform-provider-floor"),
		"github.com/headgate/terraform-provider-headgate/internal/bench/floor")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0") // as the provider is built
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build the floor: %w\n%s", err, out)
	}
	return nil
}

// benchTopics makes and plans separate resources.
func (o *options) benchTopics(ctx context.Context, d *daemon) error {
	floor, err := o.newRoot("floor", "", separate("floor_topic", o.topics, ""))
	if err != nil {
		return err
	}
	ours, err := o.newRoot("headgate", d.endpoint, separate("headgate_topic", o.topics, "  partitions = 1\n  replication_factor = 1\n"))
	if err != nil {
		return err
	}
	fmt.Printf("\n%d topics as separate resources, on a broker on the same machine\n", o.topics)
	header()
	made := map[*root][]cost{}
	for _, r := range []*root{floor, ours} {
		c, err := r.terraform(ctx, "apply", "-auto-approve")
		if err != nil {
			return err
		}
		made[r] = []cost{c}
	}
	row("create", made[floor], made[ours])
	planned, err := inTurns(ctx, o.rounds, floor, ours)
	if err != nil {
		return err
	}
	row("plan that finds nothing to do", planned[floor], planned[ours])
	return nil
}

// benchSet plans thousands of topics in one resource, beside a for_each over as many resources that do nothing.
func (o *options) benchSet(ctx context.Context, d *daemon) error {
	floor, err := o.newRoot("floor", "", each("floor_topic", o.inSet))
	if err != nil {
		return err
	}
	if err := floor.write("terraform.tfstate", floorState(o.inSet)); err != nil {
		return err
	}
	ours, err := o.newRoot("headgate", d.endpoint, set(o.inSet, ""))
	if err != nil {
		return err
	}
	fmt.Printf("\n%d topics in one headgate_topic_set, on a broker on the same machine, beside a for_each of the floor\n", o.inSet)
	header()
	made, err := ours.terraform(ctx, "apply", "-auto-approve")
	if err != nil {
		return err
	}
	fmt.Printf("  %-34s %8s %8s %8.2f %8.2f\n", "create", "", "", made.wall, made.cpu)
	least, err := floor.plan(ctx) // once: it takes minutes
	if err != nil {
		return err
	}
	var planned, changed []cost
	for range o.rounds {
		c, err := ours.plan(ctx)
		if err != nil {
			return err
		}
		planned = append(planned, c)
	}
	row("plan that finds nothing to do", []cost{least}, planned)
	if err := ours.write("main.tf", ours.header+set(o.inSet, "retention = \"1h\"")); err != nil {
		return err
	}
	for range o.rounds {
		c, err := ours.terraform(ctx, "plan")
		if err != nil {
			return err
		}
		changed = append(changed, c)
	}
	row("plan that changes one topic", []cost{least}, changed)
	return nil
}

func header() {
	fmt.Printf("  %-34s %17s %17s %8s %8s\n", "", "floor", "headgate", "", "")
	fmt.Printf("  %-34s %8s %8s %8s %8s %8s %8s\n", "", "seconds", "CPU s", "seconds", "CPU s", "ratio", "CPU")
}

func row(what string, floor, ours []cost) {
	f, h := median(floor), median(ours)
	fmt.Printf("  %-34s %8.2f %8.2f %8.2f %8.2f %8s %8s\n", what, f.wall, f.cpu, h.wall, h.cpu, ratio(h.wall, f.wall), ratio(h.cpu, f.cpu))
}

// inTurns plans the roots in turns, so that a slow minute of the machine hits all.
func inTurns(ctx context.Context, rounds int, roots ...*root) (map[*root][]cost, error) {
	costs := map[*root][]cost{}
	for range rounds {
		for _, r := range roots {
			c, err := r.plan(ctx)
			if err != nil {
				return nil, err
			}
			costs[r] = append(costs[r], c)
		}
	}
	return costs, nil
}

func separate(kind string, n int, more string) string {
	var all strings.Builder
	for i := range n {
		fmt.Fprintf(&all, "resource %q %q {\n  connection_name = \"main\"\n  name            = %q\n%s}\n\n", kind, label(i), label(i), more)
	}
	return all.String()
}

func each(kind string, n int) string {
	return fmt.Sprintf("resource %q \"all\" {\n  for_each = toset([%s])\n  connection_name = \"main\"\n  name = each.key\n}\n", kind, quoted(n))
}

func quoted(n int) string {
	names := make([]string, n)
	for i := range names {
		names[i] = strconv.Quote(label(i))
	}
	return strings.Join(names, ", ")
}

// set is a set of topics whose first entry has more in it.
func set(n int, first string) string {
	var all strings.Builder
	all.WriteString("resource \"headgate_topic_set\" \"all\" {\n  connection_name = \"main\"\n  defaults = { partitions = 1, replication_factor = 1 }\n  topics = {\n")
	for i := range n {
		fmt.Fprintf(&all, "    \"set.%s\" = { %s }\n", label(i), first)
		first = ""
	}
	all.WriteString("  }\n}\n")
	return all.String()
}

// floorState is the state of a for_each over resources that do nothing: to apply it would take many minutes.
func floorState(n int) string {
	instances := make([]any, n)
	for i := range instances {
		instances[i] = map[string]any{"index_key": label(i), "schema_version": 0, "attributes": map[string]any{
			"connection_name": "main", "name": label(i), "topic_id": label(i), "partitions": 3, "replication_factor": 3, "retention": "168h",
			"deletion_protection": true, "config": nil, "description": nil, "labels": nil,
		}}
	}
	raw, err := json.Marshal(map[string]any{"version": 4, "terraform_version": "1.11.0", "serial": 1, "lineage": "bench", "outputs": map[string]any{}, "resources": []any{map[string]any{
		"mode": "managed", "type": "floor_topic", "name": "all", "provider": `provider["registry.terraform.io/headgate/floor"]`, "instances": instances,
	}}})
	if err != nil {
		return "" // texts, numbers and maps of them always encode
	}
	return string(raw)
}

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
