/** What an encoder or a decoder failed with, as users see it. */
import { isQaError, QaError } from '../core/errors.ts';
import type { CodecContext, Part } from './codec.ts';

/** Bytes shown of what could not be decoded. */
const EXCERPT = 32;

/** Bytes that a codec could not decode. Collected by the recorder, never stopping it; thrown by `decode(…)`. */
export class DecodeError extends QaError {
  /** Why, without topic and bytes: `truncated buffer`. */
  readonly reason: string;
  /** The first 32 bytes: `00 00 00 01 …`. */
  readonly hex: string;
  /** Length of the whole, in bytes. */
  readonly size: number;
  readonly codec: string;
  readonly part: Part;

  constructor(codec: string, bytes: Buffer, context: CodecContext, cause: unknown) {
    const reason = reasonOf(cause);
    const hex = excerpt(bytes);
    // A failure that names its own mend (a registry that is down) has the last word.
    const [why, mend] = isQaError(cause)
      ? ['', reason]
      : [`: ${withoutStop(reason)}`, 'See whether the topic is declared with the codec that its producer uses'];
    super('QA_DECODE', {
      what: `${where(context)} could not be decoded as ${codec}${why}. Its ${bytes.length} bytes: ${hex || 'none'}`,
      mend,
      cause,
    });
    this.reason = reason;
    this.hex = hex;
    this.size = bytes.length;
    this.codec = codec;
    this.part = context.part;
  }
}

/** Errors that already name their mend (a registry that is down, a missing schema) are handed on as they are. */
export function encodeError(codec: string, context: CodecContext, cause: unknown): QaError {
  if (isQaError(cause)) return cause;
  return new QaError('QA_ENCODE', {
    what: `${where(context)} could not be encoded as ${codec}: ${reasonOf(cause)}`,
    mend: 'Correct what is sent, or the codec that the topic is declared with',
    cause,
  });
}

export function excerpt(bytes: Uint8Array): string {
  const shown = Array.from(bytes.subarray(0, EXCERPT), (byte) => byte.toString(16).padStart(2, '0')).join(' ');
  return bytes.length > EXCERPT ? `${shown} …` : shown;
}

function where({ topic, part }: CodecContext): string {
  return topic === '' ? `The ${part}` : `The ${part} of a message on \`${topic}\``;
}

function reasonOf(cause: unknown): string {
  // By shape: an error of another realm is no `instanceof Error`.
  const message = (cause as { message?: unknown } | undefined)?.message;
  return typeof message === 'string' && message !== '' ? message : String(cause);
}

function withoutStop(text: string): string {
  return text.replace(/\.$/, '');
}
