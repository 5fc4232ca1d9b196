/**
 * A real server that writes down what it is told, line by line, and answers each line: the order in which a runner
 * opens, resets, tests and closes can be read from it.
 */
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';

export interface Recorder extends AsyncDisposable {
  /** `127.0.0.1:port` */
  readonly address: string;
  /** All that was said, in order. `open` and `close` are the connections themselves. */
  readonly lines: string[];
  /** Lines that it refuses the next time. */
  readonly refused: Set<string>;
}

export async function recorder(): Promise<Recorder> {
  const lines: string[] = [];
  const refused = new Set<string>();
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    lines.push('open');
    let rest = '';
    socket.setEncoding('utf8').on('data', (text: string) => {
      const parts = (rest + text).split('\n');
      rest = parts.pop()!;
      for (const line of parts) {
        lines.push(line);
        socket.write(refused.delete(line) ? 'no\n' : 'ok\n');
      }
    });
    socket.on('error', () => undefined);
    socket.on('close', () => {
      sockets.delete(socket);
      lines.push('close');
    });
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as { port: number };
  return {
    address: `127.0.0.1:${port}`,
    lines,
    refused,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
