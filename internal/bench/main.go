// Bench measures what Headgate costs, always beside what the same work costs without it, and prints the ratios:
//
//   - topics on a real broker, as separate resources and as one set, beside as many resources of a provider that does nothing;
//   - copying from one Kafka cluster to another, beside a loop of a dozen lines around the same client library.
//
// `make bench` runs it. It needs bin/headgated, bin/terraform-provider-headgate, a Terraform CLI, and the Kafka clusters that
// internal/real/up starts.
package main

import (
	"cmp"
	"context"
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
	rounds    int
	topics    int
	inSet     int
	megabytes int
	only      string
}

func run(ctx context.Context) (err error) {
	o := &options{}
	flag.StringVar(&o.bin, "bin", "bin", "folder with headgated and terraform-provider-headgate")
	flag.StringVar(&o.terraform, "terraform", os.Getenv("TERRAFORM"), "the Terraform CLI (default: TERRAFORM, or terraform or tofu from the PATH)")
	flag.IntVar(&o.rounds, "rounds", 3, "how often to measure each thing; the median counts")
	flag.IntVar(&o.topics, "topics", 1000, "how many topics to plan as separate resources")
	flag.IntVar(&o.inSet, "set", 5000, "how many topics to plan in one resource")
	flag.IntVar(&o.megabytes, "megabytes", 2048, "how much to copy from Kafka to Kafka, in MiB")
	flag.StringVar(&o.only, "only", "", "measure one part only: plan or copy")
	flag.Parse()

	if err := o.locate(); err != nil {
		return err
	}
	if o.work, err = os.MkdirTemp("", "headgate-bench-*"); err != nil {
		return fmt.Errorf("make working folder: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(o.work)) }()

	fmt.Printf("%d CPUs, %s/%s, %s; median of %d\n", runtime.NumCPU(), runtime.GOOS, runtime.GOARCH, runtime.Version(), o.rounds)
	if o.only != "copy" {
		if err := benchPlan(ctx, o); err != nil {
			return fmt.Errorf("plan: %w", err)
		}
	}
	if o.only != "plan" {
		if err := benchCopy(ctx, o); err != nil {
			return fmt.Errorf("copy: %w", err)
		}
	}
	return nil
}

func (o *options) locate() (err error) {
	if o.bin, err = filepath.Abs(o.bin); err != nil {
		return err
	}
	for _, program := range []string{"headgated", "terraform-provider-headgate"} {
		if _, err := os.Stat(filepath.Join(o.bin, program)); err != nil {
			return fmt.Errorf("there is no %s in %s: run make build", program, o.bin)
		}
	}
	if o.only != "copy" && o.terraform == "" {
		if o.terraform, err = exec.LookPath("terraform"); err != nil {
			o.terraform, err = exec.LookPath("tofu")
		}
		if err != nil {
			return errors.New("neither terraform nor tofu is on the PATH: name one with TERRAFORM")
		}
	}
	if os.Getenv(real.SystemsEnv) == "" {
		return errors.New("there are no Kafka clusters: use make bench")
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
