package keeping

import (
	"fmt"

	"github.com/headgate/terraform-provider-headgate/internal/api"
)

// Loss is what a change of an object that stays would remove from it.
type Loss struct {
	api.Warning

	// Keep says how to keep it, after "or".
	Keep string
}

// Losses refuses what a change would remove from an object while it is protected, and answers it as warnings otherwise. noun
// is the noun in sentences, such as Stream.
func Losses(noun, name string, protected bool, losses []Loss) ([]api.Warning, error) {
	if len(losses) == 0 {
		return nil, nil
	}
	if !protected {
		warnings := make([]api.Warning, 0, len(losses))
		for _, l := range losses {
			warnings = append(warnings, l.Warning)
		}
		return warnings, nil
	}
	refused := losses[0].refusal(noun, name)
	for _, l := range losses[1:] {
		refused.More = append(refused.More, *l.refusal(noun, name))
	}
	return nil, refused
}

func (l Loss) refusal(noun, name string) *api.Error {
	return api.Refused(api.CodeProtected, l.Attribute, fmt.Sprintf("%s %q is protected from losing what it holds", noun, name),
		l.Summary+". "+l.Detail, fmt.Sprintf("If it may go, set deletion_protection = false in the same apply or before, and back to true afterwards; or %s.", l.Keep))
}
