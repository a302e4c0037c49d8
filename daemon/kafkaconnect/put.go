package kafkaconnect

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/headgate/terraform-provider-headgate/daemon/connection/kafkaconnect"
	"github.com/headgate/terraform-provider-headgate/daemon/store"
	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/internal/spec"
)

var namePattern = regexp.MustCompile(api.KafkaConnectorNamePattern)

// write is one write to a connector, after everything that can be checked without asking the cluster.
type write struct {
	api.KafkaConnectorWrite
	c    *cluster
	name string
	have *found            // nil: it does not exist
	full map[string]string // the whole configuration, secrets included, without name
	hide map[string]string // what of full, and of what is there, is secret

	wrote bool              // the cluster has taken full, or may have
	took  map[string]string // what the cluster answered to the last write that it took
}

// Put creates or changes a connector. It answers when the cluster has the change; Get tells whether it runs with it.
func (s *Service) Put(ctx context.Context, connection, name string, body api.KafkaConnectorWrite, opts api.KafkaConnectorWriteOptions, idempotencyKey string) (*api.KafkaConnector, error) {
	w := &write{KafkaConnectorWrite: body, name: name}
	if err := w.check(); err != nil {
		return nil, err
	}
	var err error
	if w.c, err = s.cluster(ctx, connection); err != nil {
		return nil, err
	}
	if opts.DryRun {
		if err := s.prepare(ctx, w, opts.WriteOptions, idempotencyKey); err != nil {
			return nil, err
		}
		return s.planned(ctx, w)
	}
	done, err := s.begin(id(connection, name), true)
	if err != nil {
		return nil, err
	}
	// Half a change would be worse than one that nobody waits for any more.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), writeTimeout)
	defer cancel()
	if err = s.prepare(ctx, w, opts.WriteOptions, idempotencyKey); err == nil {
		err = s.apply(ctx, w, idempotencyKey)
	}
	if err != nil {
		done()
		return nil, err
	}
	s.tasks.Go(func() {
		defer done()
		s.follow(w, max(opts.StartTimeout, 0))
	})
	return s.read(ctx, w.c, name)
}

// check finds what is wrong without asking anyone.
func (w *write) check() error {
	if !namePattern.MatchString(w.name) {
		return api.Invalid("/name", "The name is not allowed", "A connector's name has 1 to 200 characters, no slashes, backslashes, percent signs or control characters, and no space at its ends.", "Choose another name.")
	}
	if w.State == "" {
		w.State = api.StateRunning
	}
	if !slices.Contains([]string{api.StateRunning, api.StatePaused, api.StateStopped}, w.State) && w.knows("/state") {
		return api.Invalid("/state", "There is no such state", "", "Use running, paused or stopped.")
	}
	if _, ok := w.Config[nameKey]; ok {
		return api.Invalid(spec.Join("/config", nameKey), "The name does not belong in config", "It is an attribute of its own, and Kafka Connect adds it by itself.", "Remove \"name\" from config.")
	}
	if w.knows("/config") && w.knows(spec.Join("/config", classKey)) && w.Config[classKey] == "" {
		return api.Invalid(spec.Join("/config", classKey), "connector.class is missing", "It says which plugin the connector is made from.", "Set config[\"connector.class\"].")
	}
	for _, key := range sortedKeys(w.secretsGiven()) {
		if _, ok := w.Config[key]; ok {
			return api.Invalid(spec.Join("/config", key), fmt.Sprintf("%q is set twice", key), "It is in config and in sensitive_config_wo.", "Keep it in one of the two.")
		}
		if key == classKey || key == nameKey {
			return api.Invalid(spec.Join("/sensitive_config", key), fmt.Sprintf("%q is no secret", key), "", "Set it in config.")
		}
	}
	return w.checkRestart()
}

func (w *write) checkRestart() error {
	if w.Restart == nil {
		return nil
	}
	policy := *w.Restart
	w.Restart = &policy
	if policy.Backoff == "" {
		policy.Backoff = api.DefaultRestartBackoff
	}
	if _, err := spec.Duration(policy.Backoff).Parse(); err != nil && w.knows("/restart/backoff") {
		return api.Invalid("/restart/backoff", "The backoff is not a duration", err.Error()+".", "")
	}
	if (policy.MaxRetries < 1 || policy.MaxRetries > 1000) && w.knows("/restart/max_retries") {
		return api.Invalid("/restart/max_retries", "max_retries is not allowed", "It is 1 to 1000.", "")
	}
	w.Restart.Backoff = policy.Backoff
	return nil
}

// knows says whether the values at and below a pointer, and those that it is below, are known.
func (w *write) knows(pointer string) bool {
	return !slices.ContainsFunc(w.Unknown, func(u string) bool { return u == pointer || strings.HasPrefix(pointer, u+"/") })
}

func (w *write) knowsKey(key string) bool {
	return w.knows(spec.Join("/config", key)) && !slices.Contains(w.Unknown, spec.Join("/sensitive_config", key))
}

func (w *write) secretsGiven() map[string]string {
	if w.SensitiveConfig == nil {
		return nil
	}
	return *w.SensitiveConfig
}

// hidden is an error without what is secret in it.
func (w *write) hidden(err error) error {
	if e, ok := errors.AsType[*kafkaconnect.AnswerError](err); ok {
		return &kafkaconnect.AnswerError{Status: e.Status, Message: hider(w.hide).Replace(e.Message)}
	}
	return err
}

// prepare reads what is there, puts the whole configuration together and has it checked.
func (s *Service) prepare(ctx context.Context, w *write, opts api.WriteOptions, idempotencyKey string) error {
	var err error
	if w.have, err = s.find(ctx, w.c, w.name); err != nil {
		return err
	}
	if err := s.expected(ctx, w, opts, idempotencyKey); err != nil {
		return err
	}
	w.full, w.hide = maps.Clone(w.Config), map[string]string{}
	if w.full == nil {
		w.full = map[string]string{}
	}
	if w.have != nil {
		maps.Copy(w.hide, w.have.concealed())
	}
	if w.SensitiveConfig == nil && w.have != nil {
		for key, value := range w.have.secrets() {
			if _, ok := w.Config[key]; !ok {
				w.full[key] = value
			}
		}
	}
	maps.Copy(w.full, w.secretsGiven())
	maps.Copy(w.hide, w.secretsGiven())
	s.conns.Hider().Hide("connector "+id(w.c.name, w.name), slices.Collect(maps.Values(w.hide))...)
	if w.unchanged() {
		return nil
	}
	if err := w.checkMasks(); err != nil {
		return err
	}
	return w.validate(ctx)
}

// expected checks what the caller believes about the connector.
func (s *Service) expected(ctx context.Context, w *write, opts api.WriteOptions, idempotencyKey string) error {
	switch {
	case w.have == nil && opts.Generation != "":
		return api.NotFound("Connector", w.name)
	case w.have == nil:
		return nil
	case opts.Generation != "" && opts.Generation != w.have.generation():
		return api.Conflict("Connector", w.name)
	case !opts.CreateOnly:
		return nil
	}
	adopt, err := s.store.Unanswered(ctx, noun, id(w.c.name, w.name), idempotencyKey)
	if err == nil && !adopt {
		err = alreadyExists(w.c.name, w.name)
	}
	return err
}

func alreadyExists(connection, name string) error {
	return api.AlreadyExists("Connector", name, fmt.Sprintf("Import it (its import id is %s/%s), or choose another name.", connection, name))
}

// unchanged says whether the configuration is what the connector has.
func (w *write) unchanged() bool {
	return w.have != nil && len(w.Unknown) == 0 && maps.Equal(w.full, w.have.config)
}

// planned answers what the connector would be.
func (s *Service) planned(ctx context.Context, w *write) (*api.KafkaConnector, error) {
	f := &found{name: w.name, config: w.full, restart: w.Restart}
	f.status.Connector.State = "UNASSIGNED"
	if w.have != nil {
		f.status, f.own = w.have.status, maps.Clone(w.have.own)
		maps.DeleteFunc(f.own, func(key, _ string) bool { _, declared := w.full[key]; return declared })
	}
	var err error
	if f.sensitive, err = w.c.sensitive(ctx, w.full, w.sensitiveKeys()); err != nil {
		return nil, err
	}
	k := s.answer(w.c, f)
	k.State, k.Generation = w.State, ""
	if w.have != nil {
		k.Generation = w.have.generation()
	}
	return k, nil
}

// sensitiveKeys are those that are declared to be secret, or were and stay.
func (w *write) sensitiveKeys() []string {
	if w.SensitiveConfig == nil && w.have != nil {
		return slices.DeleteFunc(slices.Clone(w.have.kept.SensitiveKeys), func(key string) bool {
			_, plain := w.Config[key]
			return plain
		})
	}
	return sortedKeys(w.secretsGiven())
}

// apply makes the change, all of it or nothing.
func (s *Service) apply(ctx context.Context, w *write, idempotencyKey string) error {
	if w.have == nil {
		return s.create(ctx, w, idempotencyKey)
	}
	if err := s.keep(ctx, w); err != nil {
		return err
	}
	if err := w.change(ctx); err != nil {
		return errors.Join(err, s.takeBack(ctx, w))
	}
	return nil
}

// create makes a connector in its declared state, so that one that shall not run never does.
func (s *Service) create(ctx context.Context, w *write, idempotencyKey string) error {
	key := id(w.c.name, w.name)
	began, err := s.store.BeginCreation(ctx, noun, key, idempotencyKey)
	if err != nil {
		return err
	}
	if !began {
		return alreadyExists(w.c.name, w.name)
	}
	if err := s.keep(ctx, w); err != nil {
		return errors.Join(err, s.store.EndCreation(ctx, noun, key))
	}
	err = w.post(ctx)
	if err == nil {
		s.conclude(key, outcome{})
		return nil
	}
	// After trouble with the connection the cluster may have it all the same: the next attempt takes it over.
	known := !api.HasCode(err, api.CodeConnection)
	if known && !api.HasCode(err, api.CodeAlreadyExists) {
		err = errors.Join(err, s.store.ForgetKafkaConnector(ctx, w.c.name, w.name))
	}
	return errors.Join(err, s.store.FailCreation(ctx, noun, key, known))
}

func (w *write) post(ctx context.Context) error {
	config := maps.Clone(w.full)
	config[nameKey] = w.name
	body := map[string]any{"name": w.name, "config": config, "initial_state": strings.ToUpper(w.State)}
	err := w.send(ctx, http.MethodPost, "/connectors", body)
	w.wrote = true
	if kafkaconnect.AlreadyExists(err) {
		return alreadyExists(w.c.name, w.name)
	}
	return w.refused("create", err)
}

// refused makes an error for people of a cluster's answer to a write.
func (w *write) refused(verb string, err error) error {
	if err == nil {
		return nil
	}
	err = w.hidden(err)
	doing := fmt.Sprintf("%s connector %q", verb, w.name)
	if kafkaconnect.Status(err) != http.StatusBadRequest {
		return w.c.failure(doing, err)
	}
	return api.Refused(api.CodeRefused, "/config", "Kafka Connect refuses to "+doing, fmt.Sprintf("Through connection %q, it says: %s.", w.c.name, strings.TrimSuffix(err.Error(), ".")), "Correct the configuration.")
}

// change brings a connector to its declared configuration and state, in the order in which it runs with neither too early.
func (w *write) change(ctx context.Context) error {
	stateChanges := w.State != w.have.state()
	if stateChanges && w.State != api.StateRunning {
		if err := w.c.setState(ctx, w.name, w.State); err != nil {
			return err
		}
	}
	if !w.unchanged() {
		err := w.putConfig(ctx, w.full)
		w.wrote = kafkaconnect.Status(err) != http.StatusBadRequest
		if err != nil {
			return w.refused("change", err)
		}
	}
	if stateChanges && w.State == api.StateRunning {
		if err := w.c.setState(ctx, w.name, w.State); err != nil {
			return err
		}
	}
	if w.have.status.failed() == nil || w.State != api.StateRunning {
		return nil
	}
	// A task whose own configuration stays the same is not started again by itself.
	err := w.c.client.Do(ctx, http.MethodPost, connectorPath(w.name)+"/restart?includeTasks=true&onlyFailed=true", nil, nil)
	return w.refused("restart", err)
}

func (w *write) putConfig(ctx context.Context, config map[string]string) error {
	config = maps.Clone(config)
	config[nameKey] = w.name
	return w.send(ctx, http.MethodPut, connectorPath(w.name)+"/config", config)
}

// send writes, and notes the configuration that the cluster answers: its own additions are in it, and nobody else's.
func (w *write) send(ctx context.Context, method, path string, body any) error {
	var answer []byte
	if err := w.c.client.Do(ctx, method, path, body, &answer); err != nil {
		return err
	}
	var taken struct {
		Config map[string]*string `json:"config"`
	}
	if json.Unmarshal(answer, &taken) != nil {
		taken.Config = nil // What stands before the workers may answer in its own way. The write was taken all the same.
	}
	w.took = withoutName(taken.Config)
	return nil
}

// keep stores what is kept beside the connector.
func (s *Service) keep(ctx context.Context, w *write) error {
	row := store.KafkaConnector{Connection: w.c.name, Name: w.name, SensitiveKeys: w.sensitiveKeys()}
	row.Added, row.Masked = w.stillMade()
	if w.Restart != nil {
		raw, err := json.Marshal(w.Restart)
		if err != nil {
			return fmt.Errorf("encode restart policy: %w", err)
		}
		row.Restart = raw
	}
	return s.store.PutKafkaConnector(ctx, row)
}

// remember adds what is kept beside a connector to it.
func (s *Service) remember(ctx context.Context, c *cluster, f *found) error {
	row, err := s.store.KafkaConnector(ctx, c.name, f.name)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	f.kept = row
	f.discount()
	f.restart, err = policyOf(row)
	return err
}

// takeBack restores what was there before an update.
func (s *Service) takeBack(ctx context.Context, w *write) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), undoTimeout)
	defer cancel()
	var errs []error
	was := w.have.state()
	if was != api.StateRunning {
		errs = append(errs, w.c.setState(ctx, w.name, was))
	}
	if w.wrote {
		errs = append(errs, w.refused("restore", w.putConfig(ctx, w.before())))
	}
	if was == api.StateRunning && w.State != was {
		errs = append(errs, w.c.setState(ctx, w.name, was))
	}
	if w.have.kept.Name != "" {
		errs = append(errs, s.store.PutKafkaConnector(ctx, w.have.kept))
		if w.wrote && errors.Join(errs...) == nil {
			given := w.secretsGiven()
			s.lookBack(ctx, w, w.before(), func(key string) bool { _, secret := given[key]; return !secret && !w.have.sensitive[key] })
		}
	} else {
		errs = append(errs, s.store.ForgetKafkaConnector(ctx, w.c.name, w.name))
	}
	return errors.Join(errs...)
}

// follow waits until a connector is in its declared state with all its tasks, and takes the change back when it fails.
func (s *Service) follow(w *write, timeout time.Duration) {
	if timeout == 0 {
		timeout = defaultStartTimeout
	}
	waiting, cancel := context.WithTimeout(s.life, timeout)
	defer cancel()
	failure := w.await(waiting)
	if failure == nil && w.wrote {
		s.lookBack(s.life, w, w.full, func(key string) bool { _, open := w.Config[key]; return open })
	}
	if failure == nil || s.life.Err() != nil {
		s.conclude(id(w.c.name, w.name), outcome{})
		return
	}
	s.log.Warn("a write to a connector on Kafka Connect is taken back", "connection", w.c.name, "connector", w.name, "error", failure.Summary)
	if w.have == nil {
		s.abandon(w, failure)
		return
	}
	if err := s.takeBack(s.life, w); err != nil {
		failure.Remedy = fmt.Sprintf("The change could not be taken back: %v. %s", err, failure.Remedy)
	}
	if keys := w.lost(); len(keys) > 0 {
		failure.Remedy += fmt.Sprintf(" The cluster masks %s, so that nobody knows what was there before: it stays as it was declared now.", strings.Join(keys, ", "))
	}
	s.conclude(id(w.c.name, w.name), outcome{rollback: &api.Rollback{Generation: w.have.generation(), Error: *failure}})
}

// abandon removes a connector that could not start, and remembers why.
func (s *Service) abandon(w *write, failure *api.Failure) {
	ctx, cancel := context.WithTimeout(s.life, undoTimeout)
	defer cancel()
	removed := &api.Error{
		HTTPStatus: http.StatusConflict, Code: api.CodeStartFailed, Summary: fmt.Sprintf("Connector %q could not start and was not created", w.name),
		Detail: strings.TrimSuffix(failure.Summary+"\n\n"+failure.Detail, "\n\n"), Remedy: "Mend the cause and create it again.",
	}
	if err := w.c.remove(ctx, w.name); err != nil {
		removed.Summary = fmt.Sprintf("Connector %q could not start, and could not be removed", w.name)
		removed.Remedy = fmt.Sprintf("Mend the cause, delete the connector from Kafka Connect, and create it again. %v", err)
	} else if err := s.store.ForgetKafkaConnector(ctx, w.c.name, w.name); err != nil {
		s.log.Error("what is kept beside a connector is left behind", "connection", w.c.name, "connector", w.name, "error", err)
	}
	if err := s.store.EndCreation(ctx, noun, id(w.c.name, w.name)); err != nil {
		s.log.Error("the note of a creation is left behind", "connection", w.c.name, "connector", w.name, "error", err)
	}
	s.conclude(id(w.c.name, w.name), outcome{removed: removed})
}
