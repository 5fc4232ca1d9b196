/** Asks an Aerospike for the id of its node: tells it from any other, and proves that it answers. */
import { connect } from 'node:net';

/** An info frame: version 2, type 1, six bytes of length. */
const QUESTION = Buffer.from([2, 1, 0, 0, 0, 0, 0, 5, ...Buffer.from('node\n')]);

export function askNode({ host, port }: { host: string; port: number }, signal: AbortSignal): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, signal }, () => socket.write(QUESTION));
    let answer = Buffer.alloc(0);
    socket.on('data', (chunk) => {
      answer = Buffer.concat([answer, chunk]);
      const [, node] = /^node\t(\S+)\n/.exec(answer.subarray(8).toString()) ?? [];
      if (node === undefined) return;
      socket.destroy();
      resolve(node);
    });
    socket.on('error', reject);
    socket.on('close', () => reject(new Error(`${host}:${port} closed the connection without saying its node's id.`)));
  });
}
