package api

import "github.com/headgate/terraform-provider-headgate/internal/spec"

// Kinds are the kinds of everything that comes in kinds. The provider and the daemon are each given one.
type Kinds struct {
	Connections spec.Kinds
	Sources     spec.Kinds
}

// BuiltinKinds are the kinds that Headgate ships. A new kind is one line here.
func BuiltinKinds() Kinds {
	return Kinds{
		Connections: spec.Kinds{
			spec.KindOf[KafkaConnection]("kafka", "A Kafka cluster."),
			spec.KindOf[ConfluentCloudConnection]("confluent_cloud", "A Kafka cluster of Confluent Cloud, by an API key."),
			spec.KindOf[MSKConnection]("msk", "A Kafka cluster of Amazon MSK, by IAM or SCRAM."),
			spec.KindOf[RedpandaConnection]("redpanda", "A Redpanda cluster, over TLS; for one without TLS use `kafka`."),
			spec.KindOf[EventHubsConnection]("event_hubs", "The Kafka endpoint of an Azure Event Hubs namespace, by a connection string or Microsoft Entra ID."),
			spec.KindOf[UpstashConnection]("upstash", "A Kafka cluster of Upstash, which announced the end of this service in September 2024."),
			spec.KindOf[SchemaRegistryConnection]("schema_registry", "A schema registry that speaks the Confluent Schema Registry API."),
			spec.KindOf[ApicurioConnection]("apicurio", "An Apicurio Registry, by its own API; for its Confluent-compatible one use `schema_registry`."),
			spec.KindOf[GlueConnection]("glue", "An AWS Glue Schema Registry."),
			spec.KindOf[KinesisConnection]("kinesis", "Amazon Kinesis Data Streams in one region."),
			spec.KindOf[PulsarConnection]("pulsar", "Apache Pulsar, or Astra Streaming."),
			spec.KindOf[PostgreSQLConnection]("postgresql", "A PostgreSQL database."),
			spec.KindOf[MySQLConnection]("mysql", "A MySQL or MariaDB database."),
			spec.KindOf[ObjectStorageConnection]("object_storage", "A bucket or container of object storage, or a folder: Amazon S3 and what speaks its API, Google Cloud Storage, Azure Blob Storage. Exactly one of `s3`, `gcs`, `azure_blob` and `folder` is set in it."),
			spec.KindOf[HTTPConnection]("http", "An HTTP endpoint."),
			spec.KindOf[KafkaConnectConnection]("kafka_connect", "A Kafka Connect cluster."),
		},
		Sources: spec.Kinds{
			spec.KindOf[KafkaSource]("kafka", "Topics of a Kafka cluster."),
		},
	}
}
