package real_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/headgate/terraform-provider-headgate/internal/real"
)

func TestRealMotoSpeaksKinesis(t *testing.T) {
	moto := real.DedicatedMoto(t)
	request, err := http.NewRequestWithContext(soon(t), http.MethodPost, moto.URL(), strings.NewReader(`{}`))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/x-amz-json-1.1")
	request.Header.Set("X-Amz-Target", "Kinesis_20131202.ListStreams")
	request.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=key/20260101/"+real.Region+"/kinesis/aws4_request, SignedHeaders=host, Signature=0")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK || !strings.Contains(string(body), "StreamNames") {
		t.Errorf("ListStreams answers %s %s, %v", response.Status, body, err)
	}
}
