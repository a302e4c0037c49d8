// Bench measures what Headgate costs, always beside what the same work costs without it, and prints the ratios:
//
//   - topics on a real broker, as separate resources and as one set, ACLs, and schemas in a real registry, beside as many
//     resources of a provider that does nothing;
//   - plans with a broker that is far away, the requests that they make, and the memory that the daemon takes;
//   - copying from one Kafka cluster to another, beside a loop of a dozen lines around the same client library.
//
// `make bench` runs it. It needs bin/headgated, bin/terraform-provider-headgate, a Terraform CLI, and the Kafka clusters that
// internal/real/up starts.
package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/headgate/terraform-provider-headgate/internal/real"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGPIPE)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

type options struct {
	bin       string // folder with the programs
	terraform string
	work      string // folder for everything that is written
	run       string // what the names of everything that is created begin with
	systems   real.Systems

	rounds    int
	topics    int
	many      int
	each      int
	acls      int
	schemas   int
	megabytes int
	only      string
}

// part is a part of the benchmark that can be chosen.
type part struct {
	name      string
	terraform bool // it needs a Terraform CLI
	measure   func(context.Context, *options) error
}

func parts() []part {
	return []part{
		{"topics", true, benchTopics},
		{"thousands", true, benchThousands},
		{"access", true, benchAccess},
		{"schemas", true, benchSchemas},
		{"copy", false, benchCopy},
	}
}

func run(ctx context.Context) (err error) {
	o := &options{run: strings.ToLower(rand.Text()[:6]) + "."}
	flag.StringVar(&o.bin, "bin", "bin", "folder with headgated and terraform-provider-headgate")
	flag.StringVar(&o.terraform, "terraform", os.Getenv("TERRAFORM"), "the Terraform CLI (default: TERRAFORM, or terraform or tofu from the PATH)")
	flag.IntVar(&o.rounds, "rounds", 3, "how often to measure each thing; the median counts")
	flag.IntVar(&o.topics, "topics", 1000, "how many topics to create and plan as separate resources")
	flag.IntVar(&o.many, "many", 5000, "how many topics to plan in one resource, and in separate blocks")
	flag.IntVar(&o.each, "each", 2000, "how many resources that do nothing to plan in one for_each, whose time grows with the square of them")
	flag.IntVar(&o.acls, "acls", 1000, "how many ACLs to create and plan")
	flag.IntVar(&o.schemas, "schemas", 1000, "how many schemas to create and plan")
	flag.IntVar(&o.megabytes, "megabytes", 2048, "how much to copy from Kafka to Kafka, in MiB")
	flag.StringVar(&o.only, "only", "", "measure only these parts, separated by commas: "+names(parts()))
	quick := flag.Bool("quick", false, "measure little, once: to see whether it works")
	flag.Parse()
	if *quick {
		o.rounds, o.topics, o.many, o.each, o.acls, o.schemas, o.megabytes = 1, 50, 200, 200, 50, 20, 64
	}

	chosen, err := o.chosen()
	if err != nil {
		return err
	}
	if err := o.locate(); err != nil {
		return err
	}
	if o.work, err = os.MkdirTemp("", "headgate-bench-*"); err != nil {
		return fmt.Errorf("make working folder: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(o.work)) }()
	return o.measure(ctx, chosen)
}

func names(of []part) string {
	all := make([]string, len(of))
	for i, p := range of {
		all[i] = p.name
	}
	return strings.Join(all, ", ")
}

func (o *options) chosen() ([]part, error) {
	if o.only == "" {
		return parts(), nil
	}
	var chosen []part
	for name := range strings.SplitSeq(o.only, ",") {
		i := slices.IndexFunc(parts(), func(p part) bool { return p.name == strings.TrimSpace(name) })
		if i < 0 {
			return nil, fmt.Errorf("there is no part %q: the parts are %s", name, names(parts()))
		}
		chosen = append(chosen, parts()[i])
	}
	return chosen, nil
}

func (o *options) measure(ctx context.Context, chosen []part) error {
	if slices.ContainsFunc(chosen, func(p part) bool { return p.terraform }) {
		if err := o.findTerraform(); err != nil {
			return err
		}
		if err := buildFloor(ctx, o); err != nil {
			return err
		}
	}
	fmt.Printf("%d CPUs, %s/%s, %s; median of %d\n", runtime.NumCPU(), runtime.GOOS, runtime.GOARCH, runtime.Version(), o.rounds)
	for _, p := range chosen {
		if err := p.measure(ctx, o); err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
	}
	return nil
}

func (o *options) findTerraform() (err error) {
	if o.terraform != "" {
		return nil
	}
	if o.terraform, err = exec.LookPath("terraform"); err != nil {
		o.terraform, err = exec.LookPath("tofu")
	}
	if err != nil {
		return errors.New("neither terraform nor tofu is on the PATH: name one with TERRAFORM")
	}
	return nil
}

// locate finds the programs, and the systems that are running.
func (o *options) locate() (err error) {
	if o.bin, err = filepath.Abs(o.bin); err != nil {
		return err
	}
	for _, program := range []string{"headgated", "terraform-provider-headgate"} {
		if _, err := os.Stat(filepath.Join(o.bin, program)); err != nil {
			return fmt.Errorf("there is no %s in %s: run make build", program, o.bin)
		}
	}
	file := os.Getenv(real.SystemsEnv)
	if file == "" {
		return errors.New("there are no Kafka clusters: use make bench")
	}
	raw, err := os.ReadFile(file)
	if err == nil {
		err = json.Unmarshal(raw, &o.systems)
	}
	if err != nil {
		return fmt.Errorf("read the description of the real systems: %w", err)
	}
	return nil
}

// cost is what some work took.
type cost struct {
	wall float64 // seconds
	cpu  float64 // seconds, of all its processes
	rate float64 // units per second, where it has units
	peak int64   // bytes of resident memory
}

// median answers the measurement in the middle, by the time that it took.
func median(of []cost) cost {
	sorted := slices.SortedFunc(slices.Values(of), func(a, b cost) int { return cmp.Compare(a.wall, b.wall) })
	return sorted[len(sorted)/2]
}

// spread is the smallest and the largest time, for judging how much a difference means.
func spread(of []cost) string {
	low, high := of[0].wall, of[0].wall
	for _, c := range of {
		low, high = min(low, c.wall), max(high, c.wall)
	}
	return fmt.Sprintf("%.2f-%.2f", low, high)
}

func cpuOf(state *os.ProcessState) float64 {
	return state.UserTime().Seconds() + state.SystemTime().Seconds()
}

func ratio(a, b float64) string {
	if b == 0 {
		return "-"
	}
	return strconv.FormatFloat(a/b, 'f', 2, 64) + "x"
}
