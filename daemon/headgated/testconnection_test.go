package main

import (
	"strings"
	"testing"

	"github.com/headgate/terraform-provider-headgate/internal/api"
)

func TestPrintTest(t *testing.T) {
	steps := []api.ConnectionTestStep{
		{Step: api.StepDNS, Address: "b-1.internal:9093", OK: true, Detail: "10.0.0.1", DurationMillis: 1.25},
		{Step: api.StepTLS, Address: "b-1.internal:9093", OK: true, Detail: "TLS 1.3", DurationMillis: 20.5},
	}
	failed := append(steps[:1:1], api.ConnectionTestStep{Step: api.StepTCP, Address: "b-1.internal:9093", Detail: "nothing listens on this port", DurationMillis: 2})
	for name, tt := range map[string]struct {
		test    api.ConnectionTest
		want    []string
		without string
	}{
		"works":   {api.ConnectionTest{OK: true, Steps: steps}, []string{"dns  ok  1.2 ms   b-1.internal:9093  10.0.0.1\n", "tls  ok  20.5 ms  b-1.internal:9093  TLS 1.3\n", "2 steps in 21.8 ms"}, "warning"},
		"fails":   {api.ConnectionTest{Steps: failed}, []string{"tcp  FAILED  2.0 ms  b-1.internal:9093  nothing listens on this port\n"}, "works"},
		"warning": {api.ConnectionTest{OK: true, Steps: steps, Warnings: []api.Warning{{Summary: "It ends soon", Detail: "Renew it."}}}, []string{"warning: It ends soon. Renew it.\n"}, "FAILED"},
	} {
		t.Run(name, func(t *testing.T) {
			var out strings.Builder
			printTest(&out, &tt.test)
			for _, want := range tt.want {
				if !strings.Contains(out.String(), want) {
					t.Errorf("printed\n%s\nwithout %q", out.String(), want)
				}
			}
			if strings.Contains(out.String(), tt.without) {
				t.Errorf("printed\n%s\nwith %q", out.String(), tt.without)
			}
		})
	}
}
