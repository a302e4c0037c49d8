package real

import (
	"context"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
)

const motoVersion = "5.2.5"

// Region is a region that Moto answers for; it answers for all.
const Region = "eu-central-1"

// Moto is a running fake of AWS: Kinesis, Glue, S3, STS, IAM and more at one URL, all in memory. It accepts any
// credentials until there is an access key ([Moto.CreateAccessKey]): then it verifies signatures.
type Moto struct {
	*server
}

// StartMoto starts a fake AWS and waits until it answers. The context bounds the start only.
func StartMoto(ctx context.Context) (*Moto, error) {
	python, err := NewPython(ctx, "moto", "moto[server]=="+motoVersion)
	if err != nil {
		return nil, fmt.Errorf("prepare moto: %w", err)
	}
	s, err := newServer(ctx, "moto", 1)
	if err != nil {
		return nil, err
	}
	m := &Moto{server: s}
	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	ready := func(ctx context.Context) error { return answersOK(ctx, client, m.URL()+"/moto-api/data.json") }
	argv := append(python.Script("moto_server"), "-H", "127.0.0.1", "-p", strconv.Itoa(s.port(0)))
	if err := s.run(ctx, ready, argv...); err != nil {
		return nil, err
	}
	return m, nil
}

// DedicatedMoto starts a fake AWS for this test alone and closes it at the test's end. Like [Shared] it skips or fails
// the test when no real systems were asked for.
func DedicatedMoto(tb testing.TB) *Moto {
	tb.Helper()
	return dedicated(tb, "moto", StartMoto)
}

// URL is the endpoint of every service.
func (m *Moto) URL() string {
	return "http://" + loopback(m.port(0))
}

// AccessKey is a key of an IAM user.
type AccessKey struct {
	ID     string `xml:"CreateAccessKeyResult>AccessKey>AccessKeyId"`
	Secret string `xml:"CreateAccessKeyResult>AccessKey>SecretAccessKey"`
}

// CreateUser makes an IAM user that may do everything.
func (m *Moto) CreateUser(ctx context.Context, user string) error {
	const everything = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`
	if _, err := m.iam(ctx, url.Values{"Action": {"CreateUser"}, "UserName": {user}}); err != nil {
		return err
	}
	_, err := m.iam(ctx, url.Values{"Action": {"PutUserPolicy"}, "UserName": {user}, "PolicyName": {"everything"}, "PolicyDocument": {everything}})
	return err
}

// CreateAccessKey makes a key of an IAM user. From then on every request needs a key that there is, and its signature.
func (m *Moto) CreateAccessKey(ctx context.Context, user string) (AccessKey, error) {
	raw, err := m.iam(ctx, url.Values{"Action": {"CreateAccessKey"}, "UserName": {user}})
	if err != nil {
		return AccessKey{}, err
	}
	var key AccessKey
	if err := xml.Unmarshal(raw, &key); err != nil || key.Secret == "" {
		return AccessKey{}, fmt.Errorf("make an access key: moto answers %s: %w", raw, err)
	}
	return key, m.verify(ctx, true)
}

// DeleteAccessKey takes a key of an IAM user away.
func (m *Moto) DeleteAccessKey(ctx context.Context, user string, key AccessKey) error {
	if _, err := m.iam(ctx, url.Values{"Action": {"DeleteAccessKey"}, "UserName": {user}, "AccessKeyId": {key.ID}}); err != nil {
		return err
	}
	return m.verify(ctx, true)
}

// iam asks IAM, which then verifies nothing, for its words (https://docs.aws.amazon.com/IAM/latest/APIReference).
func (m *Moto) iam(ctx context.Context, form url.Values) ([]byte, error) {
	if err := m.verify(ctx, false); err != nil {
		return nil, err
	}
	form.Set("Version", "2010-05-08")
	return m.post(ctx, "/", "application/x-www-form-urlencoded", form.Encode())
}

// verify has moto verify signatures, or not: what counts is how many requests it does not verify.
func (m *Moto) verify(ctx context.Context, on bool) error {
	_, err := m.post(ctx, "/moto-api/reset-auth", "text/plain", map[bool]string{true: "0", false: "inf"}[on])
	return err
}

func (m *Moto) post(ctx context.Context, path, contentType, body string) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, m.URL()+path, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Close = true
	request.Header.Set("Content-Type", contentType)
	// It tells moto the service.
	request.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260101/us-east-1/iam/aws4_request, SignedHeaders=host, Signature=00")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer func() { _ = response.Body.Close() }()
	answer, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("POST %s answered %s: %s", path, response.Status, answer)
	}
	return answer, err
}
