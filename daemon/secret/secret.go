// Package secret seals credentials with Tink AEAD before they reach the store.
package secret

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/insecurecleartextkeyset"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/tink"
)

// KeyFile is the name of a generated key in the data directory.
const KeyFile = "headgate.key"

// Sealer seals and opens secrets. What it sealed for one connection and field opens for no other.
type Sealer struct {
	aead tink.AEAD
}

// New makes a sealer from a key as GenerateKey writes it.
func New(key string) (*Sealer, error) {
	raw, err := base64.StdEncoding.DecodeString(strings.TrimSpace(key))
	if err != nil {
		return nil, errors.New("the key is not base64: use one that `headgated keygen` printed")
	}
	handle, err := insecurecleartextkeyset.Read(keyset.NewBinaryReader(bytes.NewReader(raw)))
	if err != nil {
		return nil, errors.New("the key is not a Tink keyset: use one that `headgated keygen` printed")
	}
	primitive, err := aead.New(handle)
	if err != nil {
		return nil, fmt.Errorf("use the key: %w", err)
	}
	return &Sealer{aead: primitive}, nil
}

// GenerateKey makes a new key: a Tink AES-256-GCM keyset in base64.
func GenerateKey() (string, error) {
	handle, err := keyset.NewHandle(aead.AES256GCMKeyTemplate())
	if err != nil {
		return "", fmt.Errorf("generate key: %w", err)
	}
	var raw bytes.Buffer
	if err := insecurecleartextkeyset.Write(handle, keyset.NewBinaryWriter(&raw)); err != nil {
		return "", fmt.Errorf("encode key: %w", err)
	}
	return base64.StdEncoding.EncodeToString(raw.Bytes()), nil
}

// Ephemeral makes a sealer whose key is never written down.
func Ephemeral() (*Sealer, error) {
	key, err := GenerateKey()
	if err != nil {
		return nil, err
	}
	return New(key)
}

// FromDirectory uses the key file in the data directory, and generates it with mode 0600 when it is not there. It
// answers the file and whether it was generated.
func FromDirectory(dir string) (sealer *Sealer, file string, generated bool, err error) {
	file = filepath.Join(dir, KeyFile)
	sealer, err = FromFile(file)
	if !errors.Is(err, fs.ErrNotExist) {
		return sealer, file, false, err
	}
	key, err := GenerateKey()
	if err != nil {
		return nil, file, false, err
	}
	if err := os.WriteFile(file, []byte(key+"\n"), 0o600); err != nil {
		return nil, file, false, fmt.Errorf("write generated key: %w", err)
	}
	sealer, err = New(key)
	return sealer, file, true, err
}

// FromFile uses a key file.
func FromFile(file string) (*Sealer, error) {
	key, err := os.ReadFile(file) // #nosec G304 -- named by the operator
	if err != nil {
		return nil, fmt.Errorf("read key file: %w", err)
	}
	sealer, err := New(string(key))
	if err != nil {
		return nil, fmt.Errorf("key file %s: %w", file, err)
	}
	return sealer, nil
}

// Seal encrypts the secret of a connection's field.
func (s *Sealer) Seal(connection, field, secret string) ([]byte, error) {
	sealed, err := s.aead.Encrypt([]byte(secret), associatedData(connection, field))
	if err != nil {
		return nil, fmt.Errorf("seal %s of connection %s: %w", field, connection, err)
	}
	return sealed, nil
}

// Open decrypts what Seal made for the same connection and field.
func (s *Sealer) Open(connection, field string, sealed []byte) (string, error) {
	plain, err := s.aead.Decrypt(sealed, associatedData(connection, field))
	if err != nil {
		return "", fmt.Errorf("open %s of connection %s: it was sealed under another key: start the daemon with the key that this data directory was written with", field, connection)
	}
	return string(plain), nil
}

func associatedData(connection, field string) []byte {
	return []byte(connection + "\x00" + field)
}
