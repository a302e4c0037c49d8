package schema

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/twmb/franz-go/pkg/sr"
	"golang.org/x/sync/errgroup"
)

// What follows is for the compatible API of Apicurio Registry (3.3), which answers the compatibility that holds for a subject
// whether it is the subject's own or the registry's. Apicurio's own API tells them apart. A proxy may hide it: then one that
// is the same as the registry's may be either.

const (
	// apicurioCompatible is in the path below which Apicurio has its compatible API, in some version.
	apicurioCompatible = "/apis/ccompat/v"
	// apicurioOwn is where its own API lies, seen from the compatible one.
	apicurioOwn = "/../../registry/v3"
)

// apicurioBeside is a client for the own API of the Apicurio whose compatible one the client is for, nil where something
// else answers in its place.
func apicurioBeside(ctx context.Context, client *sr.Client) (*sr.Client, error) {
	beside, err := sr.NewClient(append(slices.Clone(client.Opts()), sr.PreReq(func(req *http.Request) error {
		req.Header.Set("Accept", "application/json")
		return nil
	}))...)
	if err != nil {
		return nil, err
	}
	var answer []byte
	if err := beside.Do(ctx, http.MethodGet, apicurioOwn+"/system/info", nil, &answer); err != nil {
		err = confluentFault(err)
		if s := status(err); s != 0 && s < http.StatusInternalServerError {
			return nil, nil
		}
		return nil, err
	}
	if !strings.Contains(string(answer), "Apicurio") {
		return nil, nil
	}
	return beside, nil
}

// told are the settings of a subject, or of the registry.
func (c *confluent) told(ctx context.Context, subject string) (s Settings, err error) {
	if subject != "" && c.rules != nil {
		own, err := c.hasRule(ctx, subject)
		if err != nil || !own {
			return s, err
		}
		s.Compatibility, err = c.compatibility(ctx, subject)
		return s, err
	}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() (err error) {
		s.Compatibility, err = c.compatibility(ctx, subject)
		return err
	})
	if subject != "" {
		group.Go(func() (err error) {
			s.Inherited, err = c.Inherited(ctx)
			return err
		})
	}
	err = group.Wait()
	return s, err
}

// hasRule asks Apicurio's own API whether the subject has a compatibility of its own.
func (c *confluent) hasRule(ctx context.Context, subject string) (bool, error) {
	var rules []string
	err := c.rules.Do(ctx, http.MethodGet, apicurioRules(subject), nil, &rules)
	if status(confluentFault(err)) == http.StatusNotFound {
		return false, nil
	}
	return slices.Contains(rules, ruleCompatibility), confluentFault(err)
}

// inherit takes the compatibility of a subject back. The compatible API answers this for NONE as if it had done it, and does
// nothing.
func (c *confluent) inherit(ctx context.Context, subject string) error {
	if c.rules != nil {
		err := confluentFault(c.rules.Do(ctx, http.MethodDelete, apicurioRules(subject)+"/"+ruleCompatibility, nil, nil))
		if status(err) == http.StatusNotFound {
			return nil
		}
		return err
	}
	own, err := c.Settings(ctx, subject)
	if err != nil {
		return err
	}
	if own.Compatibility == modeNone && own.Inherited != modeNone {
		if err := c.SetCompatibility(ctx, subject, own.Inherited); err != nil {
			return err
		}
	}
	return c.resetCompatibility(ctx, subject)
}

// apicurioRules is where Apicurio's own API has the rules of a subject.
func apicurioRules(subject string) string {
	return apicurioOwn + "/groups/default/artifacts/" + url.PathEscape(subject) + "/rules"
}
