/** Asks an Aerospike for the id of its node: tells it from any other, and proves that it answers. */
import { connect } from 'node:net';
import { NODE_QUESTION } from '../../bindings/databases/aerospike/dial.ts';

export function askNode({ host, port }: { host: string; port: number }, signal: AbortSignal): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, signal }, () => socket.write(NODE_QUESTION));
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
