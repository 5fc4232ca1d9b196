/**
 * A server of the tests' own that speaks Aerospike's protocol well enough for the real npm client: one node, records in
 * memory. Not Aerospike: what only that can prove is tested where there is an `asd`.
 *
 * `node main.ts '{"port":0,"namespaces":["test"]}'` prints its port when it listens, and ends with its standard input.
 */
import { readFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { Users } from './admin.ts';
import { answerInfo, type Identity, refuseInfo } from './info.ts';
import { batch, last, scan } from './many.ts';
import { FIELD, FRAME, Frames, frame, type Message, RESULT, readMessage, writeReply } from './protocol.ts';
import { execute } from './record.ts';
import { Namespace } from './store.ts';

export interface StandInOptions {
  /** 0: a free one. */
  port: number;
  namespaces: string[];
  clusterName?: string;
  node?: string;
  /** Bytes that all bins of a record may take. Default: 1 MiB. */
  maxRecordSize?: number;
  /** Each answer to a message waits this long, ms. */
  delay?: number;
  /** Name to credential. With none everybody is let in. */
  users?: Record<string, string>;
  /** What it prints when it listens. Default: its port. */
  ready?: string;
  /** It does not end with its standard input. */
  isAlone?: boolean;
  /** Files of key and certificate. */
  tls?: { key: string; cert: string };
}

const options = JSON.parse(process.argv[2] ?? '{}') as StandInOptions;
const limits = { maxRecordSize: options.maxRecordSize ?? 2 ** 20 };
const users = new Users(options.users);
const namespaces = new Map(options.namespaces.map((name) => [name, new Namespace(name)]));
const identity: Identity = {
  node: options.node ?? 'BB9000000000001',
  clusterName: options.clusterName ?? '',
  build: '8.1.0.1',
  address: '',
  namespaces,
};

const server = options.tls
  ? createTlsServer({ key: readFileSync(options.tls.key), cert: readFileSync(options.tls.cert) }, serve)
  : createServer(serve);
server.listen(options.port, '127.0.0.1', () => {
  const { port } = server.address() as AddressInfo;
  identity.address = `127.0.0.1:${port}`;
  console.log(options.ready ?? port);
});
if (!options.isAlone) process.stdin.on('end', () => process.exit()).resume();

function serve(socket: Socket): void {
  const frames = new Frames();
  let isLet = !users.needed;
  socket.setNoDelay(true);
  socket.on('error', () => socket.destroy());
  socket.on('data', (chunk) => {
    for (const { type, body } of frames.push(chunk)) {
      if (type === FRAME.info) {
        const answer = isLet ? answerInfo(body.toString(), identity) : refuseInfo(body.toString());
        socket.write(frame(FRAME.info, Buffer.from(answer)));
      } else if (type === FRAME.admin) {
        const answer = users.answer(body);
        isLet ||= answer.isLet;
        socket.write(answer.reply);
      } else {
        const answer = () => {
          for (const part of isLet ? handle(readMessage(body)) : last(RESULT.notAuthenticated)) socket.write(part);
        };
        if (options.delay) setTimeout(answer, options.delay);
        else answer();
      }
    }
  });
}

function handle(message: Message): Buffer[] {
  const { fields } = message;
  if (fields.has(FIELD.batch)) return batch(message, (name) => namespaces.get(name), limits);
  const digest = fields.get(FIELD.digest);
  const namespace = namespaces.get(fields.get(FIELD.namespace)?.toString() ?? '');
  if (!namespace) return digest ? [single({ result: RESULT.namespace })] : last(RESULT.namespace);
  return digest ? [single(execute(namespace, digest, message, limits))] : scan(message, namespace);
}

function single(reply: Parameters<typeof writeReply>[0]): Buffer {
  return frame(FRAME.message, writeReply(reply));
}
