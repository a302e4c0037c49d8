package tlsclient

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"strings"

	"github.com/youmark/pkcs8"

	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/internal/spec"
)

// encryptedPKCS8 is the PEM type of an encrypted PKCS #8 key (RFC 7468, section 11).
const encryptedPKCS8 = "ENCRYPTED PRIVATE KEY"

// clientPair reads the client's certificate and key. The problem's path is below the settings.
func clientPair(settings *api.TLS) (tls.Certificate, *spec.Problem) {
	key, problem := clientKey(settings.ClientKey, settings.ClientKeyPassword)
	if problem != nil {
		return tls.Certificate{}, problem
	}
	pair, err := tls.X509KeyPair([]byte(settings.ClientCertificate), key)
	if err != nil {
		return tls.Certificate{}, &spec.Problem{Path: "/client_certificate", Message: "is not a PEM certificate that belongs to the PEM key in client_key"}
	}
	return pair, nil
}

// clientKey answers the PEM key, decrypted.
func clientKey(key, password string) ([]byte, *spec.Problem) {
	block := keyBlock(key)
	if block == nil {
		return nil, &spec.Problem{Path: "/client_key", Message: "is not a PEM key"}
	}
	encrypted := block.Type == encryptedPKCS8 || legacy(block)
	switch {
	case !encrypted && password != "":
		return nil, &spec.Problem{Path: "/client_key_password", Message: "has no effect: the key in client_key is not encrypted"}
	case !encrypted:
		return []byte(key), nil
	case password == "":
		return nil, &spec.Problem{Path: "/client_key_password", Message: "is required: the key in client_key is encrypted"}
	}
	der, err := decrypt(block, password)
	if err != nil {
		return nil, &spec.Problem{Path: "/client_key_password", Message: "does not decrypt the key in client_key: " + refusal(err)}
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), nil
}

// keyBlock finds the key: other blocks, such as the parameters of a curve, may come before it.
func keyBlock(key string) *pem.Block {
	for rest := []byte(key); ; {
		var block *pem.Block
		block, rest = pem.Decode(rest)
		if block == nil || strings.HasSuffix(block.Type, "PRIVATE KEY") {
			return block
		}
	}
}

// legacy says whether a key is encrypted in OpenSSL's own way (RFC 1423), as old tools still write it.
func legacy(block *pem.Block) bool {
	return x509.IsEncryptedPEMBlock(block) //nolint:staticcheck // its encryption is weak; who has such a key still needs to use it
}

func decrypt(block *pem.Block, password string) ([]byte, error) {
	if legacy(block) {
		return x509.DecryptPEMBlock(block, []byte(password)) //nolint:staticcheck // see legacy
	}
	key, err := pkcs8.ParsePKCS8PrivateKey(block.Bytes, []byte(password))
	if err != nil {
		return nil, err
	}
	return x509.MarshalPKCS8PrivateKey(key)
}

// refusal tells a wrong password from an encryption that is not known, without the library's words: they may quote.
func refusal(err error) string {
	if text := err.Error(); strings.Contains(text, "unsupported") || strings.Contains(text, "only P") {
		return "its encryption is not supported; write it again with openssl pkcs8 -topk8 -v2 aes-256-cbc"
	}
	return "the password is wrong, or the key is damaged"
}
