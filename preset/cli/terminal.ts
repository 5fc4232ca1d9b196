/** What a stream can show: colours as NO_COLOR and FORCE_COLOR say, and how wide it is. */
import type { WriteStream } from 'node:tty';

export interface Paint {
  red(text: string): string;
  green(text: string): string;
  yellow(text: string): string;
  dim(text: string): string;
  bold(text: string): string;
}

export interface Terminal {
  readonly paint: Paint;
  /** Characters of a line; Infinity in a pipe, where nothing is cut. */
  readonly width: number;
  /** Whether somebody watches, so that what goes on may be drawn. */
  readonly isWatched: boolean;
}

const COLOURS = { red: [31, 39], green: [32, 39], yellow: [33, 39], dim: [2, 22], bold: [1, 22] } as const;
/** Of terminals that do not tell. */
const USUAL = 80;

export function terminalOf(stream: NodeJS.WriteStream): Terminal {
  const { isTTY = false, columns } = stream as Partial<WriteStream>;
  const dumb = process.env.TERM === 'dumb';
  const isColoured = wantsColour() ?? (isTTY && !dumb);
  const entries = Object.entries(COLOURS).map(([name, [open, close]]) => [
    name,
    isColoured ? (text: string) => `\u001B[${open}m${text}\u001B[${close}m` : (text: string) => text,
  ]);
  return {
    paint: Object.fromEntries(entries) as Paint,
    width: isTTY ? columns || USUAL : Number.POSITIVE_INFINITY,
    isWatched: isTTY && !dumb && !process.env.CI,
  };
}

/** undefined: the environment does not say. */
function wantsColour(): boolean | undefined {
  const { NO_COLOR, FORCE_COLOR } = process.env;
  if (FORCE_COLOR !== undefined && FORCE_COLOR !== '') return FORCE_COLOR !== '0' && FORCE_COLOR !== 'false';
  return NO_COLOR !== undefined && NO_COLOR !== '' ? false : undefined;
}

/** Breaks a text between words, all lines but the first indented. A word that is longer stays whole: an address is copied. */
export function wrap(text: string, width: number, indent: string): string {
  const lines = text.split('\n').map((paragraph) => {
    const broken: string[] = [];
    let line = '';
    for (const word of paragraph.split(' ')) {
      if (line !== '' && line.length + 1 + word.length > width - indent.length) {
        broken.push(line);
        line = word;
      } else line = line === '' ? word : `${line} ${word}`;
    }
    return [...broken, line].join(`\n${indent}`);
  });
  return lines.join(`\n${indent}`);
}
