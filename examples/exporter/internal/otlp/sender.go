package otlp

import (
	"context"
	"strings"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetrichttp"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/resource"

	"github.com/libbpf-go/libbpf-go/examples/exporter/internal/model"
)

// Sender sends metrics after each interval.
type Sender struct{ provider *metric.MeterProvider }

// Start begins to send what families returns. The endpoint is such as "http://collector:4318"; if it is empty, the
// variables of OpenTelemetry have it (OTEL_EXPORTER_OTLP_ENDPOINT). Headers, certificates and the rest are theirs, too.
func Start(ctx context.Context, endpoint string, interval time.Duration, families func() []model.Family) (*Sender, error) {
	options := []otlpmetrichttp.Option{otlpmetrichttp.WithCompression(otlpmetrichttp.GzipCompression)}
	if endpoint != "" {
		options = append(options, otlpmetrichttp.WithEndpointURL(strings.TrimRight(endpoint, "/")+"/v1/metrics"))
	}
	exporter, err := otlpmetrichttp.New(ctx, options...)
	if err != nil {
		return nil, err
	}
	machine, err := resource.New(ctx, resource.WithAttributes(attribute.String("service.name", "bpf_exporter")),
		resource.WithHost(), resource.WithTelemetrySDK(), resource.WithFromEnv())
	if err != nil {
		_ = exporter.Shutdown(ctx)
		return nil, err
	}
	reader := metric.NewPeriodicReader(exporter, metric.WithInterval(interval), metric.WithProducer(Producer{families}))
	return &Sender{metric.NewMeterProvider(metric.WithReader(reader), metric.WithResource(machine))}, nil
}

// Send sends now.
func (s *Sender) Send(ctx context.Context) error { return s.provider.ForceFlush(ctx) }

// Close sends the last numbers and ends.
func (s *Sender) Close(ctx context.Context) error { return s.provider.Shutdown(ctx) }
