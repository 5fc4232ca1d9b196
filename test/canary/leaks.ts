/**
 * Finds a canary in any form in what a run put out. It knows nothing of how the package hides them: it decodes whatever
 * may be an encoding, and looks for parts of a canary, so that one that was cut or wrapped is found too.
 */
import { createHash } from 'node:crypto';
import { stripVTControlCharacters } from 'node:util';

/** A part of so many characters is no accident. */
const PART = 8;

/** A secret of its own for each name: 20 characters, some of which URLs and JSON must encode. */
export function canary(name: string): string {
  const hash = createHash('sha256').update(name).digest('base64url').replace(/[-_]/g, 'x');
  return `${hash.slice(0, 9)}/"${hash.slice(9, 18)}`;
}

export interface Leak {
  /** Of the canary. */
  name: string;
  output: string;
  /** Around it. */
  excerpt: string;
}

/** What of `canaries` (name → value) can be found in `outputs` (name → text). */
export function leaks(outputs: Readonly<Record<string, string>>, canaries: Readonly<Record<string, string>>): Leak[] {
  const parts = new Map(
    Object.entries(canaries).flatMap(([name, value]) => partsOf(value).map((part) => [part, name])),
  );
  const found: Leak[] = [];
  for (const [output, text] of Object.entries(outputs)) {
    const seen = new Set<string>();
    for (const reading of readings(text)) {
      for (let at = 0; at + PART <= reading.length; at += 1) {
        const name = parts.get(reading.slice(at, at + PART));
        if (name === undefined || seen.has(name)) continue;
        seen.add(name);
        found.push({ name, output, excerpt: reading.slice(Math.max(0, at - 200), at + 200) });
      }
    }
  }
  return found;
}

function partsOf(value: string): string[] {
  return Array.from({ length: value.length - PART + 1 }, (_, index) => value.slice(index, index + PART));
}

/** The text, and what it may stand for: without colours and quoting, without breaks, decoded. */
function readings(coloured: string): string[] {
  const text = stripVTControlCharacters(coloured);
  const plain = text.replace(/\\+(?=["'\\/])/g, '').replace(/&quot;/g, '"');
  const decoded = plain.replace(/(?:%[\dA-Fa-f]{2})+/g, (codes) =>
    Buffer.from(codes.replaceAll('%', ''), 'hex').toString('latin1'),
  );
  return [
    plain,
    decoded,
    // Lines that were wrapped, and diffs of several lines.
    plain.replace(/\s+/g, ''),
    plain.replace(/\n\s*[-+|│]?\s*/g, ''),
    ...runs(plain, /(?:[A-Za-z0-9+/]|-(?=\w)|_){11,}/g, (run) =>
      [0, 1, 2, 3].map((offset) => Buffer.from(run.slice(offset), 'base64').toString('latin1')),
    ),
    ...runs(plain, /(?:[\dA-Fa-f]{2} ?){8,}/g, (run) =>
      [0, 1].map((offset) => Buffer.from(run.replaceAll(' ', '').slice(offset), 'hex').toString('latin1')),
    ),
    ...runs(plain, /\b\d{1,3}(?:,[\s+-]*\d{1,3}){7,}/g, (run) => [
      String.fromCharCode(...run.split(',').map((item) => Number(item.replace(/[\s+-]/g, '')))),
    ]),
  ];
}

/** What all that looks encoded stands for, as one text each way. */
function runs(text: string, pattern: RegExp, decode: (run: string) => string[]): string[] {
  return [...text.matchAll(pattern)].flatMap(([run]) => decode(run));
}
