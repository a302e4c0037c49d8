package real

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"golang.org/x/sync/errgroup"
)

const (
	kafkaVersion = "4.3.0"
	kafkaJava    = 17

	keystoreFile   = "server.pem"
	truststoreFile = "ca.pem"
	keytabFile     = "kafka.keytab"
	logConfigFile  = "log4j2.properties"

	// quickStart has Java compile quickly to less optimized code: it halves the time of a start.
	quickStart = "-XX:TieredStopAtLevel=1"
)

func kafkaArtifacts() []artifact {
	return []artifact{
		{Group: "org.apache.kafka", Name: "kafka_2.13", Version: kafkaVersion},
		{Group: "org.apache.kafka", Name: "kafka-tools", Version: kafkaVersion},
		{Group: "org.apache.logging.log4j", Name: "log4j-core", Version: "2.25.0"},
		{Group: "org.apache.logging.log4j", Name: "log4j-slf4j-impl", Version: "2.25.0"},
	}
}

// KafkaOptions says what cluster to start.
type KafkaOptions struct {
	// Brokers is the number of brokers, 1 or 3. Each is a controller too. Default 1.
	Brokers int
	// Racks puts broker i into rack-i and lets consumers fetch from the replica in their rack.
	Racks bool
	// Dir takes the configuration, data and logs. Default: a temporary folder, removed by Close.
	Dir string
	// HeapMB is the Java heap of each broker in mebibytes. Default 512.
	HeapMB int
	// Optimize has the brokers compile for throughput rather than for a quick start, which it makes seconds slower.
	Optimize bool
	// Tokens has the SASL listeners take OAUTHBEARER too, with tokens of this server that have the audience [Audience].
	Tokens *TokenServer
	// Kerberos has the SASL listeners take GSSAPI too, as the principal kafka/127.0.0.1 of this realm.
	Kerberos *KDC
	// Advertise answers where clients find the PLAINTEXT listener of a broker, such as a proxy that leads to its address.
	// Default: at its address. [Cluster.Listeners] has its address in any case.
	Advertise func(broker int, address string) (string, error)
	// Config adds to the server properties of every broker, or replaces them.
	Config map[string]string
}

func (o KafkaOptions) withDefaults() (KafkaOptions, error) {
	if o.Brokers == 0 {
		o.Brokers = 1
	}
	if o.Brokers != 1 && o.Brokers != 3 {
		return o, fmt.Errorf("a cluster has 1 or 3 brokers, not %d", o.Brokers)
	}
	if o.HeapMB == 0 {
		o.HeapMB = defaultHeapMB
	}
	return o, nil
}

// Kafka is a running Apache Kafka cluster in KRaft mode. Its broker ids are 0, 1 and 2. Use the methods that start and
// stop brokers from one goroutine at a time.
type Kafka struct {
	Cluster

	dir         workDir
	ports       *portSet
	controllers []string // host:port by broker id
	java        []string // the start of the command line of broker and tools
	brokers     []*broker
}

type broker struct {
	id      int
	clients string // where clients find its PLAINTEXT listener
	dir     string
	config  string // path of its server properties
	process *process
}

func (b *broker) running() bool {
	return b.process != nil && b.process.running()
}

// StartKafka starts a cluster and waits until every broker knows all of them. The context bounds the start only. When
// the start fails other than by cancellation, its folder is kept, and the error names the logs in it.
func StartKafka(ctx context.Context, options KafkaOptions) (*Kafka, error) {
	options, err := options.withDefaults()
	if err != nil {
		return nil, err
	}
	k, err := newKafka(ctx, options)
	if err != nil {
		return nil, fmt.Errorf("prepare a Kafka cluster: %w", err)
	}
	if err := k.start(ctx, options); err != nil {
		if !errors.Is(ctx.Err(), context.Canceled) {
			k.KeepDir()
		}
		return nil, errors.Join(err, k.Close())
	}
	return k, nil
}

// newKafka finds everything the cluster needs and fixes its addresses and secrets.
func newKafka(ctx context.Context, options KafkaOptions) (*Kafka, error) {
	java, err := findJava(ctx, kafkaJava)
	if err != nil {
		return nil, err
	}
	libs, err := fetchClasspath(ctx, "kafka-"+kafkaVersion, kafkaArtifacts())
	if err != nil {
		return nil, err
	}
	pki, err := NewPKI()
	if err != nil {
		return nil, err
	}
	dir, err := newWorkDir(options.Dir, "kafka")
	if err != nil {
		return nil, err
	}
	ports, err := reservePorts(ctx, options.Brokers*portsPerBroker)
	if err != nil {
		return nil, errors.Join(err, dir.remove())
	}
	k := &Kafka{
		Cluster: Cluster{
			ClusterID: newUUID(),
			Listeners: map[string][]string{},
			Admin:     User{Name: "admin", Password: rand.Text()},
			Alice:     User{Name: "alice", Password: rand.Text()},
			PKI:       pki,
		},
		dir:   dir,
		ports: ports,
		java: []string{
			java, "-cp", filepath.Join(libs, "*"),
			fmt.Sprintf("-Xmx%dm", options.HeapMB), "-XX:+UseSerialGC", "-Djava.net.preferIPv4Stack=true",
			"-Dlog4j2.configurationFile=" + filepath.Join(dir.path, logConfigFile),
		},
	}
	if !options.Optimize {
		k.java = append(k.java, quickStart)
	}
	k.java = append(k.java, options.securityProperties()...)
	for id := range options.Brokers {
		k.addBroker(id, ports.numbers[id*portsPerBroker:][:portsPerBroker])
	}
	if err := k.advertise(options.Advertise); err != nil {
		ports.release()
		return nil, errors.Join(err, dir.remove())
	}
	return k, nil
}

func (k *Kafka) addBroker(id int, ports []int) {
	dir := filepath.Join(k.dir.path, "broker-"+strconv.Itoa(id))
	k.brokers = append(k.brokers, &broker{id: id, dir: dir, config: filepath.Join(dir, "server.properties")})
	k.controllers = append(k.controllers, loopback(ports[0]))
	for i, listener := range clientListeners {
		k.Listeners[listener] = append(k.Listeners[listener], loopback(ports[i+1]))
	}
}

func (k *Kafka) advertise(where func(int, string) (string, error)) (err error) {
	for _, b := range k.brokers {
		b.clients = k.Listeners[ListenerPlaintext][b.id]
		if where == nil {
			continue
		}
		if b.clients, err = where(b.id, b.clients); err != nil {
			return fmt.Errorf("advertise broker %d: %w", b.id, err)
		}
	}
	return nil
}

func (k *Kafka) start(ctx context.Context, options KafkaOptions) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()

	if err := k.writeFiles(ctx, options); err != nil {
		return fmt.Errorf("write the configuration of a Kafka cluster: %w", err)
	}
	if err := k.format(ctx); err != nil {
		return fmt.Errorf("format a Kafka cluster: %w", err)
	}
	var ids []int
	for _, b := range k.brokers {
		ids = append(ids, b.id)
	}
	return k.StartBroker(ctx, ids...)
}

func (k *Kafka) writeFiles(ctx context.Context, options KafkaOptions) error {
	files := map[string][]byte{
		filepath.Join(k.dir.path, keystoreFile):   slices.Concat(k.PKI.Server.Key, k.PKI.Server.Cert),
		filepath.Join(k.dir.path, truststoreFile): k.PKI.CA.Cert,
		filepath.Join(k.dir.path, logConfigFile):  []byte(logConfig),
	}
	if options.Kerberos != nil {
		keytab, err := options.Kerberos.Keytab(ctx, brokerPrincipal)
		if err != nil {
			return err
		}
		files[filepath.Join(k.dir.path, keytabFile)] = keytab
	}
	for _, b := range k.brokers {
		if err := os.MkdirAll(b.dir, 0o700); err != nil {
			return err
		}
		files[b.config] = renderProperties(k.brokerConfig(b.id, options))
	}
	for path, content := range files {
		if err := os.WriteFile(path, content, 0o600); err != nil {
			return err
		}
	}
	return nil
}

// format prepares the data folders of all brokers with the same cluster id, voters and SCRAM users.
func (k *Kafka) format(ctx context.Context) error {
	args := []string{"format", "--cluster-id", k.ClusterID, "--initial-controllers", k.voters()}
	for _, user := range []User{k.Admin, k.Alice} {
		for _, mechanism := range []string{MechanismSCRAMSHA256, MechanismSCRAMSHA512} {
			args = append(args, "--add-scram", fmt.Sprintf("%s=[name=%s,password=%s]", mechanism, user.Name, user.Password))
		}
	}
	group, ctx := errgroup.WithContext(ctx)
	for _, b := range k.brokers {
		group.Go(func() error {
			return k.Tool(ctx, nil, "kafka.tools.StorageTool", append(slices.Clone(args), "--config", b.config)...)
		})
	}
	return group.Wait()
}

// voters lists the controllers as id@host:port:directory-id.
func (k *Kafka) voters() string {
	var voters []string
	for _, b := range k.brokers {
		voters = append(voters, fmt.Sprintf("%d@%s:%s", b.id, k.controllers[b.id], newUUID()))
	}
	return strings.Join(voters, ",")
}

// Tool runs one of Kafka's own command line tools, by its class, or a Java file that uses them.
func (k *Kafka) Tool(ctx context.Context, stdin io.Reader, class string, args ...string) error {
	argv := slices.Concat(k.java, []string{quickStart, class}, args)
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Stdin = stdin
	out, err := cmd.CombinedOutput()
	if err != nil {
		out = out[max(0, len(out)-tailBytes):] // It begins with all settings there are.
		return fmt.Errorf("run %s: %w\n%s", class, err, bytes.TrimSpace(out))
	}
	return nil
}

// newUUID returns a random id as Kafka writes it: 16 bytes in base64 for URLs. Kafka keeps ids that start with a dash
// out of command lines, and so does this.
func newUUID() string {
	var id [16]byte
	_, _ = rand.Read(id[:]) // It never fails.
	id[0] &= 0x7f
	return base64.RawURLEncoding.EncodeToString(id[:])
}

// StartBroker starts brokers that are not running, with the ports and data they had, and waits until all running
// brokers know each other. Controllers need a majority: when two of three are stopped, start both with one call.
func (k *Kafka) StartBroker(ctx context.Context, ids ...int) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()

	for _, id := range ids {
		b, err := k.broker(id)
		if err != nil {
			return err
		}
		if err := k.launch(b); err != nil {
			return err
		}
	}
	return k.waitReady(ctx)
}

func (k *Kafka) launch(b *broker) error {
	name := fmt.Sprintf("Kafka broker %d", b.id)
	if b.running() {
		return fmt.Errorf("%s is running already", name)
	}
	argv := slices.Concat(k.java, []string{"kafka.Kafka", b.config})
	p, err := startProcess(name, b.dir, filepath.Join(b.dir, "server.log"), argv...)
	if err != nil {
		return err
	}
	b.process = p
	return nil
}

// StopBroker stops a broker in order (SIGTERM): it hands over its partitions first. When ctx ends before the broker
// does, the broker is killed and an error returned.
func (k *Kafka) StopBroker(ctx context.Context, id int) error {
	b, err := k.broker(id)
	if err != nil {
		return err
	}
	if !b.running() {
		return fmt.Errorf("broker %d is not running", id)
	}
	return b.process.stop(ctx)
}

// KillBroker ends a broker at once (SIGKILL), as a crash would.
func (k *Kafka) KillBroker(id int) error {
	b, err := k.broker(id)
	if err != nil {
		return err
	}
	if !b.running() {
		return fmt.Errorf("broker %d is not running", id)
	}
	b.process.kill()
	return nil
}

func (k *Kafka) broker(id int) (*broker, error) {
	if id < 0 || id >= len(k.brokers) {
		return nil, fmt.Errorf("the cluster has no broker %d: ids are 0 to %d", id, len(k.brokers)-1)
	}
	return k.brokers[id], nil
}

// Dir returns the folder with the configuration, data and logs. Broker i logs to broker-<i>/server.log in it.
func (k *Kafka) Dir() string {
	return k.dir.path
}

// KeepDir makes Close leave the folder behind, to look into a failure.
func (k *Kafka) KeepDir() {
	k.dir.owned = false
}

// Close ends all brokers, at once since their data goes with them, and removes the folder if StartKafka made it.
func (k *Kafka) Close() error {
	for _, b := range k.brokers {
		if b.running() {
			b.process.kill()
		}
	}
	k.ports.release()
	return k.dir.remove()
}

// waitReady waits until each running broker answers and names all the running ones.
func (k *Kafka) waitReady(ctx context.Context) error {
	var running []*broker
	for _, b := range k.brokers {
		if b.running() {
			running = append(running, b)
		}
	}
	for _, b := range running {
		if err := k.waitBroker(ctx, b, running); err != nil {
			return err
		}
	}
	return nil
}

func (k *Kafka) waitBroker(ctx context.Context, b *broker, peers []*broker) error {
	client, err := kgo.NewClient(
		kgo.SeedBrokers(k.Listeners[ListenerPlaintext][b.id]),
		kgo.DialTimeout(readyAnswer),
	)
	if err != nil {
		return fmt.Errorf("make a client for Kafka broker %d: %w", b.id, err)
	}
	defer client.Close()

	return b.process.waitReady(ctx, func(ctx context.Context) error {
		return knowsBrokers(ctx, client.SeedBrokers()[0], peers)
	})
}

func knowsBrokers(ctx context.Context, seed *kgo.Broker, peers []*broker) error {
	request := kmsg.NewPtrMetadataRequest()
	request.Topics = []kmsg.MetadataRequestTopic{}
	answer, err := seed.Request(ctx, request)
	if err != nil {
		return fmt.Errorf("ask for the brokers: %w", err)
	}
	metadata, ok := answer.(*kmsg.MetadataResponse)
	if !ok {
		return fmt.Errorf("the answer to a metadata request is a %T", answer)
	}
	for _, peer := range peers {
		known := slices.ContainsFunc(metadata.Brokers, func(b kmsg.MetadataResponseBroker) bool {
			return int(b.NodeID) == peer.id
		})
		if !known {
			return fmt.Errorf("it does not know broker %d yet", peer.id)
		}
	}
	return nil
}
