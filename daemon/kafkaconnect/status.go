package kafkaconnect

import (
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/headgate/terraform-provider-headgate/internal/api"
)

// statusAnswer is what a worker says of a connector.
type statusAnswer struct {
	Connector taskAnswer   `json:"connector"`
	Tasks     []taskAnswer `json:"tasks"`
	Type      string       `json:"type"`
}

type taskAnswer struct {
	ID       int    `json:"id"`
	State    string `json:"state"`
	WorkerID string `json:"worker_id"`
	Version  string `json:"version"`
	Trace    string `json:"trace"`
}

// stateOf is our word for one of Kafka Connect's.
func stateOf(word string) string {
	switch word {
	case "RUNNING":
		return api.StateRunning
	case "PAUSED":
		return api.StatePaused
	case "STOPPED", "DESTROYED":
		return api.StateStopped
	case "FAILED":
		return api.StateFailed
	case "RESTARTING":
		return api.StateStarting
	}
	return api.StateUnassigned
}

// state sums up a connector and its tasks: the worst of them counts, as with the connectors that the daemon hosts.
func (s *statusAnswer) state() string {
	own := stateOf(s.Connector.State)
	switch {
	case own == api.StateFailed, s.anyTask(api.StateFailed):
		return api.StateFailed
	case own == api.StateRunning && (s.anyTask(api.StateStarting) || s.anyTask(api.StateUnassigned) || s.anyTask(api.StatePaused)),
		own == api.StatePaused && s.anyTask(api.StateRunning), own == api.StateStopped && len(s.Tasks) > 0:
		return api.StateStarting
	}
	return own
}

func (s *statusAnswer) anyTask(state string) bool {
	return slices.ContainsFunc(s.Tasks, func(t taskAnswer) bool { return stateOf(t.State) == state })
}

// failed answers the connector or its first task that has failed.
func (s *statusAnswer) failed() *taskAnswer {
	if stateOf(s.Connector.State) == api.StateFailed {
		return &s.Connector
	}
	for i := range s.Tasks {
		if stateOf(s.Tasks[i].State) == api.StateFailed {
			return &s.Tasks[i]
		}
	}
	return nil
}

// answer makes the answer of what was found, without anything secret.
func (s *Service) answer(c *cluster, f *found) *api.KafkaConnector {
	hide := hider(f.concealed())
	k := &api.KafkaConnector{
		Connection: c.name, Name: f.name, Config: f.open(), SensitiveKeys: sortedKeys(f.secrets()), ServerKeys: sortedKeys(f.own), State: f.state(), Restart: f.restart,
		Generation: f.generation(),
		Status: api.KafkaConnectorStatus{
			State: f.status.state(), Type: typeOf(f.status.Type), Version: f.status.Connector.Version, WorkerID: f.status.Connector.WorkerID,
			Tasks: []api.KafkaConnectorTask{},
		},
	}
	if worst := f.status.failed(); worst != nil {
		k.Status.Error = failureOf(*worst, worst == &f.status.Connector, hide)
	}
	for _, t := range f.status.Tasks {
		task := api.KafkaConnectorTask{ID: t.ID, State: stateOf(t.State), WorkerID: t.WorkerID, Restarts: s.restartCount(c.name, f.name)}
		if task.State == api.StateFailed {
			task.Error = failureOf(t, false, hide)
		}
		k.Status.Tasks = append(k.Status.Tasks, task)
	}
	return k
}

func typeOf(word string) string {
	if word == api.TypeSource || word == api.TypeSink {
		return word
	}
	return "unknown"
}

// failureOf makes of a Java trace what a person wants to know: the root cause first.
func failureOf(t taskAnswer, connector bool, hide *strings.Replacer) *api.Failure {
	trace := hide.Replace(strings.TrimSpace(t.Trace))
	causes := causesOf(trace)
	f := &api.Failure{At: time.Now().UTC(), Code: api.CodeStartFailed, Summary: "Kafka Connect does not say why", Trace: trace}
	if len(causes) > 0 {
		f.Summary = causes[len(causes)-1]
	}
	where := "The connector"
	if !connector {
		where = "Task " + number(t.ID)
	}
	f.Detail = where + " failed on worker " + t.WorkerID + ": " + strings.Join(causes, "; caused by ")
	f.Remedy = "Mend the cause; a failed task stays failed until it is restarted."
	return f
}

var (
	// frame is a line of a trace that says where, not why.
	frame = regexp.MustCompile(`^\s*(at |\.\.\. \d+ (more|common frames omitted))`)
	// packages stand before the name of an exception.
	packages = regexp.MustCompile(`^(?:[a-z_][\w$]*\.)+([A-Z][\w$.]*)`)
)

// causesOf lists the exceptions of a trace with their messages, the root cause last. A message may have several lines.
func causesOf(trace string) []string {
	var causes []string
	skipping := false
	for line := range strings.Lines(trace) {
		line = strings.TrimRight(line, "\r\n")
		switch {
		case frame.MatchString(line), strings.TrimSpace(line) == "":
		case strings.HasPrefix(strings.TrimSpace(line), "Suppressed: "):
			skipping = true
		case strings.HasPrefix(line, "Caused by: "):
			skipping = false
			causes = append(causes, exception(strings.TrimPrefix(line, "Caused by: ")))
		case skipping, strings.HasPrefix(line, "\t"):
		case len(causes) == 0:
			causes = append(causes, exception(line))
		default:
			causes[len(causes)-1] += " " + strings.TrimSpace(line)
		}
	}
	return causes
}

func exception(line string) string { return packages.ReplaceAllString(strings.TrimSpace(line), "$1") }
