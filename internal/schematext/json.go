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

// decodeJSON reads exactly one JSON value. Numbers stay as written, and a key may occur once per object.
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
	switch token {
	case json.Delim('{'):
		return d.object(path, depth)
	case json.Delim('['):
		return d.array(path, depth)
	default:
		return token, nil
	}
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
