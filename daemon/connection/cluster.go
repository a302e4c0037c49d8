package connection

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/headgate/terraform-provider-headgate/daemon/store"
	"github.com/headgate/terraform-provider-headgate/internal/api"
)

// namedThrough is how many of the things behind a connection a warning names.
const namedThrough = 20

// clusterAfter is the cluster that is known after a write: without a test that of before, if nothing was changed.
func (c *checkedSpec) clusterAfter(have store.Connection) string {
	if c.tested || !bytes.Equal(c.open, have.Spec) {
		return c.clusterID
	}
	return have.ClusterID
}

// leadsElsewhere warns that a change has a connection lead to another cluster, or that it may.
func (s *Service) leadsElsewhere(ctx context.Context, have store.Connection, checked *checkedSpec) ([]api.Warning, error) {
	after := checked.clusterAfter(have)
	if checked.unknown || have.ClusterID == "" || have.ClusterID == after {
		return nil, nil
	}
	through, err := s.declaredThrough(ctx, have.Name)
	if err != nil {
		return nil, err
	}
	warning := api.Warning{
		Summary: fmt.Sprintf("Connection %q is to lead to another cluster: %s -> %s", have.Name, have.ClusterID, after), Attribute: "/spec",
		Detail: "After the apply, everything that is declared through it is looked for in the new cluster. What is not there, the next plan makes anew, empty. " +
			"What the old cluster holds stays as it is, protected or not, and is managed no more." + through +
			" To manage both clusters, leave this connection as it is and declare another one.",
	}
	if after == "" {
		warning.Summary = fmt.Sprintf("Connection %q may lead to another cluster than %s: no test told", have.Name, have.ClusterID)
		warning.Detail = "If it does: " + strings.ToLower(warning.Detail[:1]) + warning.Detail[1:]
	}
	return []api.Warning{warning}, nil
}

// declaredThrough says what is behind a connection, as far as notes are kept of it.
func (s *Service) declaredThrough(ctx context.Context, name string) (string, error) {
	var found []string
	topics, err := s.store.Topics(ctx, name)
	if err != nil {
		return "", err
	}
	for _, t := range topics {
		words := fmt.Sprintf("topic %q", t.Name)
		if t.DeletionProtection {
			words += " (protected from deletion)"
		}
		found = append(found, words)
	}
	connectors, err := s.store.KafkaConnectors(ctx)
	if err != nil {
		return "", err
	}
	for _, c := range connectors {
		if c.Connection == name {
			found = append(found, fmt.Sprintf("connector %q", c.Name))
		}
	}
	users, err := s.usersOf(ctx, name)
	if err != nil {
		return "", err
	}
	found = slices.Concat(users, found)
	switch rest := len(found) - namedThrough; {
	case len(found) == 0:
		return "", nil
	case rest > 0:
		found = append(found[:namedThrough], fmt.Sprintf("%d more", rest))
	}
	return " The daemon has notes of " + strings.Join(found, ", ") + ".", nil
}

// Leads says whether a connection is another one, or leads to the same cluster as far as that is known.
func (s *Service) Leads(ctx context.Context, name, other, cluster string) (bool, error) {
	if name == other || cluster == "" {
		return name == other, nil
	}
	row, err := s.store.Connection(ctx, name)
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	return row.ClusterID == cluster, err
}

// compareCluster notes which cluster a test found, or warns that it is not the one that was there before.
func (s *Service) compareCluster(ctx context.Context, have store.Connection, result *api.ConnectionTest) error {
	switch {
	case !result.OK || result.ClusterID == "" || result.ClusterID == have.ClusterID:
		return nil
	case have.ClusterID == "":
		return s.store.NoteCluster(ctx, have.Name, have.Generation, result.ClusterID)
	}
	result.Warnings = append(result.Warnings, api.Warning{
		Summary: fmt.Sprintf("Connection %q leads to another cluster than when it was declared: %s -> %s", have.Name, have.ClusterID, result.ClusterID),
		Detail: "Its addresses lead elsewhere now. What is declared through it is looked for in the new cluster, and planned anew where it is not there. " +
			"If that is not meant, correct the addresses; if it is, the next change of the connection that is applied takes note of it.",
	})
	return nil
}
