/**
 * Values to Avro: each is checked against the schema on the way, so that a failure names its path; the branch of a
 * union is chosen by the value, and where two could be meant it must be named.
 */
import { types } from 'node:util';
import { isDecimal } from '../../core/decimal.ts';
import { didYouMean } from '../../core/suggest.ts';
import { at, isPlainObject, Mismatch, unknownField } from '../mismatch.ts';
import {
  type AvroFixed,
  type AvroNode,
  type AvroPrimitive,
  type AvroRecord,
  type AvroUnion,
  branchName,
} from '../schemas/avro.ts';
import { logicalType } from '../schemas/avro-logical.ts';
import { toInt64 } from './plain.ts';

/**
 * The value as avsc wants it: branches of unions wrapped, logical types as what they stand on.
 *
 * @throws Mismatch
 */
export function toAvro(node: AvroNode, value: unknown, path: string): unknown {
  switch (node.kind) {
    case 'union':
      return toUnion(node, value, path);
    case 'record':
      return toRecord(node, value, path);
    case 'array':
      if (!Array.isArray(value)) throw new Mismatch(path, 'array', value);
      return value.map((item, i) => toAvro(node.items, item, at(path, i)));
    case 'map':
      return toMap(node.values, value, path);
    case 'enum':
      if (typeof value === 'string' && node.symbols.includes(value)) return value;
      throw new Mismatch(
        path,
        `enum ${node.name}`,
        value,
        typeof value === 'string' ? didYouMean(value, node.symbols) : `Known: ${node.symbols.join(', ')}`,
      );
    default:
      return toScalar(node, value, path);
  }
}

function toScalar(node: AvroPrimitive | AvroFixed, value: unknown, path: string): unknown {
  const logical = logicalType(node);
  if (logical) return logical.encode(value, path);
  switch (node.kind) {
    case 'null':
      if (value === null || value === undefined) return null;
      break;
    case 'boolean':
      if (typeof value === 'boolean') return value;
      break;
    case 'string':
      if (typeof value === 'string') return value;
      break;
    case 'int': {
      const whole = toInt64(value);
      if (whole !== undefined && BigInt.asIntN(32, whole) === whole) return Number(whole);
      break;
    }
    case 'long': {
      const whole = toInt64(value);
      if (whole !== undefined) return whole;
      if (typeof value === 'number' && Number.isInteger(value)) {
        throw new Mismatch(path, 'long', value, 'Beyond 2^53 a number is not exact: use a bigint');
      }
      break;
    }
    case 'float':
    case 'double':
      if (typeof value === 'number') return value;
      break;
    case 'bytes':
    case 'fixed':
      if (types.isUint8Array(value) && !(node.kind === 'fixed' && value.length !== node.size)) {
        return Buffer.from(value.buffer, value.byteOffset, value.byteLength);
      }
      break;
  }
  throw new Mismatch(path, expectedOf(node), value);
}

function toRecord(node: AvroRecord, value: unknown, path: string): Record<string, unknown> {
  if (!isPlainObject(value)) throw new Mismatch(path, `record ${node.name}`, value);
  const known = node.fields.map((field) => field.name);
  for (const key of Object.keys(value)) {
    if (known.includes(key) || value[key] === undefined) continue;
    throw unknownField(at(path, key), `record ${node.name}`, didYouMean(key, known));
  }
  const raw: Record<string, unknown> = {};
  for (const field of node.fields) {
    const item = value[field.name];
    // Left out: avsc writes the default.
    if (item === undefined && 'default' in field) continue;
    raw[field.name] = toAvro(field.node, item, at(path, field.name));
  }
  return raw;
}

function toMap(values: AvroNode, value: unknown, path: string): Record<string, unknown> {
  const entries = types.isMap(value) ? [...value] : isPlainObject(value) ? Object.entries(value) : undefined;
  if (!entries) throw new Mismatch(path, 'map', value);
  return Object.fromEntries(entries.map(([key, item]) => [key, toAvro(values, item, at(path, String(key)))]));
}

function toUnion({ branches }: AvroUnion, value: unknown, path: string): unknown {
  const wrap = (branch: AvroNode, item: unknown, itemPath: string) => {
    const raw = toAvro(branch, item, itemPath);
    return branch.kind === 'null' ? null : { [branchName(branch)]: raw };
  };
  if (value === null || value === undefined) {
    const none = branches.find((branch) => branch.kind === 'null');
    if (none) return null;
    throw new Mismatch(path, namesOf(branches), value);
  }
  const explicit = namedBranch(branches, value);
  if (explicit) return wrap(explicit.branch, explicit.value, at(path, branchName(explicit.branch)));

  const candidates = branches.filter((branch) => looksLike(branch, value));
  // One that can be meant: its own failure is the better one, it tells the path inside.
  if (candidates.length === 1) return wrap(candidates[0]!, value, path);
  const fitting = candidates.filter((branch) => fits(branch, value, path));
  const [first, second] = fitting;
  if (!first) throw new Mismatch(path, namesOf(branches), value);
  if (second && isPlainObject(value) && first.kind !== 'map') {
    const name = branchName(first);
    throw new Mismatch(path, namesOf(branches), value, `It fits ${namesOf(fitting)}: name one, as { '${name}': … }`);
  }
  return wrap(first, value, path);
}

/** `{ 'shop.Card': { … } }`: the way to name a branch, unless a record or map could hold that key itself. */
function namedBranch(branches: readonly AvroNode[], value: unknown): { branch: AvroNode; value: unknown } | undefined {
  if (!isPlainObject(value)) return undefined;
  const [key, ...more] = Object.keys(value);
  if (key === undefined || more.length > 0) return undefined;
  const isOwnKey = branches.some(
    (branch) =>
      branch.kind === 'map' || (branch.kind === 'record' && branch.fields.some((field) => field.name === key)),
  );
  const branch = branches.find((candidate) => branchName(candidate) === key);
  return branch && !isOwnKey ? { branch, value: value[key] } : undefined;
}

/** Whether a value of this sort can be meant for the branch at all: the branch's first sight of it. */
function looksLike(branch: AvroNode, value: unknown): boolean {
  if (branch.kind === 'record' || branch.kind === 'map') return isPlainObject(value) || types.isMap(value);
  if (branch.kind === 'array') return Array.isArray(value);
  if ('logical' in branch && logicalType(branch)) {
    if (branch.logical === 'decimal') return isDecimal(value) || ['number', 'bigint', 'string'].includes(typeof value);
    return typeof value === 'string' || types.isDate(value);
  }
  if (branch.kind === 'int' || branch.kind === 'long') return typeof value === 'number' || typeof value === 'bigint';
  if (branch.kind === 'float' || branch.kind === 'double') return typeof value === 'number';
  if (branch.kind === 'bytes' || branch.kind === 'fixed') return types.isUint8Array(value);
  return typeof value === (branch.kind === 'boolean' ? 'boolean' : 'string') && branch.kind !== 'null';
}

/** Whether the branch holds the value without loss. */
function fits(branch: AvroNode, value: unknown, path: string): boolean {
  if (branch.kind === 'float' && typeof value === 'number' && !Object.is(Math.fround(value), value)) return false;
  try {
    toAvro(branch, value, path);
    return true;
  } catch (error) {
    if (error instanceof Mismatch) return false;
    throw error;
  }
}

function namesOf(branches: readonly AvroNode[]): string {
  return branches.map(expectedOf).join(' or ');
}

function expectedOf(node: AvroNode): string {
  if (node.kind === 'fixed') return `fixed ${node.name} (${node.size} bytes)`;
  const logical = 'logical' in node && node.logical && logicalType(node) ? ` (${node.logical})` : '';
  return `${branchName(node)}${logical}`;
}
