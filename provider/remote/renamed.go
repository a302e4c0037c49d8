package remote

import (
	"fmt"

	"github.com/headgate/terraform-provider-headgate/provider/explain"
)

// Renamed words the refusal of a plan that deletes something at one address and makes it at another: Terraform does the two
// in any order, and it could be gone in the end. what names it; from and to are the types of the two resources.
func Renamed(what, from, to string) (summary, detail string) {
	return "The plan both creates and deletes " + what,
		"State has it at an address that the configuration no longer has it at, and the configuration has it at another one. " +
			"Terraform knows no order of the two, and it could be gone in the end. " + wayOut(from, to) + "\n\nIf it is to be made anew, apply without the new one first."
}

func wayOut(from, to string) string {
	if from == to {
		return "If the resource was renamed, say so:\n\n" + explain.Moved(from, "<new>")
	}
	return fmt.Sprintf("To have it change hands, write in the place of the one that has it:\n\n%s\n\nThen it stays where it is, and the %s can take it over.", explain.Removed(from), to)
}
