package topicset

import (
	"context"
	"fmt"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"

	"github.com/headgate/terraform-provider-headgate/internal/api"
)

// selection is what an import takes: the topics of these names, or all whose names begin with prefix.
type selection struct {
	connection string
	prefix     string
	names      []string
}

// ImportResourceState takes topics into a new set. The read that follows completes them.
func (r *Resource) ImportResourceState(ctx context.Context, req *tfprotov6.ImportResourceStateRequest) (*tfprotov6.ImportResourceStateResponse, error) {
	diags := &diagnostics{}
	state, err := r.imported(ctx, req, diags)
	if err != nil || diags.hasError() {
		return &tfprotov6.ImportResourceStateResponse{Diagnostics: diags.all}, err
	}
	encoded, err := state.encode()
	if err != nil {
		return nil, err
	}
	identity, err := state.identity()
	if err != nil {
		return nil, err
	}
	return &tfprotov6.ImportResourceStateResponse{ImportedResources: []*tfprotov6.ImportedResource{{
		TypeName: req.TypeName, State: encoded, Private: private{Imported: true}.bytes(), Identity: identity,
	}}}, nil
}

func (r *Resource) imported(ctx context.Context, req *tfprotov6.ImportResourceStateRequest, diags *diagnostics) (*set, error) {
	id, err := importID(req)
	if err != nil {
		return nil, err
	}
	sel, ok := parseImportID(id)
	if !ok {
		diags.fail(nil, "The import id is not valid", fmt.Sprintf("%q is not of the form connection, connection/prefix* or connection/name,name, such as main/payments.*", id))
		return nil, nil
	}
	var found diag.Diagnostics
	client, ok := r.NeedClient(&found)
	if !ok {
		diags.fail(nil, found[0].Summary(), found[0].Detail())
		return nil, nil
	}
	if sel.names == nil {
		if sel.names, err = list(ctx, client, sel); err != nil {
			diags.error("list the topics of connection "+sel.connection, err)
			return nil, nil
		}
	}
	if len(sel.names) == 0 {
		diags.fail(nil, "There is nothing to import", fmt.Sprintf("Connection %q has no topics with names that begin with %q.", sel.connection, sel.prefix))
		return nil, nil
	}
	// Defaults that say nothing stand for those of the configuration: see planned.
	state := &set{connection: known(sel.connection), defaults: defaults{opt: known(true)}, topics: map[string]entry{}}
	for _, name := range sel.names {
		state.topics[name] = entry{}
	}
	return state, nil
}

// importID is that of the command line, or made of an identity.
func importID(req *tfprotov6.ImportResourceStateRequest) (string, error) {
	if req.ID != "" || req.Identity == nil {
		return req.ID, nil
	}
	value, err := req.Identity.IdentityData.Unmarshal(identityType)
	if err != nil {
		return "", fmt.Errorf("decode identity: %w", err)
	}
	read := &reader{}
	attributes := read.object(value)
	connection, topics := read.text(attributes[attrConnection]), read.text(attributes[attrTopics])
	if topics.v == "" {
		return connection.v, read.err
	}
	return connection.v + "/" + topics.v, read.err
}

func parseImportID(id string) (selection, bool) {
	connection, rest, _ := strings.Cut(id, "/")
	sel := selection{connection: connection}
	prefix, all := strings.CutSuffix(rest, "*")
	switch {
	case connection == "":
		return sel, false
	case rest == "":
		return sel, !strings.HasSuffix(id, "/")
	case all:
		sel.prefix = prefix
		return sel, !strings.ContainsAny(prefix, "*,")
	}
	for name := range strings.SplitSeq(rest, ",") {
		if name = strings.TrimSpace(name); name == "" || strings.Contains(name, "*") {
			return sel, false
		}
		sel.names = append(sel.names, name)
	}
	return sel, true
}

func list(ctx context.Context, client *api.Client, sel selection) ([]string, error) {
	var names []string
	for cursor := ""; ; {
		page, err := client.ListTopics(ctx, sel.connection, api.TopicQuery{Prefix: sel.prefix, Effective: []string{api.RetentionConfig}}, cursor)
		if err != nil {
			return nil, err
		}
		if len(page.Warnings) > 0 {
			// A set that lacks some of what its prefix names would not be what was asked for.
			return nil, fmt.Errorf("%s: %s", page.Warnings[0].Summary, page.Warnings[0].Detail)
		}
		for _, t := range page.Items {
			names = append(names, t.Name)
		}
		if cursor = page.Next; cursor == "" {
			return names, nil
		}
	}
}
