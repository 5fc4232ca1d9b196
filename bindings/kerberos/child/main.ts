/**
 * The helper process: all calls of GSSAPI run here, for one that waits for a KDC cannot be stopped by anything but the
 * end of its process, and the native module bears neither worker threads nor Jest's sandbox.
 *
 * Started with the path of the module, the connection's principal and its private folder; where Kerberos looks for its
 * configuration, keys and tickets is in the environment. Its standard input is a pipe that only the parent holds.
 */
import { readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { receive, send } from '../../core/lines.ts';
import { type ContextState, type HelperReply, type HelperRequest, type InitializeOptions, READY } from './protocol.ts';

interface Module {
  version: string;
  GSS_MECH_OID_KRB5: number;
  initializeClient(service: string, options: InitializeOptions): Promise<Context>;
}

interface Context {
  username: string | null;
  response: string | null;
  responseConf?: number;
  contextComplete: boolean;
  step(challenge: string): Promise<string>;
  wrap(data: string, options: object): Promise<string>;
  unwrap(data: string): Promise<string>;
}

const [path = '', principal = '', folder = ''] = process.argv.slice(2);
const contexts = new Map<number, Context>();
let last = 0;
let loaded: Module | undefined;

receive(process.stdin, ({ id, ...request }: HelperRequest & { id: number }) => {
  answer(request).then(
    (value) => reply({ id, value }),
    (error: Error) => reply({ id, error: error.message, ...(loaded === undefined ? { isLoading: true } : {}) }),
  );
});
// The parent has ended, whatever ended it. A call under way would hold up an orderly end.
process.stdin.on('error', end).on('close', end);
process.stdout.on('error', () => undefined);
reply({ id: READY, value: null });

async function answer(request: HelperRequest): Promise<ContextState | number | string | null> {
  loaded ??= createRequire(import.meta.url)(path) as Module;
  switch (request.op) {
    case 'initialize': {
      const { service, options } = request;
      const own = principal === '' ? {} : { principal };
      const context = await loaded.initializeClient(service, {
        mechOID: loaded.GSS_MECH_OID_KRB5,
        ...own,
        ...options,
      });
      last += 1;
      contexts.set(last, context);
      return last;
    }
    case 'step': {
      const context = find(request.context);
      return stateOf(context, await context.step(request.challenge));
    }
    case 'wrap': {
      const context = find(request.context);
      return stateOf(context, await context.wrap(request.data, request.options));
    }
    case 'unwrap': {
      const context = find(request.context);
      return stateOf(context, await context.unwrap(request.data));
    }
    case 'free':
      contexts.delete(request.context);
      return null;
    case 'version':
      return `kerberos ${loaded.version}${library()}`;
  }
}

function find(number: number): Context {
  const context = contexts.get(number);
  if (context === undefined) throw new Error('The context was given back before.');
  return context;
}

function stateOf(context: Context, response: string | null): ContextState {
  return {
    response: response ?? '',
    responseConf: context.responseConf ?? 0,
    isComplete: context.contextComplete,
    username: context.username,
  };
}

/** The file of libkrb5 that was loaded: its name ends in its version. Only Linux tells. */
function library(): string {
  try {
    const name = /\/(libkrb5\.so[\w.]*)$/m.exec(readFileSync('/proc/self/maps', 'utf8'))?.[1];
    return name === undefined ? '' : ` (${name})`;
  } catch {
    return '';
  }
}

function reply(message: HelperReply): void {
  send(process.stdout, message);
}

function end(): void {
  if (folder !== '') rmSync(folder, { recursive: true, force: true });
  process.kill(process.pid, 'SIGKILL');
}
