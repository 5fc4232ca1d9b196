/** JSON between processes, one message a line. */
import type { Readable, Writable } from 'node:stream';

export function send(stream: Writable, message: object): void {
  if (!stream.destroyed) stream.write(`${JSON.stringify(message)}\n`);
}

export function receive(stream: Readable, onMessage: (message: never) => void): void {
  let rest = '';
  stream.setEncoding('utf8');
  stream.on('data', (chunk: string) => {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop()!;
    for (const line of lines) onMessage(JSON.parse(line) as never);
  });
}
