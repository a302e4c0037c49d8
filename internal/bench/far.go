package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/Shopify/toxiproxy/v2"
	"github.com/rs/zerolog"

	"github.com/headgate/terraform-provider-headgate/internal/real"
)

// far is a cluster that can be moved away: its clients reach it through proxies.
type far struct {
	server  *toxiproxy.ApiServer // which makes proxies, and serves nobody
	proxies []*toxiproxy.Proxy
	servers []string
	kafka   *real.Kafka
}

const (
	delay   = "delay" // its name among what a proxy does
	latency = 20      // how long it is, in milliseconds
)

func newFar() *far {
	return &far{server: toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop())}
}

// lead makes a proxy that leads to a broker, and answers its address.
func (f *far) lead(broker int, address string) (string, error) {
	proxy := toxiproxy.NewProxy(f.server, fmt.Sprintf("broker-%d", broker), "127.0.0.1:0", address)
	if err := proxy.Start(); err != nil {
		return "", fmt.Errorf("start a proxy: %w", err)
	}
	f.proxies, f.servers = append(f.proxies, proxy), append(f.servers, proxy.Listen)
	return proxy.Listen, nil
}

// move has answers of the brokers take longer.
func (f *far) move() error {
	for _, proxy := range f.proxies {
		toxic := fmt.Sprintf(`{"name":%q,"type":"latency","stream":"downstream","attributes":{"latency":%d}}`, delay, latency)
		if _, err := proxy.Toxics.AddToxicJson(strings.NewReader(toxic)); err != nil {
			return fmt.Errorf("delay what a broker answers: %w", err)
		}
	}
	return nil
}

func (f *far) moveBack(ctx context.Context) error {
	for _, proxy := range f.proxies {
		if err := proxy.Toxics.RemoveToxic(ctx, delay); err != nil {
			return fmt.Errorf("no longer delay what a broker answers: %w", err)
		}
	}
	return nil
}

func (f *far) close() error {
	var errs []error
	if f.kafka != nil {
		errs = append(errs, f.kafka.Close())
	}
	for _, proxy := range f.proxies {
		proxy.Stop()
	}
	return errors.Join(errs...)
}
