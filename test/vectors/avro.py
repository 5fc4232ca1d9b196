"""Avro vectors by fastavro. Values go as JSON with what JSON lacks tagged: {"$date": ms}, {"$decimal": text}, {"$big": text}, {"$hex": bytes}."""
import datetime as dt
import decimal
import io
import json
import pathlib
import uuid

import fastavro

UTC = dt.timezone.utc
def L(base, logical, **more):
    return {"type": base, "logicalType": logical, **more}



def written(schema, value):
    out = io.BytesIO()
    fastavro.schemaless_writer(out, fastavro.parse_schema(json.loads(json.dumps(schema))), value)
    return out.getvalue()


def rec(*fields, name="shop.Order"):
    return {"type": "record", "name": name, "fields": [dict(zip(("name", "type", "default"), f)) for f in fields]}


AT = dt.datetime(2026, 1, 31, 10, 15, 30, 250000, UTC)
AT_MS = int(AT.timestamp() * 1000)
OLD = dt.datetime(1969, 12, 31, 23, 59, 59, 999000, UTC)
UID = "3f2504e0-4f89-41d3-9a0c-0305e82c3301"
CARD = {"type": "record", "name": "Card", "namespace": "shop", "fields": [{"name": "number", "type": "string"}]}
CASH = {"type": "record", "name": "Cash", "namespace": "shop", "fields": [{"name": "coins", "type": "int"}]}
TREE = {"type": "record", "name": "Tree", "namespace": "shop", "fields": [
    {"name": "label", "type": "string"}, {"name": "next", "type": ["null", "Tree"], "default": None}]}

# name, schema, what fastavro writes, the same as JSON
CASES = [
    ("null", {"type": "null"}, None, None),
    ("boolean", {"type": "boolean"}, True, True),
    ("int smallest", {"type": "int"}, -(2**31), -(2**31)),
    ("long", {"type": "long"}, 42, 42),
    ("long beyond 2^53", {"type": "long"}, 9007199254740993, {"$big": "9007199254740993"}),
    ("long smallest", {"type": "long"}, -(2**63), {"$big": str(-(2**63))}),
    ("float", {"type": "float"}, 1.5, 1.5),
    ("double", {"type": "double"}, 0.1, 0.1),
    ("string", {"type": "string"}, "žluťoučký 🐎", "žluťoučký 🐎"),
    ("bytes", {"type": "bytes"}, b"\x00\xff", {"$hex": "00ff"}),
    ("fixed", {"type": "fixed", "name": "F", "size": 3}, b"abc", {"$hex": "616263"}),
    ("enum", {"type": "enum", "name": "E", "symbols": ["NEW", "PAID"]}, "PAID", "PAID"),
    ("array", {"type": "array", "items": "int"}, [1, -2, 3], [1, -2, 3]),
    ("map", {"type": "map", "values": "long"}, {"a": 1}, {"a": 1}),
    ("date", L("int", "date"), dt.date(2026, 1, 31), "2026-01-31"),
    ("date before 1970", L("int", "date"), dt.date(1969, 12, 30), "1969-12-30"),
    ("time-millis", L("int", "time-millis"), dt.time(10, 15, 30, 250000), "10:15:30.250"),
    ("time-micros", L("long", "time-micros"), dt.time(23, 59, 59, 1), "23:59:59.000001"),
    ("time-micros of whole seconds", L("long", "time-micros"), dt.time(10, 15, 30), "10:15:30"),
    ("timestamp-millis", L("long", "timestamp-millis"), AT, {"$date": AT_MS}),
    ("timestamp-millis before 1970", L("long", "timestamp-millis"), OLD, {"$date": -1}),
    ("timestamp-micros", L("long", "timestamp-micros"), AT, {"$date": AT_MS}),
    ("local-timestamp-millis", L("long", "local-timestamp-millis"), AT.replace(tzinfo=None), "2026-01-31T10:15:30.250"),
    ("uuid", L("string", "uuid"), uuid.UUID(UID), UID),
    ("decimal in bytes", L("bytes", "decimal", precision=10, scale=2), decimal.Decimal("42.50"), {"$decimal": "42.50"}),
    ("decimal negative", L("bytes", "decimal", precision=10, scale=2), decimal.Decimal("-1.29"), {"$decimal": "-1.29"}),
    ("decimal 128", L("bytes", "decimal", precision=10, scale=0), decimal.Decimal("128"), {"$decimal": "128"}),
    ("decimal zero", L("bytes", "decimal", precision=4, scale=2), decimal.Decimal("0.00"), {"$decimal": "0.00"}),
    ("decimal of 30 digits", L("bytes", "decimal", precision=38, scale=10), decimal.Decimal("12345678901234567890.0123456789"), {"$decimal": "12345678901234567890.0123456789"}),
    ("decimal in fixed", L("fixed", "decimal", name="D", size=8, precision=10, scale=3), decimal.Decimal("-1.001"), {"$decimal": "-1.001"}),
    ("optional there", rec(("note", ["null", "string"], None)), {"note": "x"}, {"note": "x"}),
    ("optional not there", rec(("note", ["null", "string"], None)), {"note": None}, {"note": None}),
    ("union of int and string", rec(("v", ["int", "string"])), {"v": "7"}, {"v": "7"}),
    ("union of records, first", rec(("pay", [CARD, CASH])), {"pay": {"number": "1"}}, {"pay": {"number": "1"}}),
    ("union of records, second", rec(("pay", [CARD, CASH])), {"pay": {"coins": 3}}, {"pay": {"coins": 3}}),
    ("union with a timestamp", rec(("at", ["null", L("long", "timestamp-millis")])), {"at": AT}, {"at": {"$date": AT_MS}}),
    ("union in an array", {"type": "array", "items": ["null", "double", "boolean"]}, [None, 0.5, False], [None, 0.5, False]),
    ("record that holds itself", TREE, {"label": "a", "next": {"label": "b", "next": None}}, {"label": "a", "next": {"label": "b", "next": None}}),
]

OLD_ORDER = rec(("id", "string"), ("total", "int"), ("gone", "string"))
NEW_ORDER = {"type": "record", "name": "Order", "namespace": "shop.v2", "fields": [
    {"name": "orderId", "type": "string", "aliases": ["id"]},
    {"name": "total", "type": "double"},
    {"name": "status", "type": {"type": "enum", "name": "Status", "symbols": ["NEW", "PAID"]}, "default": "NEW"},
    {"name": "note", "type": ["null", "string"], "default": None},
    {"name": "count", "type": "long", "default": 7},
]}

EVOLUTION = [
    {"name": "renamed, promoted, dropped, defaulted", "writer": OLD_ORDER, "reader": NEW_ORDER,
     "hex": written(OLD_ORDER, {"id": "o-1", "total": 42, "gone": "x"}).hex(),
     "value": {"orderId": "o-1", "total": 42, "status": "NEW", "note": None, "count": 7}},
    {"name": "int into long with a logical type", "writer": rec(("at", "long")), "reader": rec(("at", L("long", "timestamp-millis"))),
     "hex": written(rec(("at", "long")), {"at": AT_MS}).hex(), "value": {"at": {"$date": AT_MS}}},
    {"name": "a value into a union", "writer": rec(("v", "int")), "reader": rec(("v", ["null", "long", "string"])),
     "hex": written(rec(("v", "int")), {"v": 5}).hex(), "value": {"v": 5}},
]

cases = []
for name, schema, value, shown in CASES:
    data = written(schema, value)
    back = fastavro.schemaless_reader(io.BytesIO(data), fastavro.parse_schema(json.loads(json.dumps(schema))), None)
    # fastavro has no type of its own for a uuid in older versions; everything else must come back as it went in.
    assert str(back) == str(value), (name, back, value)
    cases.append({"name": name, "schema": schema, "value": shown, "hex": data.hex()})

# fastavro writes -128 in two bytes, Java (and we) in one: both must be read.
LONG = L("bytes", "decimal", precision=10, scale=2)
READ = [{"name": "a decimal longer than it need be", "schema": LONG, "value": {"$decimal": "-1.28"}, "hex": written(LONG, decimal.Decimal("-1.28")).hex()}]

target = pathlib.Path(__file__).with_suffix(".json")
target.write_text(json.dumps({"madeBy": f"fastavro {fastavro.__version__}", "cases": cases, "read": READ, "evolution": EVOLUTION}, indent=1, ensure_ascii=False) + "\n")
print(f"{target.name}: {len(cases)} cases, {len(EVOLUTION)} evolutions")
