/**
 * The keeper: one process a run. It starts servers, remembers what the run has made, and ends both when the main
 * process ends, whatever ended that one.
 *
 * Started with the run's folder as its argument; its standard input is a pipe that only the main process holds.
 */
import { rmSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { Failed, type Failure, type KeeperRequest, type Kept, receive, send } from '../protocol.ts';
import { address } from '../run-folder.ts';
import { Services } from '../services/services.ts';
import { Ledger } from './ledger.ts';
import { Servers } from './servers.ts';

/** Kept servers end after an hour, ms. */
const LONGEST_KEPT = 3_600_000;
/** Time for servers to end, ms. What has not ended by then is ended by its own guard. */
const LONGEST_END = 4_000;

const folder = process.argv[2]!;
const socket = address(folder, 'keeper');
const servers = new Servers();
const services = new Services();
const ledger = new Ledger();
const addresses: string[] = [];
let isKept = false;
let hasMainEnded = false;
let isEnding = false;

// One that was killed leaves its socket.
rmSync(socket, { force: true });
const listener = createServer(serve);
listener.listen(socket, () => process.stdout.write(`${JSON.stringify({ socket })}\n`));
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => void end(0));
process.on('uncaughtException', (error) => {
  process.stderr.write(`${error.stack}\n`);
  void end(1);
});
// The main process reads these while it lives.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);
process.stdin.on('error', mainEnded).on('close', mainEnded).resume();

function serve(client: Socket): void {
  client.on('error', () => client.destroy());
  client.once('close', () => {
    ledger.leave(client);
    services.leave(client);
  });
  receive(client, ({ id, ...request }: KeeperRequest & { id: number }) => {
    const reply = (value: unknown) => send(client, { id, value: value ?? null });
    const fail = (failure: Failure) => send(client, { id, failure });
    switch (request.op) {
      case 'start':
        servers.start(request.kind, request.options).then(reply, (error) => fail(toFailure(error)));
        break;
      case 'once':
        ledger.ask(request.key, { owner: client, reply, fail });
        break;
      case 'settle':
        if (request.address !== undefined && !addresses.includes(request.address)) addresses.push(request.address);
        ledger.settle(request.key, client, request.failure ? { failure: request.failure } : { made: request.value });
        reply(null);
        break;
      case 'release':
        ledger.release(request.key, client);
        reply(null);
        break;
      case 'service':
        services.call(request.call, { owner: client, reply, fail: (error) => fail(toFailure(error)) });
        break;
      case 'keep':
        reply(keep());
        break;
    }
  });
}

function keep(): Kept {
  isKept = true;
  services.isKept = true;
  return { addresses: [...addresses, ...services.addresses], stop: `kill ${process.pid}` };
}

function mainEnded(): void {
  hasMainEnded = true;
  if (!isKept) void end(0);
  else setTimeout(() => void end(0), LONGEST_KEPT);
}

async function end(code: number): Promise<void> {
  if (isEnding) return;
  isEnding = true;
  listener.close();
  // Services first: what they still write at their end has somewhere to go.
  const stopped = services.stop().then(() => servers.stop());
  await Promise.race([stopped, new Promise((resolve) => setTimeout(resolve, LONGEST_END))]);
  // While the main process lives it listens in the folder, and may start another keeper.
  rmSync(hasMainEnded ? folder : socket, { recursive: true, force: true });
  process.exit(code);
}

function toFailure(error: unknown): Failure {
  if (error instanceof Failed) return error.failure;
  const { message, stack } = error as Error;
  return {
    code: 'QA_SERVER_START',
    what: `A throwaway server could not be started: ${message}`,
    mend: 'Give the connection the address of a server of your own',
    ...(stack ? { cause: stack } : {}),
  };
}
