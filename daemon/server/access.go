package server

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/headgate/terraform-provider-headgate/internal/api"
)

func (s *server) accessRoutes(face huma.API) {
	declaredRoutes(s, face, declaredNoun[api.ACLWrite, api.ACL]{
		segment: "acls", one: "the ACLs of a principal", several: "ACLs, by principal", service: s.ACLs,
		unknown: func(b api.ACLWrite) []string { return b.Unknown }, remove: s.ACLs.Delete,
	})
	declaredRoutes(s, face, declaredNoun[api.SCRAMUserWrite, api.SCRAMAccount]{
		segment: "scram-users", one: "a SCRAM user", several: "SCRAM users", service: s.SCRAMUsers,
		unknown: func(b api.SCRAMUserWrite) []string { return b.Unknown }, remove: s.SCRAMUsers.Delete,
	})
	quotas := declaredNoun[api.ClientQuotaWrite, api.ClientQuota]{
		segment: "client-quotas", one: "the quotas of an entity", several: "client quotas, by entity", service: s.Quotas.Service,
		unknown: func(b api.ClientQuotaWrite) []string { return b.Unknown },
	}
	declaredRoutes(s, face, quotas)
	route(s, face, http.MethodDelete, quotas.path(), quotas.id("delete"), "Delete quotas of an entity", func(ctx context.Context, in *struct {
		DeclaredPath
		Write
		Only []string `query:"only" doc:"The quotas to take away, comma-separated. Default: all of the entity."`
	},
	) (*api.Deletion, error) {
		return s.Quotas.Delete(ctx, in.Connection, in.Name, in.Only, in.options())
	})
}
