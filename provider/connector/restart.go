package connector

import (
	"context"

	"github.com/headgate/terraform-provider-headgate/internal/api"
)

// Restart restarts a connector, or only its instances that have failed, and waits until something has come of it.
func Restart(ctx context.Context, client *api.Client, name string, onlyFailed bool, say func(text string)) error {
	return engine.Restart(ctx,
		func(ctx context.Context) (*api.Connector, error) {
			return client.RestartConnector(ctx, name, onlyFailed)
		},
		func(ctx context.Context) (*api.Connector, error) { return client.WaitConnector(ctx, name) }, say)
}
