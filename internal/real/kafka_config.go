package real

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

const listenerController = "CONTROLLER"

// clientListeners is the order in which each broker's ports are given out, after the controller's.
var clientListeners = []string{
	ListenerPlaintext, ListenerSSL, ListenerMTLS, ListenerSASLSSL, ListenerSASLPlaintext,
}

// portsPerBroker counts the listeners of clients and of the controller.
const portsPerBroker = 6

// brokerConfig returns the server properties of broker id. See https://kafka.apache.org/documentation/#brokerconfigs.
func (k *Kafka) brokerConfig(id int, options KafkaOptions) map[string]string {
	config := k.listenerConfig(id)
	maps.Copy(config, k.securityConfig(options))
	maps.Copy(config, internalTopicConfig(options.Brokers))
	maps.Copy(config, map[string]string{
		"process.roles": "broker,controller",
		"node.id":       strconv.Itoa(id),
		"log.dirs":      filepath.Join(k.brokers[id].dir, "data"),

		"auto.create.topics.enable":        "false",
		"default.replication.factor":       strconv.Itoa(options.Brokers),
		"group.initial.rebalance.delay.ms": "0",

		// Each listener has its own network threads, and the default buffer of the cleaner is a quarter of the heap.
		"num.network.threads":            "2",
		"num.io.threads":                 "4",
		"log.cleaner.dedupe.buffer.size": strconv.Itoa(16 << 20),
	})
	if options.Racks {
		config["broker.rack"] = "rack-" + strconv.Itoa(id)
		config["replica.selector.class"] = "org.apache.kafka.common.replica.RackAwareReplicaSelector"
	}
	maps.Copy(config, options.Config)
	return config
}

func (k *Kafka) listenerConfig(id int) map[string]string {
	listeners := []string{listenerController + "://" + k.controllers[id]}
	var advertised []string
	for _, name := range clientListeners {
		listeners = append(listeners, name+"://"+k.Listeners[name][id])
		if name == ListenerPlaintext {
			advertised = append(advertised, name+"://"+k.brokers[id].clients)
			continue
		}
		advertised = append(advertised, name+"://"+k.Listeners[name][id])
	}
	return map[string]string{
		"listeners":                  strings.Join(listeners, ","),
		"advertised.listeners":       strings.Join(advertised, ","),
		"inter.broker.listener.name": ListenerPlaintext,
		"listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SSL:SSL,MTLS:SSL," +
			"SASL_SSL:SASL_SSL,SASL_PLAINTEXT:SASL_PLAINTEXT",
		"controller.listener.names":           listenerController,
		"controller.quorum.bootstrap.servers": strings.Join(k.controllers, ","),
	}
}

func (k *Kafka) securityConfig(options KafkaOptions) map[string]string {
	config := map[string]string{
		"authorizer.class.name":              "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
		"allow.everyone.if.no.acl.found":     "true",
		"super.users":                        "User:ANONYMOUS;User:" + k.Admin.Name,
		"ssl.keystore.type":                  "PEM",
		"ssl.keystore.location":              filepath.Join(k.dir.path, keystoreFile),
		"ssl.truststore.type":                "PEM",
		"ssl.truststore.location":            filepath.Join(k.dir.path, truststoreFile),
		"ssl.principal.mapping.rules":        "RULE:^CN=([^,]+).*$/$1/,DEFAULT",
		"listener.name.mtls.ssl.client.auth": "required",
	}
	mechanisms := []string{MechanismPlain, MechanismSCRAMSHA256, MechanismSCRAMSHA512}
	if options.Tokens != nil {
		mechanisms = append(mechanisms, MechanismOAuthBearer)
	}
	if options.Kerberos != nil {
		mechanisms = append(mechanisms, MechanismGSSAPI)
		config["sasl.kerberos.service.name"] = "kafka"
	}
	for _, listener := range []string{ListenerSASLSSL, ListenerSASLPlaintext} {
		prefix := "listener.name." + strings.ToLower(listener) + "."
		config[prefix+"sasl.enabled.mechanisms"] = strings.Join(mechanisms, ",")
		for _, mechanism := range mechanisms {
			config[prefix+strings.ToLower(mechanism)+".sasl.jaas.config"] = k.jaas(mechanism)
		}
		if options.Tokens != nil {
			maps.Copy(config, tokenConfig(prefix+"oauthbearer.", options.Tokens))
		}
	}
	return config
}

// jaas is the login module of a mechanism. PLAIN keeps its users there; those of SCRAM are in the cluster's metadata.
func (k *Kafka) jaas(mechanism string) string {
	switch mechanism {
	case MechanismPlain:
		return fmt.Sprintf("org.apache.kafka.common.security.plain.PlainLoginModule required user_%s=%q user_%s=%q;",
			k.Admin.Name, k.Admin.Password, k.Alice.Name, k.Alice.Password)
	case MechanismOAuthBearer:
		return `org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub="broker";`
	case MechanismGSSAPI:
		return fmt.Sprintf("com.sun.security.auth.module.Krb5LoginModule required useKeyTab=true storeKey=true keyTab=%q principal=%q;",
			filepath.Join(k.dir.path, keytabFile), brokerPrincipal+"@"+Realm)
	}
	return "org.apache.kafka.common.security.scram.ScramLoginModule required;"
}

// Audience is what tokens for brokers must be for: the scope to ask a [TokenServer] for.
const Audience = "kafka"

func tokenConfig(prefix string, s *TokenServer) map[string]string {
	return map[string]string{
		prefix + "sasl.server.callback.handler.class":  "org.apache.kafka.common.security.oauthbearer.OAuthBearerValidatorCallbackHandler",
		prefix + "sasl.oauthbearer.jwks.endpoint.url":  s.JWKS(),
		prefix + "sasl.oauthbearer.expected.audience":  Audience,
		prefix + "sasl.oauthbearer.expected.issuer":    s.Issuer(),
		prefix + "sasl.oauthbearer.clock.skew.seconds": "0",
	}
}

// securityProperties are the properties of the Java process that the mechanisms need.
func (o KafkaOptions) securityProperties() []string {
	var properties []string
	if o.Tokens != nil {
		properties = append(properties, "-Dorg.apache.kafka.sasl.oauthbearer.allowed.urls="+o.Tokens.JWKS())
	}
	if o.Kerberos != nil {
		properties = append(properties, "-Djava.security.krb5.conf="+o.Kerberos.ConfigFile())
	}
	return properties
}

// internalTopicConfig keeps the internal topics small and replicated to every broker.
func internalTopicConfig(brokers int) map[string]string {
	replicas, inSync := strconv.Itoa(brokers), strconv.Itoa(min(brokers, 2))
	return map[string]string{
		"offsets.topic.num.partitions":                     "4",
		"offsets.topic.replication.factor":                 replicas,
		"transaction.state.log.num.partitions":             "4",
		"transaction.state.log.replication.factor":         replicas,
		"transaction.state.log.min.isr":                    inSync,
		"share.coordinator.state.topic.num.partitions":     "4",
		"share.coordinator.state.topic.replication.factor": replicas,
		"share.coordinator.state.topic.min.isr":            inSync,
	}
}

// renderProperties writes a Java properties file, sorted by key.
func renderProperties(properties map[string]string) []byte {
	escape := strings.NewReplacer(`\`, `\\`, "\n", `\n`, "\r", `\r`)
	var b strings.Builder
	for _, key := range slices.Sorted(maps.Keys(properties)) {
		b.WriteString(key + "=" + escape.Replace(properties[key]) + "\n")
	}
	return []byte(b.String())
}

// logConfig sends the log of a broker to its standard output, which goes to its log file.
const logConfig = `rootLogger.level=info
rootLogger.appenderRef.stdout.ref=STDOUT
appender.stdout.type=Console
appender.stdout.name=STDOUT
appender.stdout.layout.type=PatternLayout
appender.stdout.layout.pattern=%d{ISO8601} %p %m (%c)%n
`
