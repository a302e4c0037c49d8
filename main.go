// Command terraform-provider-headgate is the Terraform provider of Headgate. Terraform starts it.
package main

import (
	"flag"
	"fmt"
	"os"
	"runtime/debug"
	"strings"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6/tf6server"

	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/provider"
)

// Set by the linker.
var (
	version = "dev"
	commit  = "unknown"
)

const address = "registry.terraform.io/headgate/headgate"

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "terraform-provider-headgate:", err)
		os.Exit(1)
	}
}

func run() error {
	stay := flag.Bool("debug", false, "serve for a debugger: print how Terraform is to connect, and stay")
	printVersion := flag.Bool("version", false, "print the version and exit")
	flag.Parse()
	if *printVersion {
		fmt.Printf("terraform-provider-headgate %s (%s)\n", version, commit)
		return nil
	}
	if err := quietFramework(); err != nil {
		return err
	}
	collectRarely()
	var options []tf6server.ServeOpt
	if *stay {
		options = append(options, tf6server.WithManagedDebug())
	}
	return tf6server.Serve(address, provider.Server(version, api.BuiltinKinds()), options...)
}

// collectRarely lets the heap grow to five times what is in use before garbage is collected, unless the user set GOGC: a
// provider lives for one command and holds little, and a sixth of its work was collecting.
func collectRarely() {
	if _, set := os.LookupEnv("GOGC"); !set {
		debug.SetGCPercent(400)
	}
}

// quietFramework turns off the trace of the libraries below the provider, unless the user asked for it. Even when nobody
// reads it, the plugin framework (v1.19) carries its context through every attribute it visits, so that large maps cost
// the square of their size, and each request is traced in a dozen lines.
func quietFramework() error {
	for _, wanted := range []string{"TF_LOG", "TF_LOG_PROVIDER", "TF_LOG_SDK"} {
		if level := strings.ToUpper(os.Getenv(wanted)); level == "TRACE" || level == "JSON" {
			return nil
		}
	}
	for _, variable := range []string{"TF_LOG_SDK_FRAMEWORK", "TF_LOG_SDK_PROTO"} {
		if _, set := os.LookupEnv(variable); set {
			continue
		}
		if err := os.Setenv(variable, "OFF"); err != nil {
			return fmt.Errorf("set %s: %w", variable, err)
		}
	}
	return nil
}
