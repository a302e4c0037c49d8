package devkafka

import (
	"fmt"

	"github.com/twmb/franz-go/pkg/kerr"
)

// refusal is the answer to what a broker does not do: one of Kafka's error codes and the message that goes with it.
type refusal struct {
	code    int16
	message *string
}

func refuse(kind *kerr.Error, format string, args ...any) *refusal {
	message := fmt.Sprintf(format, args...)
	return &refusal{code: kind.Code, message: &message}
}
