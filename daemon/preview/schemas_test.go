package preview

import (
	"bytes"
	"compress/zlib"
	"slices"
	"testing"
)

func TestGlueHeader(t *testing.T) {
	id := []byte{0xb7, 0xb4, 0xa7, 0xf0, 0x9c, 0x96, 0x4e, 0x4a, 0xa6, 0x87, 0xfb, 0x5d, 0xe9, 0xef, 0x0c, 0x63}
	var deflated bytes.Buffer
	w := zlib.NewWriter(&deflated)
	if _, err := w.Write([]byte("content")); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		content []byte
		payload string
		ok      bool
	}{
		"plain":               {slices.Concat([]byte{3, 0}, id, []byte("content")), "content", true},
		"deflated":            {slices.Concat([]byte{3, 5}, id, deflated.Bytes()), "content", true},
		"empty":               {slices.Concat([]byte{3, 0}, id), "", true},
		"not deflated":        {slices.Concat([]byte{3, 5}, id, []byte("content")), "", false},
		"another compression": {slices.Concat([]byte{3, 1}, id, []byte("content")), "", false},
		"Confluent's":         {slices.Concat([]byte{0, 0, 0, 0, 1}, id), "", false},
		"too short":           {[]byte{3, 0, 1}, "", false},
	} {
		got, payload, ok := glueHeader(tt.content)
		if ok != tt.ok || ok && (got != "b7b4a7f0-9c96-4e4a-a687-fb5de9ef0c63" || string(payload) != tt.payload) {
			t.Errorf("%s: %s, %q, %v", name, got, payload, ok)
		}
	}
}
