package providertest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6/tf6server"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"

	"github.com/headgate/terraform-provider-headgate/internal/acctest"
	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/provider"
)

// providerAddress names a registry, so that Terraform and OpenTofu mean the same.
const providerAddress = "registry.terraform.io/headgate/headgate"

// CLI is a Terraform CLI in a folder of its own, with the provider in the test's own process. It is for tests of many
// resources at once, whose plans and errors are looked at one by one.
type CLI struct {
	t       *testing.T
	program string
	dir     string
}

// Outcome is what a command of the CLI said.
type Outcome struct {
	Code        int
	Diagnostics []Diagnostic
	// Changes are the planned ones, such as create or update, by address. What stays is not among them.
	Changes map[string]string
	said    string
}

// Diagnostic is an error or a warning.
type Diagnostic struct {
	Severity string
	Summary  string
	Detail   string
	// Address is that of the resource which it is about; empty when it is about none.
	Address string
}

func (o Outcome) String() string { return fmt.Sprintf("exit code %d\n%s", o.Code, o.said) }

// NewCLI makes the folder with a configuration in it. Without TF_ACC the test is skipped.
func NewCLI(t *testing.T, config string) *CLI {
	t.Helper()
	if os.Getenv(resource.EnvTfAcc) == "" {
		t.Skipf("acceptance tests run with %s set", resource.EnvTfAcc)
	}
	c := &CLI{t: t, program: acctest.TerraformCLI(t), dir: t.TempDir()}
	c.Write(config)
	return c
}

// Write replaces the configuration.
func (c *CLI) Write(config string) {
	c.t.Helper()
	config = fmt.Sprintf("terraform {\n  required_providers {\n    headgate = { source = %q }\n  }\n}\n", providerAddress) + config
	if err := os.WriteFile(filepath.Join(c.dir, "main.tf"), []byte(config), 0o600); err != nil {
		c.t.Fatal(err)
	}
}

// Run runs a command that has -json.
func (c *CLI) Run(command string, args ...string) Outcome {
	c.t.Helper()
	reattach, stop := c.serve()
	defer stop()
	cmd := exec.CommandContext(c.t.Context(), c.program, append([]string{command, "-json", "-input=false"}, args...)...) // #nosec G204 -- the CLI under test
	cmd.Dir = c.dir
	cmd.Env = append(os.Environ(), "TF_REATTACH_PROVIDERS="+reattach, "TF_IN_AUTOMATION=1")
	var out, complaints bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &complaints
	err := cmd.Run()
	if exit := (&exec.ExitError{}); err != nil && !errors.As(err, &exit) {
		c.t.Fatalf("run %s: %v", c.program, err)
	}
	outcome := Outcome{Code: cmd.ProcessState.ExitCode(), Changes: map[string]string{}, said: out.String() + complaints.String()}
	for line := range bytes.Lines(out.Bytes()) {
		hear(line, &outcome)
	}
	return outcome
}

// hear takes up one message of the CLI.
func hear(line []byte, o *Outcome) {
	var message struct {
		Type       string
		Diagnostic *Diagnostic
		Change     *struct {
			Resource struct{ Addr string }
			Action   string
		}
	}
	switch err := json.Unmarshal(line, &message); {
	case err != nil:
	case message.Diagnostic != nil:
		o.Diagnostics = append(o.Diagnostics, *message.Diagnostic)
	case message.Type == "planned_change" && message.Change != nil:
		o.Changes[message.Change.Resource.Addr] = message.Change.Action
	}
}

// inState is a resource that state has.
type inState struct {
	Type, Name string
	Instances  []struct{ Attributes map[string]any }
}

func (c *CLI) state() []inState {
	c.t.Helper()
	raw, err := os.ReadFile(filepath.Join(c.dir, "terraform.tfstate"))
	if err != nil {
		c.t.Fatal(err)
	}
	var state struct{ Resources []inState }
	if err := json.Unmarshal(raw, &state); err != nil {
		c.t.Fatal(err)
	}
	return state.Resources
}

// InState lists the addresses that state has.
func (c *CLI) InState() []string {
	c.t.Helper()
	found := map[string]bool{}
	for _, r := range c.state() {
		if len(r.Instances) > 0 {
			found[r.Type+"."+r.Name] = true
		}
	}
	return slices.Sorted(maps.Keys(found))
}

// Attributes are those of each instance of a resource that state has.
func (c *CLI) Attributes(typ string) []map[string]any {
	c.t.Helper()
	var all []map[string]any
	for _, r := range c.state() {
		for _, instance := range r.Instances {
			if r.Type == typ {
				all = append(all, instance.Attributes)
			}
		}
	}
	return all
}

// serve serves a provider for one command, as the CLI starts one for each.
func (c *CLI) serve() (reattach string, stop func()) {
	c.t.Helper()
	ctx, cancel := context.WithCancel(c.t.Context())
	ready, closed := make(chan *plugin.ReattachConfig, 1), make(chan struct{})
	failed := make(chan error, 1)
	go func() {
		failed <- tf6server.Serve(providerAddress, func() tfprotov6.ProviderServer { return provider.Server("test", api.BuiltinKinds())() },
			tf6server.WithDebug(ctx, ready, closed), tf6server.WithGoPluginLogger(hclog.NewNullLogger()), tf6server.WithLoggingSink(c.t))
	}()
	stop = func() {
		cancel()
		if err := <-failed; err != nil {
			c.t.Errorf("serve the provider: %v", err)
		}
	}
	select {
	case at := <-ready:
		return reattachJSON(c.t, at), stop
	case err := <-failed:
		cancel()
		c.t.Fatalf("serve the provider: %v", err)
	case <-time.After(30 * time.Second):
		stop()
		c.t.Fatal("the provider does not serve")
	}
	return "", nil
}

// reattachJSON is what TF_REATTACH_PROVIDERS holds.
func reattachJSON(t *testing.T, at *plugin.ReattachConfig) string {
	t.Helper()
	raw, err := json.Marshal(map[string]any{providerAddress: map[string]any{
		"Protocol": string(at.Protocol), "ProtocolVersion": at.ProtocolVersion, "Pid": at.Pid, "Test": at.Test,
		"Addr": map[string]string{"Network": at.Addr.Network(), "String": at.Addr.String()},
	}})
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}
