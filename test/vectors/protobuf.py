"""Protobuf vectors by Python's protobuf, from code that protoc makes of proto/*.proto. Tags of values as in avro.py."""
import importlib
import json
import pathlib
import sys
import tempfile

import google.protobuf
from grpc_tools import protoc

here = pathlib.Path(__file__).parent
proto = here / "proto"


def generated():
    out = tempfile.mkdtemp()
    include = pathlib.Path(protoc.__file__).parent / "_proto"
    status = protoc.main(["protoc", f"-I{proto}", f"-I{include}", f"--python_out={out}", "shop/money.proto", "shipped.proto"])
    assert status == 0
    sys.path.insert(0, out)
    return importlib.import_module("shipped_pb2")


pb = generated()


def shipped(**fields):
    message = pb.Shipped()
    for name, value in fields.items():
        field = getattr(message, name)
        if name == "at":
            field.seconds, field.nanos = value
        elif name == "door":
            field.value = value
        elif name == "cost":
            field.units, field.currency = value
            field.SetInParent()
        elif name in ("weights", "notes"):
            field.update(value)
        elif name == "costs":
            for key, units in value.items():
                field[key].units = units
        elif name == "parcels":
            field.extend(value)
        elif name == "steps":
            for place, code in value:
                step = field.add(place=place)
                if code is not None:
                    step.detail.code = code
        else:
            setattr(message, name, value)
    return message


EMPTY = {
    "orderId": "", "carrier": "CARRIER_UNKNOWN", "parcels": [], "weights": {}, "notes": {}, "label": {"$hex": ""}, "serial": 0,
    "offset": 0, "stamp": 0, "ratio": 0, "share": 0, "express": False, "steps": [], "costs": {},
}
CASES = [
    ("nothing set", "shop.Shipped", shipped(), {}),
    ("scalars", "shop.Shipped", shipped(order_id="o-1", serial=2**64 - 1, offset=-(2**63), stamp=2**53 + 1, ratio=0.1, share=1.5, express=True, label=b"\x00\xff"),
     {"orderId": "o-1", "serial": {"$big": str(2**64 - 1)}, "offset": {"$big": str(-(2**63))}, "stamp": {"$big": str(2**53 + 1)}, "ratio": 0.1, "share": 1.5, "express": True, "label": {"$hex": "00ff"}}),
    ("an imported message", "shop.Shipped", shipped(cost=(-5, "EUR")), {"cost": {"units": -5, "currency": "EUR"}}),
    ("an empty message is there", "shop.Shipped", shipped(cost=(0, "")), {"cost": {"units": 0, "currency": ""}}),
    ("a timestamp", "shop.Shipped", shipped(at=(1769854530, 250000000)), {"at": {"$date": 1769854530250}}),
    ("a timestamp before 1970", "shop.Shipped", shipped(at=(-1, 999000000)), {"at": {"$date": -1}}),
    ("an enum", "shop.Shipped", shipped(carrier=2), {"carrier": "BIKE"}),
    ("an enum that the schema does not know", "shop.Shipped", shipped(carrier=9), {"carrier": 9}),
    ("a packed list", "shop.Shipped", shipped(parcels=[1, -1, 300]), {"parcels": [1, -1, 300]}),
    ("a map", "shop.Shipped", shipped(weights={"a": 2**53 + 1}), {"weights": {"a": {"$big": str(2**53 + 1)}}}),
    ("a map by int64", "shop.Shipped", shipped(notes={-7: "x"}), {"notes": {"-7": "x"}}),
    ("a map by bool", "shop.Shipped", shipped(costs={False: 3}), {"costs": {"false": {"units": 3, "currency": ""}}}),
    ("optional set to its default", "shop.Shipped", shipped(floor=0), {"floor": 0}),
    ("a wrapper", "shop.Shipped", shipped(door="left"), {"door": "left"}),
    ("a wrapper of the default", "shop.Shipped", shipped(door=""), {"door": ""}),
    ("a oneof", "shop.Shipped", shipped(left_outside=False), {"leftOutside": False}),
    ("nested", "shop.Shipped", shipped(steps=[("Brno", -2), ("Praha", None)]), {"steps": [{"place": "Brno", "detail": {"code": -2}}, {"place": "Praha"}]}),
    ("a nested message by itself", "shop.Shipped.Step", pb.Shipped.Step(place="Brno"), {"place": "Brno"}),
    ("the second message", "shop.Returned", pb.Returned(order_id="o-2"), {"orderId": "o-2"}),
]

cases = [
    {"name": name, "message": message, "value": {**(EMPTY if message == "shop.Shipped" else {}), **value},
     "hex": built.SerializeToString(deterministic=True).hex()}
    for name, message, built, value in CASES
]
target = here / "protobuf.json"
target.write_text(json.dumps({"madeBy": f"protobuf {google.protobuf.__version__}", "cases": cases}, indent=1, ensure_ascii=False) + "\n")
print(f"{target.name}: {len(cases)} cases")
