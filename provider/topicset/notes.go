package topicset

import (
	"fmt"
	"slices"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"

	"github.com/headgate/terraform-provider-headgate/internal/api"
)

// notes are the warnings of topics. Those that say the same of several are one.
type notes struct {
	details []string // in order
	first   map[string]api.Warning
	topics  map[string][]string
}

func (n *notes) add(topic string, warnings []api.Warning) {
	if n.first == nil {
		n.first, n.topics = map[string]api.Warning{}, map[string][]string{}
	}
	for _, w := range warnings {
		if _, said := n.first[w.Detail]; !said {
			n.details, n.first[w.Detail] = append(n.details, w.Detail), w
		}
		if !slices.Contains(n.topics[w.Detail], topic) {
			n.topics[w.Detail] = append(n.topics[w.Detail], topic)
		}
	}
}

func (n *notes) explain(diags *diagnostics) {
	for _, detail := range n.details {
		w, topics := n.first[detail], n.topics[detail]
		if len(topics) == 1 {
			diags.add(tfprotov6.DiagnosticSeverityWarning, entryPath(topics[0], w.Attribute), w.Summary, detail)
			continue
		}
		diags.warn(fmt.Sprintf("%s (and so for %d more)", w.Summary, len(topics)-1), detail+"\n\nThe topics: "+some(topics)+".")
	}
}
