package connector

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/provider/kind"
	"github.com/headgate/terraform-provider-headgate/provider/remote"
)

func name(m *types.Object) string { return kind.Attribute[types.String](*m, "name").ValueString() }

func what(m *types.Object) string { return fmt.Sprintf("connector %q", name(m)) }

func (s sources) where(m *types.Object, pointer string) path.Path {
	k, _, chosen := kind.Chosen(s.kinds, *m)
	if rest, ok := strings.CutPrefix(pointer, "/spec"); ok && chosen {
		return kind.Path(k.Fields, path.Root(k.Name), rest)
	}
	if rest, ok := strings.CutPrefix(pointer, "/settings"); ok {
		return kind.Path(settings(), path.Empty(), rest)
	}
	switch {
	case pointer == "/name":
		return path.Root("name")
	case pointer == "/kind" && chosen:
		return path.Root(k.Name)
	}
	return path.Empty()
}

// missing names what an error says is missing, where the same apply may create it first: a connection, or a topic.
func (s sources) missing(m *types.Object, pointer string) (noun, id string) {
	body, err := s.expand(*m, types.Object{})
	switch {
	case err != nil:
		return "", ""
	case pointer == "/spec/connection", pointer == "/settings/destination/connection":
		return "connection", remote.ValueAt(body, pointer)
	case strings.HasPrefix(pointer, "/spec/"):
		return "topic", remote.ValueAt(body, "/spec/connection") + "/" + remote.ValueAt(body, pointer)
	}
	return "", ""
}

// expand makes the request of a plan. The secrets are in the configuration only.
func (s sources) expand(plan, config types.Object) (api.ConnectorWrite, error) {
	k, planned, _ := kind.Chosen(s.kinds, plan)
	source := kind.Encode(k.Fields, planned, kind.Attribute[types.Object](config, k.Name))
	rest := kind.Encode(settings(), kind.Root(settings(), plan), types.Object{})
	rawSource, err := source.JSON()
	if err != nil {
		return api.ConnectorWrite{}, err
	}
	rawRest, err := rest.JSON()
	if err != nil {
		return api.ConnectorWrite{}, err
	}
	unknown := slices.Concat(source.UnknownBelow("/spec"), rest.UnknownBelow("/settings"))
	return api.ConnectorWrite{Type: api.TypeSource, Kind: k.Name, Spec: rawSource, Settings: rawRest, Unknown: unknown}, nil
}

// complete fills what the plan left open.
func complete(m *types.Object, c *api.Connector) error {
	status, err := status(c)
	if err != nil {
		return err
	}
	return kind.Set(m, map[string]attr.Value{"status": status})
}

func status(c *api.Connector) (types.Object, error) {
	answer, err := kind.NewAnswer(stableStatus{State: c.Status.State, Guarantee: c.Status.Guarantee, GroupID: c.Status.GroupID}, nil)
	if err != nil {
		return types.Object{}, err
	}
	return kind.Decode(statusFields(), answer, types.Object{}, kind.Resource), nil
}

// flatten moves a connector into state.
func (s sources) flatten(m *types.Object, c *api.Connector, _ bool) error {
	values, err := s.declared(c, *m, kind.Resource)
	if err != nil {
		return err
	}
	if err := kind.Set(m, values); err != nil {
		return err
	}
	return complete(m, c)
}

// declared are the values of what was declared. Prior has the user's own writing of them; a data source has none.
func (s sources) declared(c *api.Connector, prior types.Object, view kind.View) (map[string]attr.Value, error) {
	k, err := kind.Of(s.kinds, c.Kind, fmt.Sprintf("connector %q", c.Name))
	if err != nil {
		return nil, err
	}
	source, err := kind.NewAnswer(c.Spec, nil)
	if err != nil {
		return nil, err
	}
	rest, err := kind.NewAnswer(c.ConnectorSettings, nil)
	if err != nil {
		return nil, err
	}
	values := kind.Values(s.kinds, k.Name, kind.Decode(k.Fields, source, kind.Attribute[types.Object](prior, k.Name), view), view)
	maps.Copy(values, kind.Decode(settings(), rest, kind.Root(settings(), prior), view).Attributes())
	values["name"] = types.StringValue(c.Name)
	return values, nil
}
