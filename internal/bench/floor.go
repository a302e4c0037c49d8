package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

const floorType = "floor_topic"

func buildFloor(ctx context.Context, o *options) error {
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w", "-o", filepath.Join(o.work, "floor", "terraform-provider-floor"),
		"github.com/headgate/terraform-provider-headgate/internal/bench/floor")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0") // as the provider is built
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build the floor: %w\n%s", err, out)
	}
	return nil
}

// floor is n resources that do nothing, in separate blocks.
func (o *options) floor(n int) (*root, error) {
	return o.newRoot("floor", "", separate(floorType, n, func(i int) string { return fmt.Sprintf("  name = %q\n", label(i)) }))
}

// floorThere is the same after it was applied.
func (o *options) floorThere(n int) (*root, error) {
	r, err := o.floor(n)
	if err != nil {
		return nil, err
	}
	resources := make([]stateResource, n)
	for i := range resources {
		resources[i] = stateResource{Type: floorType, Name: label(i), Instances: []instance{{Attributes: floorAttributes(i)}}}
	}
	return r, r.state("floor", resources)
}

// floorEach is a for_each over n resources that do nothing, after it was applied.
func (o *options) floorEach(n int) (*root, error) {
	r, err := o.newRoot("floor", "", each(floorType, n))
	if err != nil {
		return nil, err
	}
	instances := make([]instance, n)
	for i := range instances {
		instances[i] = instance{Key: label(i), Attributes: floorAttributes(i)}
	}
	return r, r.state("floor", []stateResource{{Type: floorType, Name: "all", Instances: instances}})
}

func floorAttributes(i int) map[string]any {
	return map[string]any{
		"connection_name": "main", "name": label(i), "topic_id": label(i), "partitions": 3, "replication_factor": 3, "retention": "168h",
		"deletion_protection": true, "config": nil, "description": nil, "labels": nil,
	}
}

// besideFloor creates n things and plans them, and prints both beside as many resources that do nothing. ours makes a
// configuration of things that are not there yet, for one round.
func (o *options) besideFloor(ctx context.Context, n int, ours func(round int) (*root, error)) error {
	var (
		floor, headgate *root
		least, most     []cost
	)
	for round := range o.rounds {
		var err error
		if floor, err = o.floor(n); err != nil {
			return err
		}
		if headgate, err = ours(round); err != nil {
			return err
		}
		made, err := inTurns(ctx, 1, (*root).apply, floor, headgate)
		if err != nil {
			return err
		}
		least, most = append(least, made[floor]...), append(most, made[headgate]...)
	}
	row("create", least, most)
	planned, err := inTurns(ctx, o.rounds, (*root).plan, floor, headgate)
	if err != nil {
		return err
	}
	row("plan that finds nothing to do", planned[floor], planned[headgate])
	return nil
}

func header() {
	fmt.Printf("  %-40s %17s %17s %8s %8s\n", "", "floor", "headgate", "", "")
	fmt.Printf("  %-40s %8s %8s %8s %8s %8s %8s\n", "", "seconds", "CPU s", "seconds", "CPU s", "ratio", "CPU")
}

func row(what string, floor, ours []cost) {
	f, h := median(floor), median(ours)
	fmt.Printf("  %-40s %8.2f %8.2f %8.2f %8.2f %8s %8s\n", what, f.wall, f.cpu, h.wall, h.cpu, ratio(h.wall, f.wall), ratio(h.cpu, f.cpu))
}

// alone is a row of what has nothing beside it.
func alone(what string, c cost) {
	fmt.Printf("  %-40s %8s %8s %8.2f %8.2f\n", what, "", "", c.wall, c.cpu)
}

func line(what, format string, values ...any) {
	fmt.Printf("  %-40s %s\n", what, fmt.Sprintf(format, values...))
}
