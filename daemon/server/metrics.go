package server

import (
	"context"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/headgate/terraform-provider-headgate/daemon/connector"
	"github.com/headgate/terraform-provider-headgate/internal/api"
)

// registerMetrics registers what the daemon measures, and answers how to note a request.
func registerMetrics(registry *prometheus.Registry, connectors *connector.Service, more []prometheus.Collector) func(method, status string, took time.Duration) {
	requests := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "headgate_http_request_duration_seconds", Help: "Time to answer API requests.", Buckets: prometheus.DefBuckets,
	}, []string{"method", "status"})
	registry.MustRegister(requests, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), &connectorCollector{connectors})
	registry.MustRegister(more...)
	return func(method, status string, took time.Duration) {
		requests.WithLabelValues(known(method), status).Observe(took.Seconds())
	}
}

// known keeps callers from making up label values.
func known(method string) string {
	switch method {
	case "GET", "PUT", "POST", "DELETE":
		return method
	}
	return "other"
}

var (
	stateDesc    = prometheus.NewDesc("headgate_connector_state", "1 for the state that the connector is in.", []string{"connector", "state"}, nil)
	lagDesc      = prometheus.NewDesc("headgate_connector_lag_records", "Records at the source that are not safe at the destination yet.", []string{"connector"}, nil)
	receivedDesc = prometheus.NewDesc("headgate_connector_records_received_total", "Records read from the source.", []string{"connector", "instance"}, nil)
	writtenDesc  = prometheus.NewDesc("headgate_connector_records_written_total", "Records that the destination holds.", []string{"connector", "instance"}, nil)
	restartsDesc = prometheus.NewDesc("headgate_connector_restarts_total", "Restarts of instances after failures.", []string{"connector", "instance"}, nil)
)

// connectorCollector reads the connectors' status when it is asked, so that nothing is counted twice.
type connectorCollector struct{ connectors *connector.Service }

func (c *connectorCollector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{stateDesc, lagDesc, receivedDesc, writtenDesc, restartsDesc} {
		ch <- d
	}
}

// collectLimit bounds how many connectors are measured.
const collectLimit = 10000

func (c *connectorCollector) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	for _, one := range c.connectors.List(ctx, "", collectLimit) {
		for _, state := range []string{api.StateRunning, api.StatePaused, api.StateStopped, api.StateFailed, api.StateStarting} {
			value := 0.0
			if one.Status.State == state {
				value = 1
			}
			ch <- prometheus.MustNewConstMetric(stateDesc, prometheus.GaugeValue, value, one.Name, state)
		}
		if one.Status.LagRecords >= 0 {
			ch <- prometheus.MustNewConstMetric(lagDesc, prometheus.GaugeValue, float64(one.Status.LagRecords), one.Name)
		}
		for _, i := range one.Status.Instances {
			instance := strconv.Itoa(i.ID)
			ch <- prometheus.MustNewConstMetric(receivedDesc, prometheus.CounterValue, float64(i.RecordsReceived), one.Name, instance)
			ch <- prometheus.MustNewConstMetric(writtenDesc, prometheus.CounterValue, float64(i.RecordsWritten), one.Name, instance)
			ch <- prometheus.MustNewConstMetric(restartsDesc, prometheus.CounterValue, float64(i.RestartsTotal), one.Name, instance)
		}
	}
}
