package schematext

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// maxDepth bounds how deeply a schema may nest: recursion follows it.
const maxDepth = 500

// maxExponent bounds the exponent of a number, which is written out, and maxDigits its length.
const (
	maxExponent = 400
	maxDigits   = 1000
)

// decodeJSON reads exactly one JSON value. Numbers are written plainly, and a key may occur once per object.
func decodeJSON(text string) (any, error) {
	var raw json.RawMessage
	if err := json.Unmarshal([]byte(text), &raw); err != nil {
		return nil, jsonError(text, err)
	}
	d := jsonDecoder{text: text, dec: json.NewDecoder(strings.NewReader(text))}
	d.dec.UseNumber()
	return d.value("", 0)
}

func jsonError(text string, err error) error {
	var syntax *json.SyntaxError
	if !errors.As(err, &syntax) {
		return &Error{Message: "not valid JSON: " + err.Error()}
	}
	// The offset is that of the byte after the one that is wrong, unless the text ended too early.
	return errorAt(text, int(syntax.Offset)-1, "not valid JSON: "+syntax.Error())
}

type jsonDecoder struct {
	text string
	dec  *json.Decoder
}

func (d *jsonDecoder) value(path string, depth int) (any, error) {
	if depth > maxDepth {
		return nil, errorAt(d.text, int(d.dec.InputOffset()), fmt.Sprintf("nested more than %d levels deep", maxDepth))
	}
	token, err := d.dec.Token()
	if err != nil {
		return nil, jsonError(d.text, err)
	}
	switch t := token.(type) {
	case json.Delim:
		if t == '{' {
			return d.object(path, depth)
		}
		return d.array(path, depth)
	case json.Number:
		return plainNumber(t, path)
	default:
		return token, nil
	}
}

// plainNumber writes a number in one way, whatever its zeros and its exponent: 1.0 and 1e0 are 1.
func plainNumber(number json.Number, path string) (any, error) {
	if len(number) > maxDigits {
		return nil, &Error{Path: path, Message: fmt.Sprintf("the number has more than %d digits", maxDigits)}
	}
	text := strings.ToLower(number.String())
	mantissa, exponent, _ := strings.Cut(text, "e")
	shift := 0
	if exponent != "" {
		var err error
		if shift, err = strconv.Atoi(exponent); err != nil || shift > maxExponent || shift < -maxExponent {
			return nil, &Error{Path: path, Message: fmt.Sprintf("the number's exponent is beyond %d", maxExponent)}
		}
	}
	sign := ""
	if strings.HasPrefix(mantissa, "-") {
		sign, mantissa = "-", mantissa[1:]
	}
	whole, fraction, _ := strings.Cut(mantissa, ".")
	if shift > 0 {
		fraction += strings.Repeat("0", max(shift-len(fraction), 0))
		whole, fraction = whole+fraction[:shift], fraction[shift:]
	} else {
		whole = strings.Repeat("0", max(-shift-len(whole), 0)) + whole
		whole, fraction = whole[:len(whole)+shift], whole[len(whole)+shift:]+fraction
	}
	whole, fraction = strings.TrimLeft(whole, "0"), strings.TrimRight(fraction, "0")
	switch {
	case whole == "" && fraction == "":
		return json.Number(sign + "0"), nil
	case whole == "":
		whole = "0"
	}
	if fraction != "" {
		fraction = "." + fraction
	}
	return json.Number(sign + whole + fraction), nil
}

func (d *jsonDecoder) object(path string, depth int) (any, error) {
	object := map[string]any{}
	for d.dec.More() {
		token, err := d.dec.Token()
		if err != nil {
			return nil, jsonError(d.text, err)
		}
		key, _ := token.(string)
		if _, twice := object[key]; twice {
			return nil, &Error{Path: pointer(path, key), Message: "the key is there twice"}
		}
		if object[key], err = d.value(pointer(path, key), depth+1); err != nil {
			return nil, err
		}
	}
	_, err := d.dec.Token()
	return object, err
}

func (d *jsonDecoder) array(path string, depth int) (any, error) {
	array := []any{}
	for d.dec.More() {
		element, err := d.value(index(path, len(array)), depth+1)
		if err != nil {
			return nil, err
		}
		array = append(array, element)
	}
	_, err := d.dec.Token()
	return array, err
}

// encodeJSON renders a value with sorted keys and no whitespace.
func encodeJSON(value any) (string, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(value); err != nil {
		return "", fmt.Errorf("render schema: %w", err)
	}
	return strings.TrimSuffix(b.String(), "\n"), nil
}

func canonicalJSON(text string) (string, error) {
	value, err := decodeJSON(text)
	if err != nil {
		return "", err
	}
	return encodeJSON(value)
}

var pointerEscaper = strings.NewReplacer("~", "~0", "/", "~1")

func pointer(path, key string) string {
	return path + "/" + pointerEscaper.Replace(key)
}

func index(path string, i int) string {
	return path + "/" + strconv.Itoa(i)
}
