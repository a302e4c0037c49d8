package registry

import (
	"context"
	"fmt"
	"slices"

	"github.com/headgate/terraform-provider-headgate/daemon/store"
)

// deleteSubject deletes all versions of a subject and answers their numbers: softly those that are there, or for good those
// that were deleted softly. With the soft delete the subject's own settings go.
func (r *Registry) deleteSubject(ctx context.Context, subject string, permanent bool) ([]int64, error) {
	var doomed []store.RegistryVersion
	err := r.change(ctx, func(state store.RegistryState) (*store.RegistryChange, error) {
		versions, err := r.store.RegistrySubjectVersions(ctx, subject)
		if err != nil {
			return nil, err
		}
		if doomed, err = doomedVersions(subject, versions, permanent); err != nil {
			return nil, err
		}
		return r.planDelete(ctx, state, subject, doomed, permanent, true)
	})
	if err != nil {
		return nil, err
	}
	numbers := make([]int64, len(doomed))
	for i, v := range doomed {
		numbers[i] = v.Version
	}
	r.logger.InfoContext(ctx, "subject deleted", "subject", subject, "versions", len(doomed), "permanent", permanent)
	return numbers, nil
}

func doomedVersions(subject string, versions []store.RegistryVersion, permanent bool) ([]store.RegistryVersion, error) {
	alive := live(versions)
	switch {
	case len(versions) == 0:
		return nil, subjectNotFound(subject)
	case permanent && len(alive) > 0:
		return nil, subjectNotSoftDeleted(subject)
	case permanent:
		return versions, nil
	case len(alive) == 0:
		return nil, subjectSoftDeleted(subject)
	default:
		return alive, nil
	}
}

// deleteVersion deletes one version, softly or, after that, for good.
func (r *Registry) deleteVersion(ctx context.Context, subject string, id versionID, permanent bool) (int64, error) {
	var doomed store.RegistryVersion
	err := r.change(ctx, func(state store.RegistryState) (*store.RegistryChange, error) {
		versions, err := r.versions(ctx, subject, id != latest || permanent)
		if err != nil {
			return nil, err
		}
		if doomed, err = pick(subject, versions, id); err != nil {
			return nil, err
		}
		switch {
		case permanent && !doomed.Deleted:
			return nil, versionNotSoftDeleted(subject, doomed.Version)
		case !permanent && doomed.Deleted:
			return nil, versionSoftDeleted(subject, doomed.Version)
		}
		return r.planDelete(ctx, state, subject, []store.RegistryVersion{doomed}, permanent, false)
	})
	if err != nil {
		return 0, err
	}
	r.logger.InfoContext(ctx, "version deleted", "subject", subject, "version", doomed.Version, "permanent", permanent)
	return doomed.Version, nil
}

func (r *Registry) planDelete(ctx context.Context, state store.RegistryState, subject string, doomed []store.RegistryVersion, permanent, settings bool) (*store.RegistryChange, error) {
	row, err := r.subject(ctx, subject)
	if err != nil {
		return nil, err
	}
	if m := modeOf(state, row); m.readOnly() {
		return nil, readOnly(subject, m)
	}
	for _, v := range doomed {
		if err := r.unreferenced(ctx, v, doomed, permanent); err != nil {
			return nil, err
		}
	}
	if permanent {
		return &store.RegistryChange{RemoveVersions: doomed}, nil
	}
	change := &store.RegistryChange{}
	for _, v := range doomed {
		v.Deleted = true
		change.PutVersions = append(change.PutVersions, v)
	}
	if settings {
		row.Compatibility, row.Mode, row.Normalize = "", "", ""
		change.Subject = &row.RegistrySubject
	}
	return change, nil
}

// unreferenced refuses to delete what others build on: softly what versions that are there refer to, for good also what
// softly deleted ones do, because their ids still lead to them.
func (r *Registry) unreferenced(ctx context.Context, v store.RegistryVersion, doomed []store.RegistryVersion, permanent bool) error {
	referrers, err := r.store.RegistryReferrers(ctx, v.Subject, v.Version)
	if err != nil {
		return err
	}
	var names []string
	for _, other := range referrers {
		if slices.Contains(doomed, other) || (other.Deleted && !permanent) {
			continue
		}
		names = append(names, fmt.Sprintf("version %d of %q", other.Version, other.Subject))
	}
	if len(names) > 0 {
		return referenceExists(v.Subject, v.Version, names)
	}
	return nil
}
