package schema

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

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
	if err := s.restoreLeft(ctx, r, subject); err != nil {
		return nil, err
	}
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
	r       *opened
	subject string
	hard    bool
	live    []int64 // versions
	numbers []int64 // with those that were deleted softly, where the delete is hard
	own     Settings
}

func (r *opened) prepareDelete(ctx context.Context, subject string, hard bool, opts api.WriteOptions) (*deletion, error) {
	d := &deletion{r: r, subject: subject, hard: hard}
	var err error
	if d.live, err = r.numbers(ctx, subject, false); err != nil {
		return nil, err
	}
	d.numbers = d.live
	if hard && r.Traits().SoftDelete {
		if d.numbers, err = r.numbers(ctx, subject, true); err != nil {
			return nil, err
		}
	}
	if len(d.numbers) == 0 {
		return nil, r.noSubject(subject)
	}
	if err := d.expected(ctx, opts); err != nil {
		return nil, err
	}
	if err := d.allowed(ctx); err != nil {
		return nil, err
	}
	return d, d.unused(ctx)
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

// allowed refuses what the registry would refuse, or cannot do.
func (d *deletion) allowed(ctx context.Context) error {
	t := d.r.Traits()
	if !d.hard && !t.SoftDelete {
		return api.Refused(api.CodeProtected, "/hard", fmt.Sprintf("Subject %q can only be deleted for good", d.subject),
			fmt.Sprintf("There is no soft delete in %s: the ids of a deleted schema no longer resolve, and records that carry them can no longer be read.", t.Name),
			"Set hard_delete = true and apply that, if nobody needs to read such records any more; or take the resource out of Terraform alone, with a removed block.")
	}
	err := d.r.MayDelete(ctx, d.hard)
	if is(err, NotPermitted) {
		return api.Refused(api.CodeRefused, "/hard", "The registry does not delete for good", fmt.Sprintf("Through connection %q, the registry says: %s.", d.r.name, said(err)),
			"Leave hard_delete out: a soft delete is possible. Or have the registry's operator allow it.")
	}
	if err != nil {
		return d.r.failure(fmt.Sprintf("ask whether subject %q may be deleted", d.subject), err)
	}
	if d.own, err = d.r.own(ctx, d.subject); err != nil {
		return err
	}
	if d.own.Mode == modeReadOnly {
		return api.Refused(api.CodeProtected, "/mode", fmt.Sprintf("Subject %q is READONLY", d.subject), "In that mode it takes no delete.",
			`Set mode = "READWRITE" on the subject, apply, and delete it then.`)
	}
	return nil
}

// unused refuses to delete what schemas of other subjects refer to.
func (d *deletion) unused(ctx context.Context) error {
	users, err := d.r.Referrers(ctx, d.subject, d.live)
	if err != nil {
		return d.r.failure(fmt.Sprintf("find what refers to subject %q", d.subject), err)
	}
	if len(users) == 0 {
		return nil
	}
	slices.Sort(users)
	return api.Refused(api.CodeInUse, "/subject", fmt.Sprintf("Subject %q is in use", d.subject), "It is referred to by "+strings.Join(slices.Compact(users), ", ")+".", "Delete these first.")
}

func (d *deletion) run(ctx context.Context) error {
	// A subject made anew under this name is to begin with the global settings. The mode goes first, or it would forbid the rest.
	if d.own.Mode != "" {
		d.forget(ctx, d.r.SetMode)
	}
	if err := d.r.Delete(ctx, d.subject, d.hard); err != nil {
		return d.r.refused(fmt.Sprintf("delete subject %q", d.subject), err)
	}
	if d.own.Compatibility != "" && d.r.Traits().Implied == "" {
		d.forget(ctx, d.r.SetCompatibility)
	}
	return nil
}

func (d *deletion) forget(ctx context.Context, set func(ctx context.Context, subject, value string) error) {
	if err := set(ctx, d.subject, ""); err != nil && !is(err, Absent) {
		d.r.log.WarnContext(ctx, "a setting of a deleted subject is left behind", "connection", d.r.name, "subject", d.subject, "error", err)
	}
}

func (d *deletion) answer() *api.Deletion {
	effect := api.Warning{Summary: capital(numbered(d.numbers)) + fmt.Sprintf(" of subject %q go", d.subject)}
	if len(d.numbers) == 1 {
		effect.Summary = capital(numbered(d.numbers)) + fmt.Sprintf(" of subject %q goes", d.subject)
	}
	if d.hard {
		effect.Detail = "They go for good: records that carry their ids can no longer be decoded."
	} else {
		effect.Detail = "The delete is soft: their ids still resolve, so records written with them stay readable, and the next version continues the count."
	}
	return &api.Deletion{Effects: []api.Warning{effect}}
}

func numbered(versions []int64) string {
	numbers := make([]string, 0, len(versions))
	for _, v := range versions {
		numbers = append(numbers, strconv.FormatInt(v, 10))
	}
	if len(numbers) == 1 {
		return "version " + numbers[0]
	}
	return "versions " + strings.Join(numbers, ", ")
}

func capital(s string) string { return strings.ToUpper(s[:1]) + s[1:] }
