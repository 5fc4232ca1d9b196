/** Avro to values as a test writes them: plain objects, unions without their wrapping, logical types. */
import type { AvroNode, AvroRecord, AvroUnion } from '../schemas/avro.ts';
import { branchName } from '../schemas/avro.ts';
import { logicalType } from '../schemas/avro-logical.ts';

type Shape = (raw: never) => unknown;

/** Made once a schema: a function from what avsc reads to what a test sees. */
export function fromAvro(node: AvroNode, made: Map<AvroNode, Shape> = new Map()): (raw: unknown) => unknown {
  const found = made.get(node);
  if (found) return found as (raw: unknown) => unknown;
  // Known before it is made: a schema may hold itself.
  let shape: Shape = same;
  made.set(node, ((raw: never) => shape(raw)) as Shape);
  shape = shapeOf(node, made);
  made.set(node, shape);
  return shape as (raw: unknown) => unknown;
}

function shapeOf(node: AvroNode, made: Map<AvroNode, Shape>): Shape {
  switch (node.kind) {
    case 'record':
      return recordShape(node, made);
    case 'union':
      return unionShape(node, made);
    case 'array': {
      const item = fromAvro(node.items, made);
      return (raw: unknown[]) => raw.map((value) => item(value));
    }
    case 'map': {
      const item = fromAvro(node.values, made);
      return (raw: object) => Object.fromEntries(Object.entries(raw).map(([key, value]) => [key, item(value)]));
    }
    default:
      return logicalType(node)?.decode ?? same;
  }
}

function recordShape(node: AvroRecord, made: Map<AvroNode, Shape>): Shape {
  const fields = node.fields.map((field) => [field.name, fromAvro(field.node, made)] as const);
  return (raw: Record<string, unknown>) => {
    const value: Record<string, unknown> = {};
    for (const [name, shape] of fields) value[name] = shape(raw[name]);
    return value;
  };
}

function unionShape(node: AvroUnion, made: Map<AvroNode, Shape>): Shape {
  const shapes = new Map(node.branches.map((branch) => [branchName(branch), fromAvro(branch, made)]));
  return (raw: Record<string, unknown> | null) => {
    if (raw === null) return null;
    const name = Object.keys(raw)[0]!;
    return shapes.get(name)!(raw[name]);
  };
}

function same(raw: unknown): unknown {
  return raw;
}
