package real

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/youmark/pkcs8"
)

// certificateLife is how long a certificate is valid: longer than any test run, short enough to be worthless later.
const certificateLife = 24 * time.Hour

// KeyPair is a certificate and its private key (PKCS #8), both PEM.
type KeyPair struct {
	Cert []byte `json:"cert"`
	Key  []byte `json:"key"`
}

// TLS returns the pair for use in a [tls.Config].
func (k KeyPair) TLS() (tls.Certificate, error) {
	pair, err := tls.X509KeyPair(k.Cert, k.Key)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("read a key pair: %w", err)
	}
	return pair, nil
}

// Encrypted returns the key encrypted with a password (PKCS #8), as "openssl pkcs8 -topk8" writes it.
func (k KeyPair) Encrypted(password string) ([]byte, error) {
	pair, err := k.TLS()
	if err != nil {
		return nil, err
	}
	der, err := pkcs8.MarshalPrivateKey(pair.PrivateKey, []byte(password), pkcs8.DefaultOpts)
	if err != nil {
		return nil, fmt.Errorf("encrypt a key: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "ENCRYPTED PRIVATE KEY", Bytes: der}), nil
}

// WriteFiles writes the pair to <name>.crt and <name>.key in the folder dir and returns their paths.
func (k KeyPair) WriteFiles(dir, name string) (certFile, keyFile string, err error) {
	certFile, keyFile = filepath.Join(dir, name+".crt"), filepath.Join(dir, name+".key")
	if err := os.WriteFile(certFile, k.Cert, 0o600); err != nil {
		return "", "", fmt.Errorf("write a certificate: %w", err)
	}
	if err := os.WriteFile(keyFile, k.Key, 0o600); err != nil {
		return "", "", fmt.Errorf("write a key: %w", err)
	}
	return certFile, keyFile, nil
}

// PKI is a certificate authority for tests, with a certificate for servers on this machine (localhost, 127.0.0.1 and
// ::1) and one for a client with the common name "client". All certificates have ECDSA P-256 keys and are valid for a
// day.
type PKI struct {
	CA     KeyPair `json:"ca"`
	Server KeyPair `json:"server"`
	Client KeyPair `json:"client"`
}

// NewPKI makes a new authority and its certificates.
func NewPKI() (*PKI, error) {
	ca, err := issue(caTemplate(), nil)
	if err != nil {
		return nil, err
	}
	p := &PKI{CA: ca}
	if p.Server, err = p.IssueServer("localhost", "127.0.0.1", "::1"); err != nil {
		return nil, err
	}
	if p.Client, err = p.IssueClient("client"); err != nil {
		return nil, err
	}
	return p, nil
}

// Pool returns a pool that trusts only this authority.
func (p *PKI) Pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(p.CA.Cert)
	return pool
}

// IssueServer issues a server certificate for the host names and IP addresses. Give another host's name for a
// certificate that does not fit.
func (p *PKI) IssueServer(hosts ...string) (KeyPair, error) {
	return issue(serverTemplate(hosts), &p.CA)
}

// IssueClient issues a client certificate with the given common name.
func (p *PKI) IssueClient(commonName string) (KeyPair, error) {
	return issue(clientTemplate(commonName), &p.CA)
}

// IssueExpiredServer issues a server certificate that ended an hour ago.
func (p *PKI) IssueExpiredServer(hosts ...string) (KeyPair, error) {
	return issue(expired(serverTemplate(hosts)), &p.CA)
}

// IssueEarlyServer issues a server certificate that begins in an hour, as that of a clock which is ahead.
func (p *PKI) IssueEarlyServer(hosts ...string) (KeyPair, error) {
	template := serverTemplate(hosts)
	template.NotBefore = time.Now().Add(time.Hour)
	return issue(template, &p.CA)
}

// IssueExpiredClient issues a client certificate that ended an hour ago.
func (p *PKI) IssueExpiredClient(commonName string) (KeyPair, error) {
	return issue(expired(clientTemplate(commonName)), &p.CA)
}

// SelfSigned makes a server certificate for the hosts that no authority has signed.
func SelfSigned(hosts ...string) (KeyPair, error) {
	return issue(serverTemplate(hosts), nil)
}

func caTemplate() *x509.Certificate {
	template := newTemplate("Headgate test CA")
	template.IsCA = true
	template.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageCRLSign
	return template
}

func serverTemplate(hosts []string) *x509.Certificate {
	name := "server"
	if len(hosts) > 0 {
		name = hosts[0]
	}
	template := newTemplate(name)
	template.KeyUsage = x509.KeyUsageDigitalSignature
	template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	for _, host := range hosts {
		if ip := net.ParseIP(host); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
			continue
		}
		template.DNSNames = append(template.DNSNames, host)
	}
	return template
}

func clientTemplate(commonName string) *x509.Certificate {
	template := newTemplate(commonName)
	template.KeyUsage = x509.KeyUsageDigitalSignature
	template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	return template
}

// newTemplate starts an hour ago, for clocks that differ.
func newTemplate(commonName string) *x509.Certificate {
	now := time.Now()
	return &x509.Certificate{
		Subject:               pkix.Name{CommonName: commonName},
		NotBefore:             now.Add(-time.Hour),
		NotAfter:              now.Add(certificateLife),
		BasicConstraintsValid: true,
	}
}

func expired(template *x509.Certificate) *x509.Certificate {
	now := time.Now()
	template.NotBefore, template.NotAfter = now.Add(-certificateLife), now.Add(-time.Hour)
	return template
}

// issue signs the template with the authority, or with its own key when there is none.
func issue(template *x509.Certificate, authority *KeyPair) (KeyPair, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return KeyPair{}, fmt.Errorf("generate a key: %w", err)
	}
	template.SerialNumber, err = rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 126))
	if err != nil {
		return KeyPair{}, fmt.Errorf("generate a serial number: %w", err)
	}
	parent, signer := template, key
	if authority != nil {
		if parent, signer, err = parseAuthority(*authority); err != nil {
			return KeyPair{}, err
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), signer)
	if err != nil {
		return KeyPair{}, fmt.Errorf("sign a certificate: %w", err)
	}
	return encode(der, key)
}

func parseAuthority(authority KeyPair) (*x509.Certificate, *ecdsa.PrivateKey, error) {
	pair, err := authority.TLS()
	if err != nil {
		return nil, nil, err
	}
	key, ok := pair.PrivateKey.(*ecdsa.PrivateKey)
	if !ok {
		return nil, nil, errors.New("the key of the authority is not an ECDSA key")
	}
	return pair.Leaf, key, nil
}

func encode(der []byte, key *ecdsa.PrivateKey) (KeyPair, error) {
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return KeyPair{}, fmt.Errorf("encode a key: %w", err)
	}
	return KeyPair{
		Cert: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		Key:  pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER}),
	}, nil
}
