package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/headgate/terraform-provider-headgate/internal/real"
)

// benchAccess creates and plans ACLs, all of one principal and spread over several.
func benchAccess(ctx context.Context, o *options) error {
	return o.withDaemon(ctx, func(d *daemon) error {
		if err := d.connectKafka(ctx, "main", o.systems.Kafka.BootstrapServers(real.ListenerPlaintext)); err != nil {
			return err
		}
		for _, each := range []int{o.acls, 10} {
			principals := max(o.acls/each, 1)
			fmt.Printf("\n%d ACLs of %d principals, on a broker on the same machine, beside %d resources of the floor\n", o.acls, principals, o.acls)
			header()
			err := o.besideFloor(ctx, o.acls, func(round int) (*root, error) {
				return o.newRoot("headgate", d.endpoint, acls(principals, each, fmt.Sprintf("%sround%d-%d", o.run, round, each)))
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// acls are principals that may read topics.
func acls(principals, each int, name string) string {
	return separate("headgate_acl", principals, func(i int) string {
		var all strings.Builder
		fmt.Fprintf(&all, "  principal = \"User:%s-%s\"\n  rules = {\n", name, label(i))
		for j := range each {
			fmt.Fprintf(&all, "    %q = { resource_type = \"TOPIC\", resource_name = %q, operations = [\"READ\"] }\n", label(j), label(j))
		}
		all.WriteString("  }\n")
		return all.String()
	})
}
