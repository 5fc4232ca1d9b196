/** Keeps secrets out of values that others print: errors with all that hangs on them. */
import { inspect, types } from 'node:util';
import { HIDDEN, type Redactor } from './redact.ts';
import { isPlain } from './reference.ts';

/** How deep one looks for a secret in what is no plain object. */
const DEPTH = 4;

/** The same value where no text in it holds a secret, else a copy in which none does. The value itself stays. */
export function redactValue<T>(value: T, redactor: Redactor): T {
  if (!redactor.isNeeded || !holds(value, redactor, new Set())) return value;
  return copy(value, redactor, new Map()) as T;
}

/**
 * Redacts an error in place: message, stack, causes, errors of an aggregate, and all other properties. What its
 * properties refer to is not changed, since a driver may use it still: they get copies.
 *
 * @returns the error; a stand-in where it is frozen or no error at all
 */
export function redactError(error: unknown, redactor: Redactor): unknown {
  if (!redactor.isNeeded) return error;
  if (!isErrorLike(error)) return redactValue(error, redactor);
  return errorInPlace(error, redactor, new Set());
}

function errorInPlace(error: ErrorLike, redactor: Redactor, seen: Set<unknown>): unknown {
  if (seen.has(error)) return error;
  seen.add(error);
  let isHeld = true;
  // Not all engines keep these two as plain data.
  for (const key of ['message', 'stack'] as const) {
    const text = error[key];
    if (typeof text !== 'string') continue;
    const redacted = redactor.redact(text);
    if (redacted !== text) isHeld = put(error, key, redacted) && isHeld;
  }
  for (const key of Reflect.ownKeys(error)) {
    if (key === 'message' || key === 'stack') continue;
    const { value } = Reflect.getOwnPropertyDescriptor(error, key) ?? {};
    const redacted = property(value, redactor, seen);
    if (redacted !== value) isHeld = put(error, key, redacted) && isHeld;
  }
  return isHeld ? error : standIn(error, redactor);
}

function property(value: unknown, redactor: Redactor, seen: Set<unknown>): unknown {
  if (isErrorLike(value)) return errorInPlace(value, redactor, seen);
  if (Array.isArray(value) && value.some(isErrorLike)) {
    const items = value.map((item: unknown) => property(item, redactor, seen));
    return items.every((item, index) => item === value[index]) ? value : items;
  }
  return redactValue(value, redactor);
}

/** Whether it could be done. */
function put(target: object, key: PropertyKey, value: unknown): boolean {
  const known = Reflect.getOwnPropertyDescriptor(target, key);
  if (known === undefined || known.configurable) {
    const enumerable = known?.enumerable ?? false;
    return Reflect.defineProperty(target, key, { value, enumerable, configurable: true, writable: true });
  }
  return Reflect.set(target, key, value);
}

function standIn(error: ErrorLike, redactor: Redactor): Error {
  const made = new Error(redactor.redact(error.message));
  if (typeof error.stack === 'string') made.stack = redactor.redact(error.stack);
  return made;
}

interface ErrorLike {
  message: string;
  stack?: unknown;
}

/** Also of another realm, and what a runner has made of one. */
function isErrorLike(value: unknown): value is ErrorLike {
  if (types.isNativeError(value)) return true;
  if (typeof value !== 'object' || value === null) return false;
  const { message, stack } = value as Partial<ErrorLike>;
  return typeof message === 'string' && typeof stack === 'string';
}

function holds(value: unknown, redactor: Redactor, seen: Set<unknown>): boolean {
  if (typeof value === 'string') return redactor.redact(value) !== value;
  if (typeof value !== 'object' || value === null || seen.has(value)) return false;
  seen.add(value);
  const inner = (items: Iterable<unknown>) => [...items].some((item) => holds(item, redactor, seen));
  if (types.isUint8Array(value)) return holds(textOf(value), redactor, seen);
  if (isBytes(value)) return holds(value.join(), redactor, seen);
  if (Array.isArray(value) || types.isSet(value)) return inner(value);
  if (types.isMap(value)) return [...value].some((entry) => inner(entry));
  if (isPlain(value)) return Object.entries(value).some(([key, item]) => inner([key, item, pair(key, item)]));
  return redactor.redact(shown(value)) !== shown(value);
}

function copy(value: unknown, redactor: Redactor, copies: Map<unknown, unknown>): unknown {
  if (typeof value === 'string') return redactor.redact(value);
  if (typeof value !== 'object' || value === null) return value;
  if (copies.has(value)) return copies.get(value);
  const inner = (item: unknown) => copy(item, redactor, copies);
  const kept = <C>(made: C): C => {
    copies.set(value, made);
    return made;
  };
  if (types.isUint8Array(value) || isBytes(value)) return holds(value, redactor, new Set()) ? HIDDEN : value;
  if (Array.isArray(value)) {
    const made: unknown[] = kept([]);
    for (const item of value) made.push(inner(item));
    return made;
  }
  if (types.isSet(value)) {
    const made = kept(new Set());
    for (const item of value) made.add(inner(item));
    return made;
  }
  if (types.isMap(value)) {
    const made = kept(new Map());
    for (const [key, item] of value) made.set(inner(key), inner(item));
    return made;
  }
  if (isPlain(value)) {
    const made: Record<string, unknown> = kept({});
    for (const [key, item] of Object.entries(value)) {
      const isLocal = typeof item === 'string' && redactor.redact(pair(key, item)) !== pair(key, item);
      made[redactor.redact(key)] = isLocal && redactor.redact(item) === item ? HIDDEN : inner(item);
    }
    return made;
  }
  const text = shown(value);
  return redactor.redact(text) === text ? value : redactor.redact(text);
}

/** A list of numbers that may be bytes: as `[...buffer]` gives them. */
function isBytes(value: object): value is number[] {
  return (
    Array.isArray(value) && value.length > 0 && value.every((item) => Number.isInteger(item) && item >= 0 && item < 256)
  );
}

/** A short secret is one in its own place only. */
function pair(key: string, item: unknown): string {
  return typeof item === 'string' ? `${key}: '${item}'` : '';
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString();
}

function shown(value: object): string {
  return inspect(value, { depth: DEPTH, breakLength: Number.POSITIVE_INFINITY, maxStringLength: 10_000 });
}
