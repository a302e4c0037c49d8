package registry

import (
	"context"
	"slices"

	"github.com/headgate/terraform-provider-headgate/daemon/store"
)

// compatibility reads the compatibility of a subject, or with no subject that of the registry.
func (r *Registry) compatibility(ctx context.Context, subject string, orGlobal bool) (compatibility, error) {
	state, row, err := r.settings(ctx, subject)
	if err != nil {
		return "", err
	}
	if subject != "" && row.Compatibility == "" && !orGlobal {
		return "", noCompatibility(subject)
	}
	return compatibilityOf(state, row), nil
}

// mode reads the mode of a subject, or with no subject that of the registry.
func (r *Registry) mode(ctx context.Context, subject string, orGlobal bool) (mode, error) {
	state, row, err := r.settings(ctx, subject)
	if err != nil {
		return "", err
	}
	if subject != "" && row.Mode == "" && !orGlobal {
		return "", noMode(subject)
	}
	return modeOf(state, row), nil
}

func (r *Registry) settings(ctx context.Context, subject string) (store.RegistryState, store.RegistrySubject, error) {
	state, err := r.store.RegistryState(ctx)
	if err != nil || subject == "" {
		return state, store.RegistrySubject{}, err
	}
	row, err := r.subject(ctx, subject)
	return state, row, err
}

func (r *Registry) setCompatibility(ctx context.Context, subject string, level compatibility) error {
	if !slices.Contains(compatibilities, level) {
		return invalidCompatibility(string(level))
	}
	return r.changeSettings(ctx, subject, func(state *store.RegistryState, row *store.RegistrySubject) error {
		if modeOf(*state, *row) == modeReadOnly {
			return readOnly(subject)
		}
		if subject == "" {
			state.Compatibility = string(level)
		} else {
			row.Compatibility = string(level)
		}
		return nil
	})
}

// resetCompatibility takes a subject's own compatibility away, or the registry's back to BACKWARD, and answers what it was.
func (r *Registry) resetCompatibility(ctx context.Context, subject string) (compatibility, error) {
	var was compatibility
	err := r.changeSettings(ctx, subject, func(state *store.RegistryState, row *store.RegistrySubject) error {
		was = compatibilityOf(*state, *row)
		switch {
		case modeOf(*state, *row) == modeReadOnly:
			return readOnly(subject)
		case subject == "":
			state.Compatibility = ""
		case row.Compatibility == "":
			return noCompatibility(subject)
		default:
			row.Compatibility = ""
		}
		return nil
	})
	return was, err
}

// setMode changes a mode. IMPORT is for subjects, or a registry, that have no schemas, unless forced.
func (r *Registry) setMode(ctx context.Context, subject string, m mode, force bool) error {
	if !slices.Contains(modes, m) {
		return invalidMode(string(m))
	}
	return r.changeSettings(ctx, subject, func(state *store.RegistryState, row *store.RegistrySubject) error {
		if m == modeImport && !force && modeOf(*state, *row) != modeImport {
			if err := r.mayImport(ctx, subject); err != nil {
				return err
			}
		}
		if subject == "" {
			state.Mode = string(m)
		} else {
			row.Mode = string(m)
		}
		return nil
	})
}

func (r *Registry) mayImport(ctx context.Context, subject string) error {
	if subject == "" {
		versions, err := r.store.RegistryVersions(ctx, "")
		if err == nil && len(live(versions)) > 0 {
			return notPermitted("The registry has schemas: it goes into mode IMPORT only with force=true")
		}
		return err
	}
	versions, err := r.store.RegistrySubjectVersions(ctx, subject)
	if err == nil && len(live(versions)) > 0 {
		return notPermitted("Subject %q has schemas: it goes into mode IMPORT only with force=true", subject)
	}
	return err
}

// resetMode takes a subject's own mode away, or the registry's back to READWRITE, and answers what it was.
func (r *Registry) resetMode(ctx context.Context, subject string) (mode, error) {
	var was mode
	err := r.changeSettings(ctx, subject, func(state *store.RegistryState, row *store.RegistrySubject) error {
		was = modeOf(*state, *row)
		switch {
		case subject == "":
			state.Mode = ""
		case row.Mode == "":
			return noMode(subject)
		default:
			row.Mode = ""
		}
		return nil
	})
	return was, err
}

// changeSettings edits the settings of a subject, or with no subject those of the registry.
func (r *Registry) changeSettings(ctx context.Context, subject string, edit func(state *store.RegistryState, row *store.RegistrySubject) error) error {
	if subject != "" {
		if err := checkSubject(subject); err != nil {
			return err
		}
	}
	err := r.change(ctx, func(state store.RegistryState) (*store.RegistryChange, error) {
		row := store.RegistrySubject{}
		if subject != "" {
			var err error
			if row, err = r.subject(ctx, subject); err != nil {
				return nil, err
			}
		}
		if err := edit(&state, &row); err != nil {
			return nil, err
		}
		if subject == "" {
			return &store.RegistryChange{State: &state}, nil
		}
		return &store.RegistryChange{Subject: &row}, nil
	})
	if err == nil {
		r.logger.InfoContext(ctx, "registry settings changed", "subject", subject)
	}
	return err
}
