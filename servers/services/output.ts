/** The end of what a service has printed: whatever it prints, only so much is kept. Nothing is parsed before it is asked for. */
import { StringDecoder } from 'node:string_decoder';
import { machineTime } from './spec.ts';

const MOST_BYTES = 1024 ** 2;
const MOST_CHUNKS = 4000;
/** Of one line, characters. */
const LONGEST_LINE = 2000;

export type Stream = 'stdout' | 'stderr';

interface Chunk {
  at: number;
  stream: Stream;
  bytes: Buffer;
}

export class Output {
  #chunks: Chunk[] = [];
  #bytes = 0;
  /** When the newest chunk that is no longer kept came. */
  #droppedAt = Number.NEGATIVE_INFINITY;

  add(stream: Stream, bytes: Buffer): void {
    this.#chunks.push({ at: machineTime(), stream, bytes });
    this.#bytes += bytes.length;
    let first = 0;
    while (this.#bytes > MOST_BYTES || this.#chunks.length - first > MOST_CHUNKS) {
      const dropped = this.#chunks[first]!;
      this.#bytes -= dropped.bytes.length;
      this.#droppedAt = dropped.at;
      first += 1;
    }
    if (first > 0) this.#chunks.splice(0, first);
  }

  /** The last lines that came from a moment on. */
  since(moment: number, most: number): { lines: string[]; isCut: boolean } {
    const chunks = this.#chunks.filter(({ at }) => at >= moment);
    const lines = linesOf(chunks);
    const last = lines.slice(-most).map(shorten);
    return { lines: last, isCut: lines.length > most || this.#droppedAt >= moment };
  }
}

/** In the order in which their ends came: a line of one stream may stand among those of the other, but never in one. */
function linesOf(chunks: readonly Chunk[]): string[] {
  const lines: string[] = [];
  const splitters = { stdout: new Splitter(), stderr: new Splitter() };
  for (const { stream, bytes } of chunks) lines.push(...splitters[stream].add(bytes));
  for (const splitter of Object.values(splitters)) lines.push(...splitter.end());
  return lines;
}

/** Cuts a stream into lines. A line that has no end is cut as well. */
export class Splitter {
  readonly #decoder = new StringDecoder('utf8');
  #rest = '';

  add(bytes: Buffer): string[] {
    const lines = (this.#rest + this.#decoder.write(bytes)).split(/\r?\n/);
    // Kept a little longer than it is shown, so that it is seen to be too long.
    this.#rest = lines.pop()!.slice(0, LONGEST_LINE + 1);
    return lines;
  }

  end(): string[] {
    const rest = this.#rest + this.#decoder.end();
    this.#rest = '';
    return rest === '' ? [] : [rest];
  }
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: that is what colours are
const COLOURS = /\u001B\[[0-9;?]*[A-Za-z]/g;

function shorten(line: string): string {
  const plain = line.replace(COLOURS, '');
  return plain.length > LONGEST_LINE ? `${plain.slice(0, LONGEST_LINE)}…` : plain;
}
