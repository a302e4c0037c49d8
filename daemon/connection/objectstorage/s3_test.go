package objectstorage_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/headgate/terraform-provider-headgate/daemon/connection/awsconfig"
	"github.com/headgate/terraform-provider-headgate/daemon/connection/kindtest"
	"github.com/headgate/terraform-provider-headgate/daemon/connection/objectstorage"
	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/internal/real"
)

func inS3(endpoint string) *api.ObjectStorageConnection {
	return &api.ObjectStorageConnection{S3: &api.S3Storage{
		Bucket: "archive", Region: real.Region, Endpoint: endpoint, PathStyle: true, Credentials: &api.AWSCredentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "the-secret", SessionToken: "the-session"},
	}}
}

// listing answers ListObjectsV2 as documented, and nothing else
// (https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html).
func listing(t *testing.T, contents string) string {
	t.Helper()
	return serve(t, func(w http.ResponseWriter, r *http.Request) {
		q, signed := r.URL.Query(), r.Header.Get("Authorization")
		if r.Method != http.MethodGet || r.URL.Path != "/archive" || q.Get("list-type") != "2" || q.Get("max-keys") != "1" ||
			!strings.HasPrefix(signed, "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/") || !strings.Contains(signed, "/eu-central-1/s3/aws4_request") || r.Header.Get("X-Amz-Security-Token") != "the-session" {
			anError(http.StatusBadRequest, "InvalidRequest", r.Method+" "+r.URL.Path)(w, r)
			return
		}
		fmt.Fprintf(w, `<ListBucketResult><Name>archive</Name><MaxKeys>1</MaxKeys><IsTruncated>false</IsTruncated>%s</ListBucketResult>`, contents)
	})
}

func TestS3(t *testing.T) {
	refusing := func(status int, code, message string, headers ...string) *api.ObjectStorageConnection {
		return inS3(serve(t, anError(status, code, message, headers...)))
	}
	secure := httptest.NewTLSServer(http.NotFoundHandler())
	t.Cleanup(secure.Close)
	missing := inS3("")
	missing.S3.Credentials = &api.AWSCredentials{Profile: "there-is-no-such-profile"}
	const field = "/spec/s3/credentials"
	kindtest.Try(t, objectstorage.Kind{}, []kindtest.Trial{
		{Name: "empty", Target: inS3(listing(t, "")), Sees: "the bucket archive is there and holds no objects"},
		{Name: "with objects", Target: inS3(listing(t, "<Contents><Key>a</Key></Contents>")), Sees: "holds objects"},
		{Name: "denied", Target: refusing(http.StatusForbidden, "AccessDenied", "Access Denied"), Step: api.StepAuthorization, Cause: "AccessDenied", Remedy: "s3:ListBucket on arn:aws:s3:::archive", Attribute: field},
		{Name: "missing", Target: refusing(http.StatusNotFound, "NoSuchBucket", "The specified bucket does not exist"), Step: api.StepProtocol, Cause: "there is no bucket archive", Remedy: "aws s3 mb s3://archive", Attribute: "/spec/s3/bucket"},
		{Name: "unknown key", Target: refusing(http.StatusForbidden, "InvalidAccessKeyId", "The key does not exist"), Step: api.StepAuthentication, Cause: "does not know the access key", Attribute: field},
		{Name: "wrong secret", Target: refusing(http.StatusForbidden, "SignatureDoesNotMatch", "The signature does not match"), Step: api.StepAuthentication, Cause: "the secret does not belong", Remedy: "secret_access_key_wo", Attribute: field},
		{Name: "clock", Target: refusing(http.StatusForbidden, "RequestTimeTooSkewed", "too large"), Step: api.StepAuthentication, Cause: "refuses the time", Remedy: "clock", Attribute: field},
		{Name: "expired", Target: refusing(http.StatusBadRequest, "ExpiredToken", "expired"), Step: api.StepAuthentication, Cause: "session token has expired", Attribute: field},
		{Name: "bad session", Target: refusing(http.StatusBadRequest, "InvalidToken", "malformed"), Step: api.StepAuthentication, Cause: "session token", Remedy: "session_token_wo", Attribute: field},
		{Name: "other region", Target: refusing(http.StatusMovedPermanently, "PermanentRedirect", "must be addressed", "X-Amz-Bucket-Region", "us-west-2"), Step: api.StepProtocol, Cause: "is not in the region eu-central-1", Remedy: "Set s3.region to us-west-2", Attribute: "/spec/s3/region"},
		{Name: "signed for another region", Target: refusing(http.StatusBadRequest, "AuthorizationHeaderMalformed", "the region is wrong"), Step: api.StepProtocol, Cause: "is not in the region", Remedy: "s3.region", Attribute: "/spec/s3/region"},
		{Name: "down", Target: inS3(down(t)), Step: api.StepTCP, Cause: "nothing listens", Attribute: "/spec/s3/endpoint"},
		{Name: "not S3", Target: inS3(serve(t, http.NotFound)), Step: api.StepProtocol, Cause: "does not answer as Amazon S3", Remedy: "s3.path_style", Attribute: "/spec/s3/endpoint"},
		{Name: "TLS on a plain port", Target: inS3(strings.Replace(serve(t, http.NotFound), "http:", "https:", 1)), Step: api.StepTLS, Cause: "does not answer in TLS", Attribute: "/spec/s3/endpoint"},
		{Name: "unknown authority", Target: inS3(secure.URL), Step: api.StepTLS, Remedy: "s3.tls.ca_certificate", Attribute: "/spec/s3/tls/ca_certificate"},
		{Name: "no such profile", Target: missing, Step: api.StepAuthentication, Cause: "no AWS configuration", Attribute: field},
	})
	for _, secret := range []string{"the-secret", "the-session"} {
		discreet(t, refusing(http.StatusForbidden, "AccessDenied", "no"), secret)
	}
}

func TestRealS3(t *testing.T) {
	moto := real.DedicatedMoto(t)
	connection := inS3(moto.URL())
	cfg, err := awsconfig.Config(t.Context(), connection.S3.Credentials, real.Region)
	if err != nil {
		t.Fatal(err)
	}
	client := s3.NewFromConfig(cfg, func(o *s3.Options) { o.BaseEndpoint, o.UsePathStyle = aws.String(moto.URL()), true })
	where := &types.CreateBucketConfiguration{LocationConstraint: types.BucketLocationConstraint(real.Region)}
	if _, err := client.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: aws.String("archive"), CreateBucketConfiguration: where}); err != nil {
		t.Fatal(err)
	}
	kindtest.Try(t, objectstorage.Kind{}, []kindtest.Trial{{Name: "empty", Target: connection, Sees: "holds no objects"}})
	if _, err := client.PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String("archive"), Key: aws.String("a/b.json"), Body: strings.NewReader("{}")}); err != nil {
		t.Fatal(err)
	}
	other := inS3(moto.URL())
	other.S3.Bucket = "there-is-no-such-bucket"
	kindtest.Try(t, objectstorage.Kind{}, []kindtest.Trial{
		{Name: "with objects", Target: connection, Sees: "holds objects"},
		{Name: "missing", Target: other, Step: api.StepProtocol, Cause: "there is no bucket there-is-no-such-bucket", Attribute: "/spec/s3/bucket"},
	})
}
