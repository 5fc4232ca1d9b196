/** Lines of the log as people read them: below a failed test, and in a terminal. */
import { inspect } from 'node:util';
import type { Attributes } from '../../bindings/core/trace.ts';
import { levelName } from './levels.ts';
import { type Line, timeNow } from './line.ts';

/** A line in parts; all of it is redacted. */
export interface Told {
  time: number;
  level: string;
  connection: string;
  text: string;
}

/** Longest text of a line, characters. */
const LONGEST = 300;
/** What is longer is cut before it is looked at at all. */
const FAR_TOO_LONG = 20_000;

/** Of pino's own fields those that stand elsewhere in the line. */
const PLACED: ReadonlySet<string> = new Set(['level', 'time', 'run', 'worker', 'file', 'test', 'hook', 'step']);

/** @param redact is called before anything is cut */
export function tell(given: Line, redact: (text: string) => string): Told {
  const line = given.text === undefined ? given : parsed(given, given.text);
  const { time, level, connection, message, fields, operation } = line;
  const parts = [operation ? operationText(line, operation) : message];
  const shown = operation ? attributesShown(fields) : fields;
  const error = operation?.error;
  if (error !== undefined) parts.push(errorText(error));
  if (shown && Object.keys(shown).length > 0) parts.push(fieldsText(shown));
  const text = redact(oneLine(parts.filter((part) => part !== '').join('  ')));
  return {
    time,
    level: levelName(level),
    connection: connection === undefined ? '' : `qa.${connection}`,
    text: text.length > LONGEST ? `${text.slice(0, LONGEST - 1)}…` : text,
  };
}

/** What pino has written. */
function parsed(line: Line, text: string): Line {
  const { msg = '', connection, ...rest } = JSON.parse(text) as Record<string, unknown> & { connection?: string };
  const fields = Object.fromEntries(Object.entries(rest).filter(([key]) => !PLACED.has(key)));
  const { operation: name, took, err, ...attributes } = fields;
  const isOperation = typeof name === 'string' && typeof took === 'number';
  return {
    ...line,
    connection,
    message: isOperation ? name : String(msg),
    fields: isOperation ? attributes : fields,
    operation: isOperation ? { took, error: err } : undefined,
  };
}

/** `query in 1.2 ms`, `expect(…).toHaveRowMatching(…) failed in 5.0 s, 240 times`. */
function operationText({ message, fields, time }: Line, { took, error }: NonNullable<Line['operation']>): string {
  const { call, ok, looks } = (fields ?? {}) as Attributes;
  const name = typeof call === 'string' ? call : message;
  if (took === undefined) return `${name}, under way for ${duration(timeNow() - time)}`;
  if (error === undefined && ok !== false) return `${name} in ${duration(took)}`;
  const often = typeof looks === 'number' ? `, ${looks === 1 ? 'once' : `${looks} times`}` : '';
  return `${name} failed in ${duration(took)}${often}`;
}

/** Without what the operation's own text says. */
function attributesShown(fields: Line['fields']): Line['fields'] {
  if (fields === undefined || !('call' in fields)) return fields;
  const { call: _, ok: __, looks: ___, step: ____, ...rest } = fields;
  return rest;
}

function fieldsText(fields: Readonly<Record<string, unknown>>): string {
  const readable = Object.fromEntries(
    Object.entries(fields)
      .filter(([, value]) => value !== undefined)
      .map(([key, value]) => [key, fieldValue(key, value)]),
  );
  if (Object.keys(readable).length === 0) return '';
  return inspect(readable, {
    breakLength: Number.POSITIVE_INFINITY,
    compact: true,
    depth: 4,
    maxArrayLength: 20,
    maxStringLength: FAR_TOO_LONG,
  });
}

/** Errors by their message: the stack is in the file. Statements without their line breaks. */
function fieldValue(key: string, value: unknown): unknown {
  if (value instanceof Error || ((key === 'err' || key === 'error') && hasMessage(value)))
    return { [inspect.custom]: () => errorText(value) };
  return typeof value === 'string' ? oneLine(value.slice(0, FAR_TOO_LONG)) : value;
}

function errorText(error: unknown): string {
  if (!hasMessage(error)) return String(error);
  const { name, type = name, message } = error as { name?: string; type?: string; message: string };
  return type === undefined || type === 'Error' ? message : `${type}: ${message}`;
}

function hasMessage(value: unknown): value is { message: string } {
  return typeof value === 'object' && value !== null && typeof (value as { message?: unknown }).message === 'string';
}

function oneLine(text: string): string {
  return text.includes('\n') ? text.replace(/\s*\n\s*/g, ' ') : text;
}

/** `1.2 ms`, `320 ms`, `5.0 s` */
export function duration(ms: number): string {
  if (ms >= 1000) return `${(ms / 1000).toFixed(1)} s`;
  return `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`;
}
