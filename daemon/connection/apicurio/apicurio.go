// Package apicurio is the connection kind apicurio: its checks, its test, and where its API is.
package apicurio

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/headgate/terraform-provider-headgate/daemon/connection"
	"github.com/headgate/terraform-provider-headgate/daemon/connection/httpclient"
	"github.com/headgate/terraform-provider-headgate/daemon/connection/probe"
	"github.com/headgate/terraform-provider-headgate/daemon/connection/web"
	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/internal/spec"
)

// KindName is the kind's name.
const KindName = "apicurio"

// apiPath is where a registry has its own API.
const apiPath = "/apis/registry/v3"

// Kind implements [connection.Kind].
type Kind struct{}

var _ connection.Kind = Kind{}

// Site is how the registry's API is reached. Its URL has no slash at its end.
func Site(c *api.ApicurioConnection) web.Site {
	return web.Site{Access: httpclient.Access{Basic: c.Basic, Bearer: c.Bearer, TLS: c.TLS, Server: "registry"}, URL: strings.TrimSuffix(c.URL, "/"), OAuth2: c.OAuth2}
}

// Check finds what is wrong beyond single fields.
func (Kind) Check(target any) []spec.Problem {
	c := target.(*api.ApicurioConnection)
	problems := Site(c).Check()
	if strings.Contains(c.URL, "/apis/ccompat/") {
		problems = append(problems, spec.Problem{Path: "/url", Message: "is that of the Confluent-compatible API: use the kind schema_registry for it, or the registry's own API below " + apiPath})
	}
	return problems
}

// Warnings says what is unsafe.
func (Kind) Warnings(target any) []api.Warning {
	return Site(target.(*api.ApicurioConnection)).Warnings()
}

// References is empty.
func (Kind) References(any) []connection.Reference { return nil }

// Test walks to the registry: DNS, TCP, TLS, then asks what it is and for the group.
func (Kind) Test(ctx context.Context, target any) api.ConnectionTest {
	c := target.(*api.ApicurioConnection)
	r := &probe.Recorder{Attribute: "/spec/url"}
	if address, ok := Site(c).Reach(ctx, r); ok {
		test(ctx, r, c, address)
	}
	return r.Result()
}

func test(ctx context.Context, r *probe.Recorder, c *api.ApicurioConnection, address string) {
	site := Site(c)
	client, err := site.Client()
	if err != nil {
		_ = r.Step(ctx, api.StepProtocol, address, func(context.Context) (string, error) { return "", err })
		return
	}
	defer client.CloseIdleConnections()
	ask := func(path string) (web.Answer, error) {
		ctx, cancel := context.WithTimeout(ctx, probe.StepTimeout)
		defer cancel()
		return web.Get(ctx, client, http.MethodGet, site.URL+path)
	}
	info, err := ask("/system/info")
	if site.Judge(ctx, r, address, info, err, web.Expected{
		What: "an Apicurio Registry", Recognise: version, Grant: "Grant the role sr-readonly at least; declaring schemas needs sr-developer.",
		Where: "Check the URL, path included: the registry's own API is below " + apiPath + ".",
	}) != nil {
		return
	}
	_ = r.Step(ctx, api.StepAuthorization, address, func(context.Context) (string, error) { return group(c, ask) })
}

func version(a web.Answer) (string, error) {
	var info struct{ Name, Version string }
	if err := json.Unmarshal(a.Body, &info); err != nil || info.Version == "" {
		return "", errors.New("the answer does not tell a version")
	}
	if !strings.HasPrefix(info.Version, "3.") {
		return "", fmt.Errorf("it is version %s, and 3 is needed", info.Version)
	}
	return strings.TrimSpace(info.Name + " " + info.Version), nil
}

// group counts the artifacts of the group: whoever may not read them has no use for the connection.
func group(c *api.ApicurioConnection, ask func(path string) (web.Answer, error)) (string, error) {
	answer, err := ask("/search/artifacts?limit=1&groupId=" + url.QueryEscape(c.GroupID))
	if err != nil {
		return "", probe.Fail("searching the group "+c.GroupID+" failed", "", err)
	}
	if answer.Status == http.StatusUnauthorized || answer.Status == http.StatusForbidden {
		return "", probe.Fail("the credentials may not read the group "+c.GroupID, "Grant the role sr-readonly at least; declaring schemas needs sr-developer.", nil)
	}
	var found struct{ Count int }
	if answer.Status != http.StatusOK || json.Unmarshal(answer.Body, &found) != nil {
		return "", probe.Fail(fmt.Sprintf("searching the group %s answers %d", c.GroupID, answer.Status), "Look into the registry's log.", nil)
	}
	return fmt.Sprintf("%d artifact(s) in the group %s", found.Count, c.GroupID), nil
}
