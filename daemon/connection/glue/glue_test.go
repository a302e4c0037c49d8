package glue_test

import (
	"testing"

	awsglue "github.com/aws/aws-sdk-go-v2/service/glue"

	"github.com/headgate/terraform-provider-headgate/daemon/connection/glue"
	"github.com/headgate/terraform-provider-headgate/daemon/connection/kindtest"
	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/internal/real"
)

func TestRealGlue(t *testing.T) {
	moto := real.DedicatedMoto(t)
	at := func(registry string) *api.GlueConnection {
		return &api.GlueConnection{Region: real.Region, Registry: registry, Endpoint: moto.URL(), Credentials: &api.AWSCredentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "secret"}}
	}
	client, err := glue.Client(t.Context(), at("payments"))
	if err != nil {
		t.Fatal(err)
	}
	name := "payments"
	if _, err := client.CreateRegistry(t.Context(), &awsglue.CreateRegistryInput{RegistryName: &name}); err != nil {
		t.Fatal(err)
	}
	kindtest.Try(t, glue.Kind{}, []kindtest.Trial{
		{Name: "there", Target: at("payments"), Sees: "registry/payments"},
		{Name: "missing", Target: at("orders"), Step: api.StepProtocol, Cause: "there is no registry orders in eu-central-1", Remedy: "aws glue create-registry", Attribute: "/spec/endpoint"},
	})
}

func TestProblems(t *testing.T) {
	kindtest.WantProblems(t, glue.Kind{}, kindtest.Problems{
		"default chain": {Target: &api.GlueConnection{}},
		"half a key":    {Target: &api.GlueConnection{Credentials: &api.AWSCredentials{AccessKeyID: "a"}}, Paths: []string{"/credentials/secret_access_key"}},
	})
}
