package schema

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"

	"github.com/headgate/terraform-provider-headgate/internal/api"
)

// allSubjects is what a write to the settings of a whole registry locks.
const allSubjects = ""

// GetSettings reads what holds for subjects that have no settings of their own.
func (s *Service) GetSettings(ctx context.Context, connection string) (*api.SchemaRegistrySettings, error) {
	r, err := s.withSettings(ctx, connection)
	if err != nil {
		return nil, err
	}
	return r.global(ctx)
}

// PutSettings changes the declared ones; what is not declared is left as it is.
func (s *Service) PutSettings(ctx context.Context, connection string, body api.SchemaRegistrySettingsWrite, opts api.WriteOptions) (*api.SchemaRegistrySettings, error) {
	r, err := s.withSettings(ctx, connection)
	if err != nil {
		return nil, err
	}
	if err := r.checkSettings(body); err != nil {
		return nil, err
	}
	if opts.DryRun {
		have, err := r.expectedSettings(ctx, opts)
		if err != nil {
			return nil, err
		}
		return r.mergedSettings(have, body), nil
	}
	unlock, err := s.writing.Lock(ctx, creation(connection, allSubjects))
	if err != nil {
		return nil, err
	}
	defer unlock()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), writeTimeout)
	defer cancel()
	have, err := r.expectedSettings(ctx, opts)
	if err != nil {
		return nil, err
	}
	if err := r.setGlobal(ctx, have, Settings{Compatibility: body.Compatibility, Mode: body.Mode}); err != nil {
		return nil, err
	}
	return r.mergedSettings(have, body), nil
}

// DeleteSettings gives the registry its own defaults back.
func (s *Service) DeleteSettings(ctx context.Context, connection string, opts api.WriteOptions) (*api.Deletion, error) {
	r, err := s.withSettings(ctx, connection)
	if err != nil {
		return nil, err
	}
	if opts.DryRun {
		have, err := r.expectedSettings(ctx, opts)
		if err != nil {
			return nil, err
		}
		return deletionOfSettings(have), nil
	}
	unlock, err := s.writing.Lock(ctx, creation(connection, allSubjects))
	if err != nil {
		return nil, err
	}
	defer unlock()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), writeTimeout)
	defer cancel()
	have, err := r.expectedSettings(ctx, opts)
	if err != nil {
		return nil, err
	}
	if have.Mode != "" && have.Mode != modeReadWrite {
		if err := r.SetMode(ctx, allSubjects, ""); err != nil {
			return nil, r.undoGlobal(ctx, have, r.refused("take back the mode of the registry", err))
		}
	}
	if err := r.SetCompatibility(ctx, allSubjects, ""); err != nil {
		return nil, r.undoGlobal(ctx, have, r.refused("take back the compatibility of the registry", err))
	}
	return deletionOfSettings(have), nil
}

// deletionOfSettings says what goes with the settings.
func deletionOfSettings(have *api.SchemaRegistrySettings) *api.Deletion {
	return &api.Deletion{Effects: []api.Warning{{
		Summary: fmt.Sprintf("The registry of connection %q goes back to its own defaults", have.Connection),
		Detail:  fmt.Sprintf("Its compatibility, now %s, becomes what the registry itself is configured with, for every subject that has none of its own%s.", have.Compatibility, modeGoesBack(have)),
	}}}
}

func modeGoesBack(have *api.SchemaRegistrySettings) string {
	if have.Mode == "" || have.Mode == modeReadWrite {
		return ""
	}
	return ", and its mode, now " + have.Mode + ", becomes " + modeReadWrite
}

// withSettings opens a registry that has settings for all its subjects.
func (s *Service) withSettings(ctx context.Context, connection string) (*opened, error) {
	r, err := s.registry(ctx, connection)
	if err != nil {
		return nil, err
	}
	if t := r.Traits(); t.Implied != "" {
		return nil, api.Invalid("/connection", fmt.Sprintf("There are no settings for all subjects in %s", t.Name),
			"Every schema has a compatibility of its own there.", "Declare compatibility on each headgate_schema.")
	}
	return r, nil
}

func (r *opened) checkSettings(body api.SchemaRegistrySettingsWrite) error {
	d := declaration{api.SchemaWrite{Unknown: body.Unknown}}
	allowed := slices.DeleteFunc(modes(), func(m string) bool { return m == modeDisabled })
	if err := d.oneOf("/compatibility", cmp.Or(body.Compatibility, modeNone), "compatibility mode", allowed...); err != nil {
		return err
	}
	if err := d.oneOf("/mode", cmp.Or(body.Mode, modeReadWrite), "mode", modeReadWrite, modeReadOnly); err != nil {
		return err
	}
	if t := r.Traits(); body.Mode != "" && !t.Modes {
		return api.Invalid("/mode", fmt.Sprintf("There are no modes in %s", t.Name), fmt.Sprintf("The registry of connection %q cannot be made read-only here.", r.name), "Leave mode out.")
	}
	return nil
}

func (r *opened) global(ctx context.Context) (*api.SchemaRegistrySettings, error) {
	own, err := r.Settings(ctx, allSubjects)
	if err != nil {
		return nil, r.failure("read the settings of the registry", err)
	}
	return r.settingsAnswer(own), nil
}

func (r *opened) settingsAnswer(s Settings) *api.SchemaRegistrySettings {
	sum := sha256.Sum256([]byte(s.Compatibility + " " + s.Mode))
	return &api.SchemaRegistrySettings{Connection: r.name, Compatibility: s.Compatibility, Mode: s.Mode, Generation: hex.EncodeToString(sum[:8])}
}

// mergedSettings is what the settings will be.
func (r *opened) mergedSettings(have *api.SchemaRegistrySettings, body api.SchemaRegistrySettingsWrite) *api.SchemaRegistrySettings {
	return r.settingsAnswer(Settings{Compatibility: cmp.Or(body.Compatibility, have.Compatibility), Mode: cmp.Or(body.Mode, have.Mode)})
}

// expectedSettings reads the settings, and checks what the caller believes about them.
func (r *opened) expectedSettings(ctx context.Context, opts api.WriteOptions) (*api.SchemaRegistrySettings, error) {
	have, err := r.global(ctx)
	if err != nil {
		return nil, err
	}
	if opts.Generation != "" && opts.Generation != have.Generation {
		return nil, api.Conflict("Settings of registry", r.name)
	}
	return have, nil
}

// setGlobal sets what is declared, or leaves what was there. A registry that is to be READONLY takes nothing after that.
func (r *opened) setGlobal(ctx context.Context, have *api.SchemaRegistrySettings, to Settings) error {
	if to.Mode == modeReadWrite {
		if err := r.SetMode(ctx, allSubjects, to.Mode); err != nil {
			return r.undoGlobal(ctx, have, r.refused("set the mode of the registry", err))
		}
	}
	if to.Compatibility != "" {
		if err := r.SetCompatibility(ctx, allSubjects, to.Compatibility); err != nil {
			return r.undoGlobal(ctx, have, r.refused("set the compatibility of the registry", err))
		}
	}
	if to.Mode == modeReadOnly {
		if err := r.SetMode(ctx, allSubjects, to.Mode); err != nil {
			return r.undoGlobal(ctx, have, r.refused("set the mode of the registry", err))
		}
	}
	return nil
}

// undoGlobal gives the registry back what it had before a change that failed, and answers why that failed. A registry that
// was READONLY takes nothing after its mode.
func (r *opened) undoGlobal(ctx context.Context, have *api.SchemaRegistrySettings, failed error) error {
	ctx, cancel := undoing(ctx)
	defer cancel()
	now, err := r.Settings(ctx, allSubjects)
	if err == nil && now.Compatibility != have.Compatibility {
		err = r.SetCompatibility(ctx, allSubjects, have.Compatibility)
	}
	if err == nil && now.Mode != have.Mode && have.Mode != "" {
		err = r.SetMode(ctx, allSubjects, have.Mode)
	}
	if err != nil {
		r.log.WarnContext(ctx, "settings of a registry could not be restored", "connection", r.name, "error", err)
	}
	return failed
}
