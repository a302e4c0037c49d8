package export

import (
	"encoding/json"
	"regexp"
	"strconv"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/hclwrite"
	"github.com/zclconf/go-cty/cty"
	ctyjson "github.com/zclconf/go-cty/cty/json"
)

// resource is a resource block, with the import block that takes over what exists.
type resource struct {
	typ        string // with the provider's name
	name       string // of the object; the label is made from it
	importID   string
	comments   []string
	attributes []attribute
	// leftOut says why there is no block for it; empty where there is one.
	leftOut string
}

// attribute is one attribute, in the order in which people write them.
type attribute struct {
	name  string
	value hclwrite.Tokens
}

func (r *resource) set(name string, value cty.Value) {
	r.attributes = append(r.attributes, attribute{name, hclwrite.TokensForValue(value)})
}

func (r *resource) setText(name, value string) { r.set(name, cty.StringVal(value)) }

// setTextIf leaves out what is nil.
func (r *resource) setTextIf(name string, value *string) {
	if value != nil {
		r.setText(name, *value)
	}
}

// setTextUnlessEmpty leaves out what is empty.
func (r *resource) setTextUnlessEmpty(name, value string) {
	if value != "" {
		r.setText(name, value)
	}
}

// setProtection leaves out that it is on, which is the default.
func (r *resource) setProtection(on bool) {
	if !on {
		r.set("deletion_protection", cty.False)
	}
}

// setMap leaves out an empty map.
func (r *resource) setMap(name string, values map[string]string) {
	if len(values) == 0 {
		return
	}
	r.set(name, textMap(values))
}

func textMap(values map[string]string) cty.Value {
	if len(values) == 0 {
		return cty.MapValEmpty(cty.String)
	}
	elements := make(map[string]cty.Value, len(values))
	for key, value := range values {
		elements[key] = cty.StringVal(value)
	}
	return cty.MapVal(elements)
}

// setDocument writes JSON as jsonencode(…), and other texts as they are.
func (r *resource) setDocument(name, text string) {
	r.attributes = append(r.attributes, attribute{name, document(text)})
}

func document(text string) hclwrite.Tokens {
	if strings.HasPrefix(strings.TrimSpace(text), "{") && json.Valid([]byte(text)) {
		if typ, err := ctyjson.ImpliedType([]byte(text)); err == nil {
			if value, err := ctyjson.Unmarshal([]byte(text), typ); err == nil {
				return hclwrite.TokensForFunctionCall("jsonencode", hclwrite.TokensForValue(value))
			}
		}
	}
	if !strings.Contains(text, "\n") {
		return hclwrite.TokensForValue(cty.StringVal(text))
	}
	return heredoc(text)
}

func heredoc(text string) hclwrite.Tokens {
	end := "EOT"
	for strings.Contains(text, end) {
		end += "_"
	}
	escaped := strings.NewReplacer("${", "$${", "%{", "%%{").Replace(strings.TrimSuffix(text, "\n") + "\n")
	return hclwrite.Tokens{
		{Type: hclsyntax.TokenOHeredoc, Bytes: []byte("<<" + end + "\n")},
		{Type: hclsyntax.TokenStringLit, Bytes: []byte(escaped)},
		{Type: hclsyntax.TokenCHeredoc, Bytes: []byte(end)},
	}
}

// render writes the blocks.
func render(notes []string, resources []resource, labelPrefix string) []byte {
	file := hclwrite.NewEmptyFile()
	body := file.Body()
	comment(body, notes)
	taken := map[string]bool{}
	for i, r := range resources {
		if i > 0 {
			body.AppendNewline()
		}
		address := hcl.Traversal{hcl.TraverseRoot{Name: r.typ}, hcl.TraverseAttr{Name: label(r.typ, labelPrefix+r.name, taken)}}
		take := body.AppendNewBlock("import", nil).Body()
		take.SetAttributeTraversal("to", address)
		take.SetAttributeValue("id", cty.StringVal(r.importID))
		body.AppendNewline()
		block := body.AppendNewBlock("resource", []string{r.typ, address[1].(hcl.TraverseAttr).Name}).Body()
		comment(block, r.comments)
		for _, a := range r.attributes {
			block.SetAttributeRaw(a.name, a.value)
		}
	}
	return hclwrite.Format(file.Bytes())
}

func comment(body *hclwrite.Body, lines []string) {
	for _, line := range lines {
		body.AppendUnstructuredTokens(hclwrite.Tokens{{Type: hclsyntax.TokenComment, Bytes: []byte("# " + oneLine.Replace(line) + "\n")}})
	}
}

// oneLine keeps a comment a comment.
var oneLine = strings.NewReplacer("\r", " ", "\n", " ")

var notInLabels = regexp.MustCompile(`[^A-Za-z0-9_-]+`)

// label makes a label of a name, other than those that are taken.
func label(typ, name string, taken map[string]bool) string {
	base := strings.Trim(notInLabels.ReplaceAllString(name, "_"), "-")
	if base == "" || strings.ContainsRune("0123456789", rune(base[0])) {
		base = "_" + base
	}
	chosen := base
	for n := 2; taken[typ+"."+chosen]; n++ {
		chosen = base + "_" + strconv.Itoa(n)
	}
	taken[typ+"."+chosen] = true
	return chosen
}
