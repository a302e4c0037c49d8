"""Confluent's own serializers against a registry and a cluster: serializers.py REGISTRY_URL BOOTSTRAP_SERVERS.

Each check is a function; the program ends with an error at the first one that fails.
"""

import json
import sys
import uuid

from confluent_kafka import Consumer, Producer
from confluent_kafka.admin import AdminClient, NewTopic
from confluent_kafka.schema_registry import (
    ConfigCompatibilityLevel, Metadata, MetadataProperties, Rule, RuleKind, RuleMode, RuleSet, Schema, SchemaReference, SchemaRegistryClient, ServerConfig,
    record_subject_name_strategy, topic_record_subject_name_strategy,
)
from confluent_kafka.schema_registry.avro import AvroDeserializer, AvroSerializer
from confluent_kafka.schema_registry.error import SchemaRegistryError
from confluent_kafka.schema_registry.json_schema import JSONDeserializer, JSONSerializer
from confluent_kafka.schema_registry.protobuf import ProtobufDeserializer, ProtobufSerializer
from confluent_kafka.serialization import MessageField, SerializationContext, SerializationError
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, timestamp_pb2

REGISTRY, BOOTSTRAP = sys.argv[1], sys.argv[2]
KAFKA = {"bootstrap.servers": BOOTSTRAP, "enable.metrics.push": False}


def client(suffix=""):
    return SchemaRegistryClient({"url": REGISTRY + suffix})


def new_topic():
    name = "t-" + uuid.uuid4().hex
    admin = AdminClient(KAFKA)  # the futures fail when it goes
    for future in admin.create_topics([NewTopic(name, 1, 1)]).values():
        future.result()
    return name


def through_kafka(topic, payload):
    """The bytes after a way through the cluster."""
    producer = Producer(KAFKA)
    producer.produce(topic, payload)
    assert producer.flush(30) == 0, "not delivered"
    consumer = Consumer({**KAFKA, "group.id": uuid.uuid4().hex, "auto.offset.reset": "earliest"})
    consumer.subscribe([topic])
    try:
        message = None
        for _ in range(60):
            message = consumer.poll(1)
            if message is not None and message.error() is None:
                return message.value()
        raise AssertionError("nothing came: %s" % (message and message.error()))
    finally:
        consumer.close()


def value_of(topic):
    return SerializationContext(topic, MessageField.VALUE)


def round_trip(topic, serializer, deserializer, value):
    got = deserializer(through_kafka(topic, serializer(value, value_of(topic))), value_of(topic))
    assert got == value, (got, value)


def refused(code, call):
    try:
        call()
    except SchemaRegistryError as error:
        assert error.error_code == code, error
        return error
    except SerializationError as error:
        cause = error.__cause__
        assert isinstance(cause, SchemaRegistryError) and cause.error_code == code, error
        return cause
    raise AssertionError("not refused with %d" % code)


def expect(got, want):
    assert got == want, (got, want)


ADDRESS = {"type": "record", "name": "shop.Address", "fields": [{"name": "city", "type": "string"}]}
CUSTOMER = {"type": "record", "name": "shop.Customer", "fields": [{"name": "id", "type": "long"}, {"name": "home", "type": "shop.Address"}]}
GROWN = {**CUSTOMER, "fields": CUSTOMER["fields"] + [{"name": "note", "type": "string", "default": "-"}]}


def avro():
    registry, topic = client(), new_topic()
    registry.register_schema(topic + "-address", Schema(json.dumps(ADDRESS), "AVRO"))
    references = [SchemaReference("shop.Address", topic + "-address", 1)]
    schema = Schema(json.dumps(CUSTOMER), "AVRO", references)
    value = {"id": 7, "home": {"city": "Bonn"}}
    round_trip(topic, AvroSerializer(registry, schema), AvroDeserializer(client()), value)
    # What was written with the old schema is read with the new one.
    old = AvroSerializer(registry, schema)(value, value_of(topic))
    grown = Schema(json.dumps(GROWN), "AVRO", references)
    expect(AvroDeserializer(client(), grown)(old, value_of(topic)), {**value, "note": "-"})
    AvroSerializer(registry, grown)({**value, "note": "x"}, value_of(topic))
    expect(registry.get_versions(topic + "-value"), [1, 2])
    latest = AvroSerializer(client(), schema, conf={"auto.register.schemas": False, "use.latest.version": True})
    expect(AvroDeserializer(client())(latest({**value, "note": "y"}, value_of(topic)), value_of(topic))["note"], "y")
    broken = Schema(json.dumps({**CUSTOMER, "fields": [{"name": "id", "type": "string"}]}), "AVRO", references)
    error = refused(409, lambda: AvroSerializer(client(), broken)({"id": "a"}, value_of(topic)))
    assert "Customer.id" in str(error), error
    unknown = AvroSerializer(client(), Schema('{"type":"string"}', "AVRO"), conf={"auto.register.schemas": False})
    refused(40403, lambda: unknown("a", value_of(topic)))


def avro_subject_strategies():
    for strategy, subject in ((record_subject_name_strategy, "shop.Address"), (topic_record_subject_name_strategy, "%s-shop.Address")):
        registry, topic, conf = client(), new_topic(), {"subject.name.strategy": strategy}
        schema = Schema(json.dumps(ADDRESS), "AVRO")
        round_trip(topic, AvroSerializer(registry, schema, conf=conf), AvroDeserializer(registry, conf=conf), {"city": "Köln"})
        assert subject.replace("%s", topic) in registry.get_subjects(), registry.get_subjects()


JSON_ADDRESS = {"$id": "address.json", "type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
JSON_CUSTOMER = {"$schema": "http://json-schema.org/draft-07/schema#", "title": "Customer", "type": "object", "additionalProperties": False,
                 "properties": {"id": {"type": "integer"}, "home": {"$ref": "address.json"}}}


def json_schema():
    registry, topic = client(), new_topic()
    registry.register_schema(topic + "-address", Schema(json.dumps(JSON_ADDRESS), "JSON"))
    references = [SchemaReference("address.json", topic + "-address", 1)]
    schema = Schema(json.dumps(JSON_CUSTOMER), "JSON", references)
    value = {"id": 7, "home": {"city": "Bonn"}}
    round_trip(topic, JSONSerializer(schema, registry), JSONDeserializer(None, schema_registry_client=client()), value)
    round_trip(topic, JSONSerializer(schema, registry), JSONDeserializer(schema, schema_registry_client=client()), value)
    try:
        JSONSerializer(schema, registry)({"id": 7, "home": {}}, value_of(topic))
        raise AssertionError("an invalid value was written")
    except SerializationError:
        pass
    grown = {**JSON_CUSTOMER, "properties": {**JSON_CUSTOMER["properties"], "note": {"type": "string"}}}
    JSONSerializer(Schema(json.dumps(grown), "JSON", references), registry)({**value, "note": "x"}, value_of(topic))
    latest = JSONSerializer(schema, client(), conf={"auto.register.schemas": False, "use.latest.version": True})
    latest({**value, "note": "y"}, value_of(topic))
    broken = {**JSON_CUSTOMER, "properties": {"id": {"type": "string"}}}
    error = refused(409, lambda: JSONSerializer(Schema(json.dumps(broken), "JSON"), client())({"id": "a"}, value_of(topic)))
    assert "$.id" in str(error), error


def message_classes():
    """Customer, which refers to an address in another file, and the second message of its file: what protoc would generate."""
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(timestamp_pb2.DESCRIPTOR.serialized_pb)
    field = descriptor_pb2.FieldDescriptorProto
    address = descriptor_pb2.FileDescriptorProto(name="shop/address.proto", package="shop", syntax="proto3", dependency=["google/protobuf/timestamp.proto"])
    message = address.message_type.add(name="Address")
    message.field.add(name="city", number=1, label=field.LABEL_OPTIONAL, type=field.TYPE_STRING)
    message.field.add(name="since", number=2, label=field.LABEL_OPTIONAL, type=field.TYPE_MESSAGE, type_name=".google.protobuf.Timestamp")
    customer = descriptor_pb2.FileDescriptorProto(name="shop/customer.proto", package="shop", syntax="proto3", dependency=["shop/address.proto"])
    customer.options.java_package = "com.shop"
    first = customer.message_type.add(name="First")
    first.field.add(name="n", number=1, label=field.LABEL_REPEATED, type=field.TYPE_INT32)
    message = customer.message_type.add(name="Customer")
    message.field.add(name="id", number=1, label=field.LABEL_OPTIONAL, type=field.TYPE_INT64)
    message.field.add(name="home", number=2, label=field.LABEL_OPTIONAL, type=field.TYPE_MESSAGE, type_name=".shop.Address")
    message.field.add(name="nick", number=3, label=field.LABEL_OPTIONAL, type=field.TYPE_STRING, proto3_optional=True, oneof_index=0)
    message.oneof_decl.add(name="_nick")
    entry = message.nested_type.add(name="TagsEntry")
    entry.options.map_entry = True
    entry.field.add(name="key", number=1, label=field.LABEL_OPTIONAL, type=field.TYPE_STRING)
    entry.field.add(name="value", number=2, label=field.LABEL_OPTIONAL, type=field.TYPE_INT32)
    message.field.add(name="tags", number=4, label=field.LABEL_REPEATED, type=field.TYPE_MESSAGE, type_name=".shop.Customer.TagsEntry")
    pool.Add(address)
    pool.Add(customer)
    return [message_factory.GetMessageClass(pool.FindMessageTypeByName("shop." + name)) for name in ("First", "Customer")]


def protobuf():
    registry = client()
    first, customer = message_classes()
    value = customer(id=7, nick="", tags={"a": 1})
    value.home.city = "Bonn"
    value.home.since.FromSeconds(1)
    topic = new_topic()
    round_trip(topic, ProtobufSerializer(customer, registry), ProtobufDeserializer(customer, schema_registry_client=client()), value)
    registered = registry.get_latest_version(topic + "-value")
    expect([(r.name, r.subject, r.version) for r in registered.schema.references], [("shop/address.proto", "shop/address.proto", 1)])
    assert "message Customer {" in registered.schema.schema_str, registered.schema.schema_str
    # Both messages of the file are the same schema, and the second deserializer finds its message by its index.
    other = new_topic()
    round_trip(other, ProtobufSerializer(first, registry), ProtobufDeserializer(first, schema_registry_client=client()), first(n=[1, 2]))
    expect(registry.get_latest_version(other + "-value").schema_id, registered.schema_id)
    latest = ProtobufSerializer(customer, client(), conf={"auto.register.schemas": False, "use.latest.version": True})
    expect(ProtobufDeserializer(customer, schema_registry_client=client())(latest(value, value_of(topic)), value_of(topic)), value)
    broken = Schema(registered.schema.schema_str.replace("int64 id", "string id"), "PROTOBUF", registered.schema.references)
    expect(registry.test_compatibility(topic + "-value", broken), False)
    refused(409, lambda: registry.register_schema(topic + "-value", broken))


def whole_api():
    registry, subject = client(), "api-" + uuid.uuid4().hex
    first = Schema(json.dumps(ADDRESS), "AVRO")
    grown = Schema(json.dumps({**ADDRESS, "fields": ADDRESS["fields"] + [{"name": "zip", "type": ["null", "string"], "default": None}]}), "AVRO")
    broken = Schema('{"type":"record","name":"shop.Address","fields":[{"name":"zip","type":"string"}]}', "AVRO")
    schema_id = registry.register_schema(subject, first)
    expect(registry.register_schema(subject, first), schema_id)
    expect(registry.get_schema(schema_id).schema_str, first.schema_str)
    found = registry.lookup_schema(subject, first)
    expect((found.schema_id, found.version, found.subject), (schema_id, 1, subject))
    assert found.guid, found
    expect(registry.get_schema_by_guid(found.guid).schema_str, first.schema_str)
    expect(registry.test_compatibility(subject, grown), True)
    expect(registry.test_compatibility(subject, broken), False)
    expect(registry.test_compatibility_all_versions(subject, broken), False)
    registry.register_schema(subject, grown)
    expect(sorted(registry.get_schema_types()), ["AVRO", "JSON", "PROTOBUF"])
    assert subject in registry.get_subjects_by_schema_id(schema_id)
    assert (subject, 1) in [(v.subject, v.version) for v in registry.get_schema_versions(schema_id)]

    expect(registry.get_config(subject_name=None).compatibility_level, "BACKWARD")
    refused(40408, lambda: registry.get_compatibility(subject))
    expect(registry.set_compatibility(subject, "FULL_TRANSITIVE")["compatibility"], "FULL_TRANSITIVE")
    expect(registry.get_compatibility(subject), "FULL_TRANSITIVE")
    registry.set_config(subject, ServerConfig(compatibility=ConfigCompatibilityLevel.NONE))
    expect(registry.get_config(subject).compatibility_level, "NONE")
    registry.delete_config(subject)
    refused(40408, lambda: registry.get_config(subject))
    refused(42203, lambda: registry.set_compatibility(subject, "SIDEWAYS"))

    expect(registry.get_global_mode(), "READWRITE")
    registry.update_mode(subject, "READONLY")
    refused(42205, lambda: client().register_schema(subject, Schema('"int"', "AVRO")))
    registry.delete_mode(subject)
    refused(40409, lambda: registry.get_mode(subject))

    refused(40407, lambda: registry.delete_version(subject, 1, permanent=True))
    expect(registry.delete_version(subject, 1), 1)
    refused(40402, lambda: client().get_version(subject, 1))
    expect(client().get_version(subject, 1, deleted=True).version, 1)
    expect(registry.delete_version(subject, 1, permanent=True), 1)
    expect(registry.delete_subject(subject), [2])
    assert subject not in registry.get_subjects() and subject in registry.get_subjects(deleted=True)
    expect(registry.delete_subject(subject, permanent=True), [2])
    refused(40401, lambda: client().get_latest_version(subject))


def metadata_and_rules():
    registry, subject = client(), "meta-" + uuid.uuid4().hex
    plain = Schema(json.dumps(ADDRESS), "AVRO")
    rule = Rule("r", "", RuleKind.CONDITION, RuleMode.WRITE, "CEL", None, None, "true", None, None, False)
    owned = Schema(json.dumps(ADDRESS), "AVRO", metadata=Metadata(None, MetadataProperties({"owner": "a"}), None), rule_set=RuleSet(None, [rule]))
    registry.register_schema(subject, plain)
    registry.register_schema(subject, owned)
    found = client().get_latest_with_metadata(subject, {"owner": "a"})
    expect((found.version, found.schema.metadata.properties.properties, found.schema.rule_set.domain_rules[0].name), (2, {"owner": "a"}, "r"))
    topic = subject + "-t"
    registry.register_schema(topic + "-value", Schema(plain.schema_str, "AVRO", metadata=owned.metadata))
    pinned = AvroSerializer(client(), conf={"auto.register.schemas": False, "use.latest.with.metadata": {"owner": "a"}})
    expect(AvroDeserializer(client())(pinned({"city": "Bonn"}, value_of(topic)), value_of(topic)), {"city": "Bonn"})


def contexts():
    registry, subject = client("/contexts/.staging"), "ctx-" + uuid.uuid4().hex
    schema_id = registry.register_schema(subject, Schema(json.dumps(ADDRESS), "AVRO"))
    expect(client().get_version(":.staging:" + subject, 1).schema_id, schema_id)
    expect(registry.get_schema(schema_id).schema_str, json.dumps(ADDRESS))
    refused(40401, lambda: client().get_latest_version(subject))
    assert ".staging" in client().get_contexts()


CHECKS = [avro, avro_subject_strategies, json_schema, protobuf, whole_api, metadata_and_rules, contexts]

if __name__ == "__main__":
    for check in CHECKS:
        check()
        print("ok", check.__name__, flush=True)
