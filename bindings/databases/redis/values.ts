/** Bytes of the server as values of a test, and back. */
import { isUtf8 } from 'node:buffer';

/** How text that the server keeps may be read. */
export const FORMS = ['json', 'number', 'text', 'bytes'] as const;
export type Form = (typeof FORMS)[number];

/** A value that is no text of the form that was asked for. */
export class NotOfForm extends Error {}

/**
 * Text where the bytes are UTF-8, else the bytes.
 *
 * @throws NotOfForm where `as` asks for what it is not
 */
export function decode(bytes: Buffer, as: string | undefined): unknown {
  if (as === 'bytes') return bytes;
  if (as === 'text') return bytes.toString();
  const text = isUtf8(bytes) ? bytes.toString() : undefined;
  if (as === undefined) return text ?? bytes;
  const shown = text === undefined ? `bytes ${bytes.subarray(0, 24).toString('hex')}` : `'${shorten(text)}'`;
  if (as === 'number') {
    const number = text === undefined || text.trim() === '' ? Number.NaN : Number(text);
    if (Number.isNaN(number)) throw new NotOfForm(`it is no number: ${shown}`);
    return number;
  }
  try {
    return JSON.parse(text ?? '');
  } catch (error) {
    throw new NotOfForm(`it is no JSON (${(error as Error).message.replace(/\s+/g, ' ')}): ${shown}`);
  }
}

/** A part of a hash, a list, a set: what is not of the form stays text, for its neighbours may be. */
export function decodePart(bytes: Buffer, as: string | undefined): unknown {
  try {
    return decode(bytes, as);
  } catch (error) {
    if (error instanceof NotOfForm) return decode(bytes, undefined);
    throw error;
  }
}

/** Whether bytes or text are what a test wrote as bytes; undefined: it wrote none. */
export function equalBytes(actual: unknown, expected: unknown): boolean | undefined {
  if (!(expected instanceof Object) || !ArrayBuffer.isView(expected)) return undefined;
  const wanted = Buffer.from(expected.buffer, expected.byteOffset, expected.byteLength);
  if (typeof actual === 'string') return Buffer.from(actual).equals(wanted);
  return Buffer.isBuffer(actual) && actual.equals(wanted);
}

function shorten(text: string): string {
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}
