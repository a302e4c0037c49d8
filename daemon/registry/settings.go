package registry

import (
	"context"
	"slices"
	"strconv"

	"github.com/headgate/terraform-provider-headgate/daemon/store"
	"github.com/headgate/terraform-provider-headgate/internal/schemacompat"
)

// config is what a subject, a context or the registry is set to. What is unset is empty.
type config struct {
	Compatibility schemacompat.Mode `json:"compatibilityLevel,omitempty"`
	Normalize     *bool             `json:"normalize,omitempty"`
}

// config reads the settings of a subject, or with no subject those of the registry.
func (r *Registry) config(ctx context.Context, subject string, orGlobal bool) (config, error) {
	state, row, err := r.settings(ctx, subject)
	if err != nil {
		return config{}, err
	}
	if subject != "" && row.Compatibility == "" && row.Normalize == "" && !orGlobal {
		return config{}, noCompatibility(subject)
	}
	if subject != "" && !orGlobal {
		return ownConfig(row.Compatibility, row.Normalize), nil
	}
	return ownConfig(string(compatibilityOf(state, row)), firstSet(row.Normalize, row.context.Normalize, state.Normalize)), nil
}

func ownConfig(level, normalize string) config {
	c := config{Compatibility: schemacompat.Mode(level)}
	if normalize != "" {
		yes := normalize == "true"
		c.Normalize = &yes
	}
	return c
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

func (r *Registry) settings(ctx context.Context, subject string) (store.RegistryState, subjectRow, error) {
	state, err := r.store.RegistryState(ctx)
	if err != nil || subject == "" {
		return state, subjectRow{}, err
	}
	row, err := r.subject(ctx, subject)
	return state, row, err
}

// setConfig changes what is given, and leaves what is not.
func (r *Registry) setConfig(ctx context.Context, subject string, c config) error {
	if c.Compatibility == "" && c.Normalize == nil || c.Compatibility != "" && !slices.Contains(schemacompat.Modes(), c.Compatibility) {
		return invalidCompatibility(string(c.Compatibility))
	}
	return r.changeSettings(ctx, subject, func(state *store.RegistryState, row *subjectRow) error {
		if m := modeOf(*state, *row); m.readOnly() {
			return readOnly(subject, m)
		}
		level, normalize := &row.Compatibility, &row.Normalize
		if subject == "" {
			level, normalize = &state.Compatibility, &state.Normalize
		}
		if c.Compatibility != "" {
			*level = string(c.Compatibility)
		}
		if c.Normalize != nil {
			*normalize = strconv.FormatBool(*c.Normalize)
		}
		return nil
	})
}

// resetConfig takes a subject's own settings away, or the registry's back to the defaults, and answers what they were.
func (r *Registry) resetConfig(ctx context.Context, subject string) (config, error) {
	var was config
	err := r.changeSettings(ctx, subject, func(state *store.RegistryState, row *subjectRow) error {
		if m := modeOf(*state, *row); m.readOnly() {
			return readOnly(subject, m)
		}
		if subject == "" {
			was = ownConfig(string(compatibilityOf(*state, *row)), state.Normalize)
			state.Compatibility, state.Normalize = "", ""
			return nil
		}
		if row.Compatibility == "" && row.Normalize == "" {
			return noCompatibility(subject)
		}
		was = ownConfig(row.Compatibility, row.Normalize)
		row.Compatibility, row.Normalize = "", ""
		return nil
	})
	return was, err
}

// setMode changes a mode. IMPORT is for subjects, or a registry, that have no schemas, unless forced.
func (r *Registry) setMode(ctx context.Context, subject string, m mode, force bool) error {
	if !slices.Contains(modes, m) {
		return invalidMode(string(m))
	}
	if m == modeReadOnlyOverride && subject != contextOf(subject) {
		return notPermitted("Mode %s is for the registry or a context, as it overrules the modes of subjects: a subject's is %s", m, modeReadOnly)
	}
	return r.changeSettings(ctx, subject, func(state *store.RegistryState, row *subjectRow) error {
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
	if subject == contextOf(subject) {
		versions, err := r.store.RegistryVersions(ctx, subject)
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
	err := r.changeSettings(ctx, subject, func(state *store.RegistryState, row *subjectRow) error {
		was = modeOf(*state, *row)
		switch {
		case subject == "":
			state.Mode = ""
		case row.Mode == "":
			return noMode(subject)
		default:
			was, row.Mode = mode(row.Mode), ""
		}
		return nil
	})
	return was, err
}

// changeSettings edits the settings of a subject or a context, or with neither those of the registry.
func (r *Registry) changeSettings(ctx context.Context, subject string, edit func(state *store.RegistryState, row *subjectRow) error) error {
	if err := checkName(subject); err != nil {
		return err
	}
	err := r.change(ctx, func(state store.RegistryState) (*store.RegistryChange, error) {
		row := subjectRow{}
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
		return &store.RegistryChange{Subject: &row.RegistrySubject}, nil
	})
	if err == nil {
		r.logger.InfoContext(ctx, "registry settings changed", "subject", subject)
	}
	return err
}
