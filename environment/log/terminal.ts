/** Whether the run prints to a terminal, which its workers cannot see: their stderr is a pipe to the main process. */
import { styleText } from 'node:util';
import type { Told } from './format.ts';

const VARIABLE = 'QA_LOG_TERMINAL';

/** Called by the run's main process. */
export function noteTerminal(): void {
  process.env[VARIABLE] = process.stderr.isTTY ? '1' : '0';
}

export function isTerminal(): boolean {
  return process.env[VARIABLE] === '1';
}

const COLOURS = { trace: 'gray', debug: 'gray', info: 'green', warn: 'yellow', error: 'red', fatal: 'red' } as const;

/** `12:04:31.123 debug qa.db query in 1.2 ms  { … }  (pays)` with its line break. */
export function paint({ time, level, connection, text }: Told, json: string): string {
  const { test, hook } = JSON.parse(json) as { test?: string; hook?: string };
  const at = new Date(time).toTimeString().slice(0, 8);
  const ms = String(Math.floor(time % 1000)).padStart(3, '0');
  const place = test ?? hook;
  const colour = COLOURS[level as keyof typeof COLOURS];
  const parts = [
    dim(`${at}.${ms}`),
    coloured(colour, level.padEnd(5)),
    ...(connection === '' ? [] : [coloured('cyan', connection)]),
    text,
    ...(place === undefined ? [] : [dim(`(${place})`)]),
  ];
  return `${parts.join(' ')}\n`;
}

function dim(text: string): string {
  return coloured('gray', text);
}

function coloured(colour: 'gray' | 'green' | 'yellow' | 'red' | 'cyan', text: string): string {
  return process.env.NO_COLOR ? text : styleText(colour, text, { validateStream: false });
}
