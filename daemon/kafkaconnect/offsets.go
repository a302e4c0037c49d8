package kafkaconnect

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/headgate/terraform-provider-headgate/daemon/connection/kafkaconnect"
	"github.com/headgate/terraform-provider-headgate/internal/api"
)

// Offsets reads how far a connector is.
func (s *Service) Offsets(ctx context.Context, connection, name string) (*api.KafkaConnectorOffsets, error) {
	c, err := s.cluster(ctx, connection)
	if err != nil {
		return nil, err
	}
	return c.offsets(ctx, name)
}

func (c *cluster) offsets(ctx context.Context, name string) (*api.KafkaConnectorOffsets, error) {
	answer := &api.KafkaConnectorOffsets{}
	err := c.client.Do(ctx, http.MethodGet, connectorPath(name)+"/offsets", nil, answer)
	if kafkaconnect.Status(err) == http.StatusNotFound {
		if gone := c.absent(ctx, name); gone != nil {
			return nil, gone
		}
		return nil, api.NotFound("Connector", name)
	}
	if err != nil {
		return nil, c.failure(fmt.Sprintf("read the offsets of connector %q", name), err)
	}
	if answer.Offsets == nil {
		answer.Offsets = []api.KafkaConnectorOffset{}
	}
	return answer, nil
}

// PutOffsets alters the offsets that are given, and leaves the others alone. The connector is stopped for that time and
// goes on as before.
func (s *Service) PutOffsets(ctx context.Context, connection, name string, body api.KafkaConnectorOffsets, opts api.WriteOptions) (*api.KafkaConnectorOffsets, error) {
	if err := checkOffsets(body); err != nil {
		return nil, err
	}
	return s.moveOffsets(ctx, connection, name, opts, func(ctx context.Context, c *cluster) error {
		return c.client.Do(ctx, http.MethodPatch, connectorPath(name)+"/offsets", body, nil)
	})
}

// ResetOffsets forgets all offsets, in the same way.
func (s *Service) ResetOffsets(ctx context.Context, connection, name string, opts api.WriteOptions) (*api.Deletion, error) {
	before, err := s.Offsets(ctx, connection, name)
	if err != nil {
		return nil, err
	}
	if !opts.DryRun {
		_, err = s.moveOffsets(ctx, connection, name, opts, func(ctx context.Context, c *cluster) error {
			return c.client.Do(ctx, http.MethodDelete, connectorPath(name)+"/offsets", nil, nil)
		})
	}
	return &api.Deletion{Effects: []api.Warning{{Summary: fmt.Sprintf("%d offset(s) are forgotten", len(before.Offsets)), Detail: "The connector begins anew, as its configuration says."}}}, err
}

func checkOffsets(body api.KafkaConnectorOffsets) error {
	if len(body.Offsets) == 0 {
		return api.Invalid("/offsets", "There are no offsets to set", "", "Name at least one partition. To forget all of them, reset them.")
	}
	for i, o := range body.Offsets {
		for name, raw := range map[string]json.RawMessage{"partition": o.Partition, "offset": o.Offset} {
			var object map[string]any
			if json.Unmarshal(raw, &object) != nil || object == nil && name == "partition" {
				return api.Invalid(fmt.Sprintf("/offsets/%d/%s", i, name), "A JSON object is needed here", "Partitions and offsets are JSON objects in the connector's own words; an offset may be null, which resets it.",
					"Look at what the connector has: read its offsets.")
			}
		}
	}
	return nil
}

// moveOffsets stops a connector, moves its offsets, and lets it go on as before.
func (s *Service) moveOffsets(ctx context.Context, connection, name string, opts api.WriteOptions, move func(ctx context.Context, c *cluster) error) (*api.KafkaConnectorOffsets, error) {
	c, err := s.cluster(ctx, connection)
	if err != nil {
		return nil, err
	}
	f, err := c.find(ctx, name)
	if err != nil {
		return nil, err
	}
	if f == nil {
		return nil, api.NotFound("Connector", name)
	}
	if opts.DryRun {
		return c.offsets(ctx, name)
	}
	done, err := s.begin(id(connection, name), true)
	if err != nil {
		return nil, err
	}
	defer done()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), writeTimeout)
	defer cancel()
	if err := c.stopped(ctx, f, func(ctx context.Context) error { return move(ctx, c) }); err != nil {
		return nil, err
	}
	return c.offsets(ctx, name)
}

// stopped does something while a connector is stopped, and lets it go on as before.
func (c *cluster) stopped(ctx context.Context, f *found, do func(ctx context.Context) error) error {
	was := f.state()
	if was != api.StateStopped {
		if err := c.setState(ctx, f.name, api.StateStopped); err != nil {
			return err
		}
	}
	err := c.awaitStopped(ctx, f.name)
	if err == nil {
		err = c.offsetsRefused(f.name, do(ctx))
	}
	if was == api.StateStopped {
		return err
	}
	undo, cancel := context.WithTimeout(context.WithoutCancel(ctx), undoTimeout)
	defer cancel()
	return errors.Join(err, c.setState(undo, f.name, was))
}

func (c *cluster) awaitStopped(ctx context.Context, name string) error {
	for {
		f, err := c.find(ctx, name)
		if err != nil {
			return err
		}
		if f == nil {
			return api.NotFound("Connector", name)
		}
		if f.status.state() == api.StateStopped {
			return nil
		}
		if err := sleep(ctx, pollEvery); err != nil {
			return c.failure(fmt.Sprintf("stop connector %q", name), errors.New("its tasks did not end in time"))
		}
	}
}

func (c *cluster) offsetsRefused(name string, err error) error {
	switch s := kafkaconnect.Status(err); {
	case err == nil:
		return nil
	case s == http.StatusBadRequest, s == http.StatusInternalServerError:
		return api.Invalid("/offsets", "Kafka Connect refuses the offsets", fmt.Sprintf("Through connection %q, it says: %s.", c.name, err), "Name partitions and offsets as the connector does: read its offsets.")
	}
	return c.failure(fmt.Sprintf("set the offsets of connector %q", name), err)
}
