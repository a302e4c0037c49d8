package kafkaconnect

import (
	"context"

	"github.com/headgate/terraform-provider-headgate/internal/api"
)

// Restart restarts a connector with its tasks, or only what has failed of it, and waits until something has come of it.
func Restart(ctx context.Context, client *api.Client, connection, name string, onlyFailed bool, say func(text string)) error {
	return engine.Restart(ctx,
		func(ctx context.Context) (*api.KafkaConnector, error) {
			return client.RestartKafkaConnector(ctx, connection, name, onlyFailed)
		},
		func(ctx context.Context) (*api.KafkaConnector, error) {
			return client.WaitKafkaConnector(ctx, connection, name)
		}, say)
}
