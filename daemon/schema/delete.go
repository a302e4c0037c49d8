package schema

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/twmb/franz-go/pkg/sr"

	"github.com/headgate/terraform-provider-headgate/internal/api"
)

// Delete deletes a subject: softly, so that its ids still resolve and it can be registered again, or hard, for good. A
// hard delete also takes a subject that was deleted softly before.
func (s *Service) Delete(ctx context.Context, connection, subject string, hard bool, opts api.WriteOptions) (*api.Deletion, error) {
	r, err := s.registry(ctx, connection)
	if err != nil {
		return nil, err
	}
	if opts.DryRun {
		d, err := r.prepareDelete(ctx, subject, hard, opts)
		if err != nil {
			return nil, err
		}
		return d.answer(), nil
	}
	unlock, err := s.writing.Lock(ctx, creation(connection, subject))
	if err != nil {
		return nil, err
	}
	defer unlock()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), writeTimeout)
	defer cancel()
	d, err := r.prepareDelete(ctx, subject, hard, opts)
	if err != nil {
		return nil, err
	}
	if err := d.run(ctx); err != nil {
		return nil, err
	}
	return d.answer(), nil
}

// deletion is one delete of a subject.
type deletion struct {
	r        *registry
	subject  string
	hard     bool
	live     []int // versions
	versions []int // with those that were deleted softly, where the delete is hard
}

func (r *registry) prepareDelete(ctx context.Context, subject string, hard bool, opts api.WriteOptions) (*deletion, error) {
	d := &deletion{r: r, subject: subject, hard: hard}
	var err error
	if d.live, err = r.versions(ctx, subject); err != nil {
		return nil, err
	}
	d.versions = d.live
	if hard {
		if d.versions, err = r.versions(sr.WithParams(ctx, sr.ShowDeleted), subject); err != nil {
			return nil, err
		}
	}
	if len(d.versions) == 0 {
		return nil, api.NotFound("Subject", subject)
	}
	if err := d.expected(ctx, opts); err != nil {
		return nil, err
	}
	return d, d.unused(ctx)
}

// versions lists the versions, none when the registry says that there is no such subject.
func (r *registry) versions(ctx context.Context, subject string) ([]int, error) {
	versions, err := r.client.SubjectVersions(ctx, subject)
	if isAbsent(err) {
		return nil, nil
	}
	if err != nil {
		return nil, r.failure(fmt.Sprintf("list the versions of subject %q", subject), err)
	}
	slices.Sort(versions)
	return versions, nil
}

func (d *deletion) expected(ctx context.Context, opts api.WriteOptions) error {
	if opts.Generation == "" {
		return nil
	}
	have, err := d.r.get(ctx, d.subject)
	if err != nil {
		return err
	}
	if have.Generation != opts.Generation {
		return api.Conflict("Subject", d.subject)
	}
	return nil
}

// unused refuses to delete what schemas of other subjects refer to.
func (d *deletion) unused(ctx context.Context) error {
	users := map[string]bool{}
	for _, version := range d.live {
		referrers, err := d.r.client.SchemaReferences(ctx, d.subject, version)
		if status(err) == http.StatusNotFound {
			continue // A registry that cannot tell refuses the delete itself.
		}
		if err != nil {
			return d.r.failure(fmt.Sprintf("find what refers to subject %q", d.subject), err)
		}
		for _, one := range referrers {
			if one.Subject != d.subject {
				users[fmt.Sprintf("version %d of subject %q", one.Version, one.Subject)] = true
			}
		}
	}
	if len(users) == 0 {
		return nil
	}
	names := make([]string, 0, len(users))
	for name := range users {
		names = append(names, name)
	}
	slices.Sort(names)
	return api.Refused(api.CodeInUse, "/subject", fmt.Sprintf("Subject %q is in use", d.subject), "It is referred to by "+strings.Join(names, ", ")+".", "Delete these first.")
}

func (d *deletion) run(ctx context.Context) error {
	if len(d.live) > 0 {
		if err := d.step(ctx, sr.SoftDelete); err != nil {
			return err
		}
	}
	if d.hard {
		if err := d.step(ctx, sr.HardDelete); err != nil {
			return err
		}
	}
	// A subject made anew under this name is to begin with the global mode.
	answer := d.r.client.ResetCompatibility(ctx, d.subject)[0]
	if answer.Err != nil && !hasCode(answer.Err, codeNoCompatibility, codeSubjectNotFound) {
		d.r.log.WarnContext(ctx, "the compatibility of a deleted subject is left behind", "connection", d.r.name, "subject", d.subject, "error", answer.Err)
	}
	return nil
}

// step deletes; that it is gone already is fine.
func (d *deletion) step(ctx context.Context, how sr.DeleteHow) error {
	_, err := d.r.client.DeleteSubject(ctx, d.subject, how)
	if err == nil || isAbsent(err) || hasCode(err, codeSubjectSoftDeleted) && how == sr.SoftDelete {
		return nil
	}
	return d.r.refused(fmt.Sprintf("delete subject %q", d.subject), err)
}

func (d *deletion) answer() *api.Deletion {
	effect := api.Warning{Summary: capital(numbered(d.versions)) + fmt.Sprintf(" of subject %q go", d.subject)}
	if len(d.versions) == 1 {
		effect.Summary = capital(numbered(d.versions)) + fmt.Sprintf(" of subject %q goes", d.subject)
	}
	if d.hard {
		effect.Detail = "They go for good: records that carry their ids can no longer be decoded."
	} else {
		effect.Detail = "The delete is soft: their ids still resolve, so records written with them stay readable, and the next version continues the count."
	}
	return &api.Deletion{Effects: []api.Warning{effect}}
}

func numbered(versions []int) string {
	numbers := make([]string, 0, len(versions))
	for _, v := range versions {
		numbers = append(numbers, strconv.Itoa(v))
	}
	if len(numbers) == 1 {
		return "version " + numbers[0]
	}
	return "versions " + strings.Join(numbers, ", ")
}

func capital(s string) string { return strings.ToUpper(s[:1]) + s[1:] }
