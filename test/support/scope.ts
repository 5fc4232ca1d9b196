/** A scope as the session makes one, for tests that open a binding by themselves. */
import type { Binding, Scope } from '../../bindings/core/binding.ts';
import { LEVELS, type Log } from '../../bindings/core/log.ts';
import { Redactor } from '../../bindings/core/redact.ts';
import { trace } from '../../bindings/core/trace.ts';

export interface OpenConnection<Client, Handle> extends AsyncDisposable {
  client: Client;
  handle: Handle;
  scope: Scope;
}

/** Takes all lines and keeps none. */
export const silent: Log = Object.fromEntries(
  Object.keys(LEVELS).map((level) => [level, () => undefined]),
) as unknown as Log;

export function testScope(kind: string, driver: string | undefined, changes: Partial<Scope> = {}): Scope {
  return {
    connection: 'db',
    namespace: { run: 'r1', worker: '1' },
    baseDir: process.cwd(),
    signal: AbortSignal.timeout(20_000),
    redactor: new Redactor(),
    lease: undefined,
    driver: async () => {
      if (driver === undefined) return undefined;
      const module = await import(driver);
      return module.default ?? module;
    },
    use: async (name) => {
      throw new Error(`no connection ${name} here`);
    },
    log: silent,
    once: (_key, make) => make(),
    trace: (operation, attributes, run) => trace({ connection: 'db', kind, operation, attributes }, run),
    adopt: (value) => value,
    waitFor: async () => {
      throw new Error('matchers are not loaded here');
    },
    notice: () => undefined,
    ...changes,
  };
}

/** Parses, opens and makes the handle, as the session does. */
export async function openBinding<Options extends object, Client, Handle extends object>(
  binding: Binding<Options, Client, Handle>,
  input: object,
  changes: Partial<Scope> = {},
): Promise<OpenConnection<Client, Handle>> {
  const scope = testScope(binding.kind, binding.driver?.name, changes);
  const options = binding.parse(input as Record<string, unknown>, `connections.${scope.connection}`);
  const client = await binding.open(options, scope);
  const driver = await scope.driver();
  const handle = binding.handle(() => ({ client, options, driver }), scope);
  return { client, handle, scope, [Symbol.asyncDispose]: () => binding.close(client) };
}
