"""Bytes of a registry's serializers, by Confluent's Python client on its mock of a registry. Tags of values as in avro.py."""
import json
import pathlib

import confluent_kafka
from confluent_kafka.schema_registry import SchemaRegistryClient, header_schema_id_serializer
from confluent_kafka.schema_registry.avro import AvroSerializer
from confluent_kafka.schema_registry.json_schema import JSONSerializer
from confluent_kafka.schema_registry.protobuf import ProtobufSerializer
from confluent_kafka.schema_registry.common.serde import SchemaId
from confluent_kafka.serialization import MessageField, SerializationContext

from protobuf import pb, proto

AVRO = json.dumps({"type": "record", "name": "Order", "namespace": "shop", "fields": [{"name": "id", "type": "string"}]})
JSON = json.dumps({"$schema": "http://json-schema.org/draft-07/schema#", "title": "Order", "type": "object", "properties": {"id": {"type": "string"}}})
GUID = "89791762-2336-4186-9674-299b90a802e2"
client = SchemaRegistryClient.new_client({"url": "mock://vectors"})


def value_of(topic):
    return SerializationContext(topic, MessageField.VALUE, {})


cases = []


def case(name, format, topic, data, value, schema, message=None):
    registered = client.get_latest_version(f"{topic}-value")
    cases.append({"name": name, "format": format, "topic": topic, "id": registered.schema_id, "schema": schema, "message": message, "value": value, "hex": data.hex()})


data = AvroSerializer(client, AVRO)({"id": "o-1"}, value_of("orders"))
case("avro", "AVRO", "orders", data, {"id": "o-1"}, AVRO)
data = JSONSerializer(JSON, client)({"id": "o-1"}, value_of("json-orders"))
case("json", "JSON", "json-orders", data, {"id": "o-1"}, JSON)

shipped_text = (proto / "shipped.proto").read_text()
for name, topic, message, built, value in [
    ("the first message", "shipped", "shop.Shipped", pb.Shipped(order_id="o-1"), {"orderId": "o-1"}),
    ("the second message", "returned", "shop.Returned", pb.Returned(order_id="o-2", reason=pb.Returned.Reason(text="late")), {"orderId": "o-2", "reason": {"text": "late"}}),
    ("a nested message", "reasons", "shop.Returned.Reason", pb.Returned.Reason(text="late"), {"text": "late"}),
    ("a message nested twice", "photos", "shop.Returned.Reason.Photo", pb.Returned.Reason.Photo(image=b"\x01"), {"image": {"$hex": "01"}}),
]:
    serializer = ProtobufSerializer(type(built), client, {"use.deprecated.format": False})
    data = serializer(built, value_of(topic))
    case(name, "PROTOBUF", topic, data, value, "shipped.proto", message)

headers = []
for name, format, indexes in [("avro", "AVRO", None), ("the first message", "PROTOBUF", [0]), ("a nested message", "PROTOBUF", [1, 1, 300])]:
    context = value_of("orders")
    header_schema_id_serializer(b"", context, SchemaId(format, 1, GUID, indexes))
    [(header, data)] = context.headers.items()
    headers.append({"name": name, "format": format, "guid": GUID, "indexes": indexes or [], "header": header, "hex": data.hex()})

target = pathlib.Path(__file__).with_suffix(".json")
target.write_text(json.dumps({"madeBy": f"confluent-kafka {confluent_kafka.__version__}", "cases": cases, "headers": headers}, indent=1) + "\n")
print(f"{target.name}: {len(cases)} cases, {len(headers)} headers")
