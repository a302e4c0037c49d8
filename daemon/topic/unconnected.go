package topic

import (
	"context"
	"errors"
	"fmt"

	"github.com/headgate/terraform-provider-headgate/daemon/topicconfig"
	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/internal/spec"
)

// isMissing says whether an error is that of a connection that does not exist.
func isMissing(err error) bool {
	e, ok := errors.AsType[*api.Error](err)
	return ok && e.Code == api.CodeNotFound && e.Attribute == "/connection"
}

// unconnected adds to the error of a dry run whose connection does not exist what is wrong all the same: a plan that makes
// the connection too hears it now. What only the cluster knows is left to the cluster.
func (s *Service) unconnected(ctx context.Context, connection, name string, d declaration, opts api.WriteOptions, missing error) error {
	e, ok := errors.AsType[*api.Error](missing)
	if !ok || !opts.DryRun || !isMissing(missing) {
		return missing
	}
	all := *e
	for _, key := range d.configs() {
		pointer := spec.Join("/config", key)
		if err := topicconfig.CheckAnywhere(key, d.Config[key]); err != nil {
			all.More = append(all.More, *api.Invalid(pointer, fmt.Sprintf("No cluster takes this value of %s", key), err.Error()+".", "Correct the value."))
		}
		if _, known := topicconfig.Find(key); !known {
			all.Warnings = append(all.Warnings, unknownConfig(pointer, key))
		}
	}
	// A topic that exists may keep what it has, so these are for new ones.
	if opts.CreateOnly {
		refused, ok := errors.AsType[*api.Error](s.creatable(ctx, connection, d.creation(name)))
		if ok {
			all.More = append(all.More, refused.All()...)
		}
	}
	return &all
}

func unknownConfig(pointer, key string) api.Warning {
	detail := "The connection does not exist yet, so its cluster could not be asked. Clusters of other makers have configs of their own; any other cluster refuses it when the topic is made."
	if meant := topicconfig.Meant(key); meant != "" {
		detail = fmt.Sprintf("Did you mean %s? %s", meant, detail)
	}
	return api.Warning{Attribute: pointer, Summary: fmt.Sprintf("Apache Kafka has no topic config %q", key), Detail: detail}
}
