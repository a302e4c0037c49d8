package stream_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/terraform"

	"github.com/headgate/terraform-provider-headgate/internal/acctest"
	"github.com/headgate/terraform-provider-headgate/internal/acctest/fakekinesis"
	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/internal/real"
	"github.com/headgate/terraform-provider-headgate/provider/providertest"
)

const address = "headgate_stream.clicks"

func connection(d *acctest.Daemon, url string) string {
	return providertest.Provider(d) + providertest.Kinesis("aws", url)
}

// stream declares the stream clicks.
func stream(d *acctest.Daemon, url, attributes string) string {
	return connection(d, url) + fmt.Sprintf(`
resource "headgate_stream" "clicks" {
  connection_name = headgate_connection.aws.name
  name            = "clicks"
  %s
}
`, attributes)
}

func test(t *testing.T, steps ...resource.TestStep) {
	t.Helper()
	resource.Test(t, resource.TestCase{ProtoV6ProviderFactories: providertest.Factories(), Steps: steps})
}

const unprotected = "deletion_protection = false\n"

// lives is what a stream goes through, on a service at a URL.
func lives(t *testing.T, d *acctest.Daemon, url string) {
	t.Helper()
	onDemand := stream(d, url, unprotected)
	all := stream(d, url, unprotected+`
  shards     = 3
  retention  = "48h"
  kms_key_id = "alias/aws/kinesis"
  tags       = { team = "web", cost = "42" }`)
	more := stream(d, url, unprotected+`
  mode       = "PROVISIONED"
  shards     = 13
  retention  = "2880m"
  tags       = { team = "shop" }`)
	null := stream(d, url, unprotected+"shards = 13\n  retention = \"48h\"\n  tags = { team = null }")
	fewer := stream(d, url, unprotected+"shards = 1")
	one := stream(d, url, "shards = 1")
	test(t,
		providertest.Does(plancheck.ResourceActionCreate, address, onDemand,
			resource.TestCheckResourceAttr(address, "mode", "ON_DEMAND"), resource.TestCheckResourceAttr(address, "retention", "24h"),
			resource.TestCheckNoResourceAttr(address, "shards"), resource.TestMatchResourceAttr(address, "arn", regexp.MustCompile(`^arn:aws:kinesis:eu-central-1:\d+:stream/clicks$`))),
		providertest.Unchanged(onDemand),
		providertest.Does(plancheck.ResourceActionUpdate, address, all,
			resource.TestCheckResourceAttr(address, "mode", "PROVISIONED"), resource.TestCheckResourceAttr(address, "open_shards", "3"), resource.TestCheckResourceAttr(address, "tags.%", "2")),
		providertest.Unchanged(all),
		resource.TestStep{ResourceName: address, ImportState: true, ImportStateId: "aws/clicks", ImportStateVerify: true, ImportStateVerifyIdentifierAttribute: "name"},
		providertest.Does(plancheck.ResourceActionUpdate, address, more, resource.TestCheckResourceAttr(address, "open_shards", "13"), resource.TestCheckNoResourceAttr(address, "kms_key_id")),
		providertest.Unchanged(more),
		providertest.Does(plancheck.ResourceActionUpdate, address, null, func(*terraform.State) error {
			if s, err := d.Client.GetStream(t.Context(), "aws", "clicks"); err != nil || len(s.Tags) > 0 {
				return fmt.Errorf("the stream is %+v, %w", s, err)
			}
			return nil
		}),
		providertest.Unchanged(null),
		providertest.Does(plancheck.ResourceActionUpdate, address, fewer, resource.TestCheckResourceAttr(address, "open_shards", "1"), resource.TestCheckResourceAttr(address, "retention", "24h")),
		providertest.Does(plancheck.ResourceActionUpdate, address, one),
		providertest.Unchanged(one),
		resource.TestStep{Config: connection(d, url), PlanOnly: true, ExpectError: regexp.MustCompile(`(?s)protected from deletion.*last 24h`)},
		providertest.Applied(onDemand),
	)
	if _, err := d.Client.GetStream(t.Context(), "aws", "clicks"); !api.HasCode(err, api.CodeNotFound) {
		t.Errorf("after the destroy: %v", err)
	}
}

func TestAccStreamLives(t *testing.T) {
	t.Parallel()
	lives(t, acctest.Dev(t), fakekinesis.Start(t, 1).URL)
}

func TestRealStreamLives(t *testing.T) {
	lives(t, acctest.Dev(t), real.DedicatedMoto(t).URL())
}

// What others do by AWS's own API is shown by the plan and put back; an outage leaves state as it is.
func TestRealStreamDrifts(t *testing.T) {
	moto, gate, d := real.DedicatedMoto(t), &acctest.Gate{}, acctest.Dev(t)
	outside := kinesis.New(kinesis.Options{Region: "eu-central-1", BaseEndpoint: aws.String(moto.URL()), Credentials: credentials.NewStaticCredentialsProvider("test", "test", "")})
	config := stream(d, gate.Before(t, moto.URL()), unprotected+"shards = 2\n  retention = \"48h\"")
	does := func(action plancheck.ResourceActionType, change func() error) resource.TestStep {
		step := providertest.Does(action, address, config, resource.TestCheckResourceAttr(address, "retention", "48h"))
		step.PreConfig = func() {
			if err := change(); err != nil {
				t.Fatal(err)
			}
		}
		return step
	}
	back := providertest.Unchanged(config)
	back.PreConfig = gate.Open
	test(t,
		providertest.Applied(config),
		resource.TestStep{Config: config, PreConfig: gate.Shut, PlanOnly: true, ExpectError: regexp.MustCompile(`connection\s+"aws"`)},
		back,
		does(plancheck.ResourceActionUpdate, func() error {
			_, err := outside.IncreaseStreamRetentionPeriod(t.Context(), &kinesis.IncreaseStreamRetentionPeriodInput{StreamName: aws.String("clicks"), RetentionPeriodHours: aws.Int32(72)})
			return err
		}),
		providertest.Unchanged(config),
		does(plancheck.ResourceActionCreate, func() error {
			_, err := outside.DeleteStream(t.Context(), &kinesis.DeleteStreamInput{StreamName: aws.String("clicks")})
			return err
		}),
		providertest.Unchanged(config),
	)
}

// A stream is the same by its name and by its ARN.
func TestAccStreamByARN(t *testing.T) {
	t.Parallel()
	byARN(t, acctest.Dev(t), fakekinesis.Start(t, 0).URL)
}

func TestRealStreamByARN(t *testing.T) {
	byARN(t, acctest.Dev(t), real.DedicatedMoto(t).URL())
}

func byARN(t *testing.T, d *acctest.Daemon, url string) {
	t.Helper()
	const arn = "arn:aws:kinesis:eu-central-1:123456789012:stream/clicks"
	named := func(name, attributes string) string {
		return connection(d, url) + fmt.Sprintf("resource \"headgate_stream\" \"clicks\" {\n  connection_name = headgate_connection.aws.name\n  name = %q\n  %s\n}\n", name, unprotected+attributes)
	}
	seen := named(arn, "") + "data \"headgate_stream\" \"clicks\" {\n  connection_name = headgate_connection.aws.name\n  name = headgate_stream.clicks.name\n}\n"
	refused := func(name, words string) resource.TestStep {
		return resource.TestStep{Config: named(name, ""), PlanOnly: true, ExpectError: regexp.MustCompile(words)}
	}
	test(t,
		// While the account has no stream, nothing tells which it is: the new one does, and goes again.
		resource.TestStep{Config: named("arn:aws:kinesis:eu-central-1:210987654321:stream/clicks", ""), ExpectError: regexp.MustCompile(`(?s)is in another account.*leads\s+to\s+account\s+123456789012`)},
		resource.TestStep{Config: connection(d, url), Check: func(*terraform.State) error {
			if _, err := d.Client.GetStream(t.Context(), "aws", "clicks"); !api.HasCode(err, api.CodeNotFound) {
				return fmt.Errorf("after a create in the wrong account: %w", err)
			}
			return nil
		}},
		providertest.Does(plancheck.ResourceActionCreate, address, named(arn, ""), resource.TestCheckResourceAttr(address, "name", arn), resource.TestCheckResourceAttr(address, "arn", arn)),
		resource.TestStep{Config: named(arn, ""), Check: func(*terraform.State) error {
			if _, err := d.Client.GetStream(t.Context(), "aws", "arn:aws:s3:::clicks"); !api.HasCode(err, api.CodeInvalid) {
				return fmt.Errorf("an ARN of something else: %w", err)
			}
			return nil
		}},
		providertest.Unchanged(named(arn, "")),
		providertest.Unchanged(named("clicks", "")),
		providertest.Does(plancheck.ResourceActionUpdate, address, named("clicks", `retention = "48h"`), resource.TestCheckResourceAttr(address, "retention", "48h")),
		providertest.Does(plancheck.ResourceActionUpdate, address, named(arn, ""), resource.TestCheckResourceAttr(address, "retention", "24h")),
		providertest.Applied(seen, resource.TestCheckResourceAttr("data.headgate_stream.clicks", "arn", arn), resource.TestCheckResourceAttr("data.headgate_stream.clicks", "mode", "ON_DEMAND")),
		resource.TestStep{ResourceName: address, ImportState: true, ImportStateId: "aws/" + arn, ImportStateVerify: true, ImportStateVerifyIdentifierAttribute: "name"},
		refused("arn:aws:kinesis:eu-west-1:123456789012:stream/clicks", `(?s)is in another region.*eu-west-1,\s+and\s+connection\s+"aws"\s+leads\s+to\s+eu-central-1`),
		// A connection whose region changes in the same plan takes no stream along.
		resource.TestStep{
			Config:   strings.ReplaceAll(named("arn:aws:kinesis:eu-west-1:123456789012:stream/clicks", ""), `region      = "eu-central-1"`, `region      = "eu-west-1"`),
			PlanOnly: true, ExpectError: regexp.MustCompile(`(?s)is in another region.*not\s+in\s+the\s+same\s+plan.*declare\s+a\s+connection\s+for\s+each\s+region,\s+and\s+have\s+connection_name`),
		},
		refused("arn:aws:kinesis:eu-central-1:210987654321:stream/clicks", `(?s)is in another account.*210987654321,\s+and\s+connection\s+"aws"\s+leads\s+to\s+account\s+123456789012`),
		refused("arn:aws:kinesis:eu-central-1:210987654321:stream/others", `(?s)is in another account`),
		refused("arn:aws:kinesis:eu-central-1:123456789012:stream/clicks/consumer/x", `or the ARN of a stream`),
		refused("arn:aws:s3:::clicks", `or the ARN of a stream`),
		// Other stream, other resource.
		providertest.Does(plancheck.ResourceActionReplace, address, named("orders", "")),
	)
}

// A connection whose region changes takes no stream along: the plan says so.
func TestAccStreamStaysInItsRegion(t *testing.T) {
	t.Parallel()
	d, fake := acctest.Dev(t), fakekinesis.Start(t, 0)
	config := stream(d, fake.URL, unprotected)
	cli := providertest.NewCLI(t, config)
	if out := cli.Run("apply", "-auto-approve"); out.Code != 0 {
		t.Fatal(out)
	}
	cli.Write(strings.ReplaceAll(config, `region      = "eu-central-1"`, `region      = "eu-west-1"`))
	out := cli.Run("plan")
	told := regexp.MustCompile(`(?s)is to lead to another region.*stream "clicks" in the region that.*eu-central-1 -> eu-west-1.*the next plan makes anew; what the old region has stays`)
	if !slices.ContainsFunc(out.Diagnostics, func(one providertest.Diagnostic) bool {
		return one.Severity == "warning" && one.Address == address && told.MatchString(one.Summary+" "+one.Detail)
	}) {
		t.Errorf("nothing about the stream: %s", out)
	}
}

// A shorter retention would delete records: it needs protection to be off.
func TestAccStreamRetentionIsProtected(t *testing.T) {
	t.Parallel()
	d, fake := acctest.Dev(t), fakekinesis.Start(t, 0)
	two, one := stream(d, fake.URL, "retention = \"48h\""), stream(d, fake.URL, unprotected)
	test(t,
		providertest.Applied(two),
		resource.TestStep{Config: stream(d, fake.URL, ""), ExpectError: regexp.MustCompile(`(?s)protected\s+from\s+losing.*older\s+than\s+24h.*deletion_protection\s+=\s+false`)},
		providertest.Unchanged(two),
		providertest.Does(plancheck.ResourceActionUpdate, address, one, resource.TestCheckResourceAttr(address, "retention", "24h")),
		providertest.Unchanged(one),
	)
}

// The data source shows a stream as it is, also one that others made.
func TestAccStreamDataSource(t *testing.T) {
	t.Parallel()
	d, fake := acctest.Dev(t), fakekinesis.Start(t, 0)
	fake.Change("theirs", func(*fakekinesis.Stream) *fakekinesis.Stream {
		return &fakekinesis.Stream{Mode: api.StreamOnDemand, Shards: 4, Hours: 48, Tags: map[string]string{"team": "shop"}}
	})
	look := func(label, name string) string {
		return fmt.Sprintf("data \"headgate_stream\" %q {\n  connection_name = headgate_connection.aws.name\n  name = %s\n}\n", label, name)
	}
	const own, theirs = "data.headgate_stream.own", "data.headgate_stream.theirs"
	config := stream(d, fake.URL, unprotected+`
  shards     = 3
  kms_key_id = "alias/aws/kinesis"
  tags       = { team = "web" }`) + look("own", "headgate_stream.clicks.name") + look("theirs", `"theirs"`)
	test(t,
		providertest.Applied(config,
			resource.TestCheckResourceAttr(own, "mode", "PROVISIONED"), resource.TestCheckResourceAttr(own, "open_shards", "3"),
			resource.TestCheckResourceAttr(own, "retention", "24h"), resource.TestCheckResourceAttr(own, "kms_key_id", "alias/aws/kinesis"),
			resource.TestCheckResourceAttr(own, "tags.team", "web"), resource.TestCheckResourceAttr(own, "deletion_protection", "false"),
			resource.TestCheckResourceAttr(own, "status", "ACTIVE"), resource.TestCheckResourceAttrPair(own, "arn", address, "arn"),
			resource.TestCheckResourceAttr(theirs, "mode", "ON_DEMAND"), resource.TestCheckResourceAttr(theirs, "open_shards", "4"),
			resource.TestCheckResourceAttr(theirs, "retention", "48h"), resource.TestCheckNoResourceAttr(theirs, "kms_key_id"),
			resource.TestCheckResourceAttr(theirs, "tags.team", "shop"), resource.TestCheckResourceAttr(theirs, "deletion_protection", "true"),
		),
		providertest.Unchanged(config),
		resource.TestStep{Config: config + look("none", `"nothing"`), ExpectError: regexp.MustCompile(`"nothing"\s+does\s+not\s+exist`)},
	)
}

func TestAccStreamDrift(t *testing.T) {
	t.Parallel()
	d, fake := acctest.Dev(t), fakekinesis.Start(t, 1)
	config := stream(d, fake.URL, unprotected+"shards = 2\n  tags = { team = \"web\" }")
	outside := func(change func(*fakekinesis.Stream) *fakekinesis.Stream) func() {
		return func() { fake.Change("clicks", change) }
	}
	changed := providertest.Does(plancheck.ResourceActionUpdate, address, config, resource.TestCheckResourceAttr(address, "open_shards", "2"))
	changed.PreConfig = outside(func(st *fakekinesis.Stream) *fakekinesis.Stream {
		st.Shards, st.Hours, st.Tags["team"], st.Tags["theirs"] = 4, 48, "shop", "kept"
		return st
	})
	untagged := providertest.Does(plancheck.ResourceActionUpdate, address, config)
	untagged.PreConfig = outside(func(st *fakekinesis.Stream) *fakekinesis.Stream {
		if st.Tags["theirs"] != "kept" || st.Tags["team"] != "web" || st.Hours != 24 {
			t.Errorf("the stream is %+v", st)
		}
		delete(st.Tags, "team")
		return st
	})
	test(t, providertest.Applied(config), changed, providertest.Unchanged(config), untagged, providertest.Unchanged(config))
}

func TestAccStreamRefusals(t *testing.T) {
	t.Parallel()
	d, fake := acctest.Dev(t), fakekinesis.Start(t, 0)
	fake.Change("theirs", func(*fakekinesis.Stream) *fakekinesis.Stream {
		return &fakekinesis.Stream{Mode: "PROVISIONED", Shards: 1, Hours: 24, Tags: map[string]string{}, Consumers: []string{"reports"}}
	})
	declared := ""
	for name, attributes := range map[string]string{
		"both":      "mode = \"ON_DEMAND\"\n  shards = 1",
		"none":      `mode = "PROVISIONED"`,
		"minutes":   `retention = "90m"`,
		"years":     `retention = "9000h"`,
		"reserved":  `tags = { "aws:x" = "y" }`,
		"many":      `shards = 501`,
		"theirs":    `shards = 1`,
		"unlimited": `retention = "unlimited"`,
	} {
		declared += fmt.Sprintf("resource \"headgate_stream\" %q {\n  connection_name = headgate_connection.aws.name\n  name = %[1]q\n  %s\n}\n", name, attributes)
	}
	providertest.Refused(t, connection(d, fake.URL), connection(d, fake.URL)+declared, map[string]string{
		"headgate_stream.both":      `on-demand stream has no number of shards`,
		"headgate_stream.none":      `number of shards is missing`,
		"headgate_stream.minutes":   `retention is not possible`,
		"headgate_stream.years":     `retention is not possible`,
		"headgate_stream.reserved":  `tag is reserved`,
		"headgate_stream.many":      `no room for 501 more shards`,
		"headgate_stream.theirs":    `(?s)already exists.*aws/theirs`,
		"headgate_stream.unlimited": `retention is not possible`,
	})
	imported := connection(d, fake.URL) + `
import {
  to = headgate_stream.theirs
  id = "aws/theirs"
}
resource "headgate_stream" "theirs" {
  connection_name     = headgate_connection.aws.name
  name                = "theirs"
  shards              = 1
  deletion_protection = false
}
`
	inUse := resource.TestStep{Config: connection(d, fake.URL), ExpectError: regexp.MustCompile(`(?s)1 registered consumer.*reports`)}
	unused := providertest.Unchanged(imported)
	unused.PreConfig = func() {
		fake.Change("theirs", func(st *fakekinesis.Stream) *fakekinesis.Stream {
			st.Consumers = nil
			return st
		})
	}
	test(t, providertest.Applied(connection(d, fake.URL)), providertest.Applied(imported), inUse, unused)
}
