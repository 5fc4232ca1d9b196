/**
 * What every binding must do, judged on a real server. A binding's suite gives a fixture; what it cannot offer it
 * leaves out, and the test that needs it is skipped by name.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Binding, Opened } from '../../bindings/core/binding.ts';
import { isQaError, type QaError } from '../../bindings/core/errors.ts';
import { testScope } from '../support/scope.ts';

export interface ContractFixture<Client, Handle extends object> {
  readonly binding: Binding<object, Client, Handle>;
  /** What `scope.driver()` gives, where it is no module that is loaded here. */
  readonly driver?: unknown;
  /** Starts the server; once for the suite. */
  start(): Promise<ContractServer<Handle>>;
  /** An option that is misspelt, and the right spelling. */
  readonly misspelt: { wrong: string; right: string };
  /** Options of a wrong type, with the path below the connection that the error must name. */
  readonly wrongType: { input: Record<string, unknown>; path: string };
  /** Everything open sockets and timers may take to be gone after closing, ms. Default: 1000. */
  readonly settle?: number;
}

export interface ContractServer<Handle extends object> extends AsyncDisposable {
  /** Options that work. */
  readonly good: Record<string, unknown>;
  /** What must not show in any text. */
  readonly secrets: readonly string[];
  readonly wrongPassword?: Record<string, unknown>;
  readonly unknownDatabase?: Record<string, unknown>;
  /** An address where nothing listens. */
  readonly refused: Record<string, unknown>;
  /** For `withAddress`. */
  readonly address: string;
  /** Touches the server and comes back: `select 1`. */
  touch(handle: Handle): Promise<unknown>;
  /** How many connections of ours the server has now. */
  connections?(): Promise<number>;
  /** Uses whatever getter of the handle does I/O or gives addresses; each must throw before opening. */
  readonly getters: readonly ((handle: Handle) => unknown)[];
  /** Nothing answers any more, until `thaw`. */
  freeze(): void;
  thaw(): void;
  crash(): Promise<void>;
  restart(): Promise<void>;
}

/** ms; each failure must be told well before. */
const DEADLINE = 1500;

export function bindingContract<Client, Handle extends object>(
  name: string,
  fixture: ContractFixture<Client, Handle>,
): void {
  const { binding } = fixture;
  let server: ContractServer<Handle>;

  beforeAll(async () => {
    server = await fixture.start();
  });
  afterAll(() => server?.[Symbol.asyncDispose]());

  const parse = (input: Record<string, unknown>) => binding.parse(input, 'connections.db');
  const scopeFor = (ms = 10_000) =>
    testScope(binding.kind, binding.driver?.name, {
      signal: AbortSignal.timeout(ms),
      ...(fixture.driver === undefined ? {} : { driver: async () => fixture.driver }),
    });

  async function opened(input: Record<string, unknown>, ms?: number) {
    const scope = scopeFor(ms);
    const options = parse(input);
    const client = await binding.open(options, scope);
    const driver = await scope.driver();
    const state: { open: Opened<object, Client> | undefined } = { open: { client, options, driver } };
    const handle = binding.handle(() => state.open!, scope);
    return { client, handle, options, scope, [Symbol.asyncDispose]: () => binding.close(client) };
  }

  async function failure(input: Record<string, unknown>, ms = DEADLINE): Promise<{ error: QaError; took: number }> {
    const start = performance.now();
    const error: unknown = await opened(input, ms).then(
      () => undefined,
      (reason) => reason,
    );
    return { error: error as QaError, took: performance.now() - start };
  }

  function expectTold(error: unknown): void {
    expect(isQaError(error), String(error)).toBe(true);
    const told = error as QaError;
    expect(told.connection).toBe('db');
    expect(told.message).toContain('qa.db');
    expect(told.address, 'the address').toBeTruthy();
    expect(told.message).toContain(told.address);
    expect(told.cause, "the driver's error").toBeDefined();
    expectNoSecret(told);
  }

  function expectNoSecret(error: Error): void {
    for (const secret of server.secrets) {
      expect(`${error.message}\n${error.stack}\n${JSON.stringify(error)}`).not.toContain(secret);
    }
  }

  describe(`${name}: options`, () => {
    test('an unknown key names its path and the nearest spelling', () => {
      const { wrong, right } = fixture.misspelt;
      const error = thrown(() => parse({ ...server.good, [wrong]: 1 }));
      expect(error).toMatchObject({ code: 'QA_CONFIG' });
      expect(error.message).toContain(`connections.db.${wrong}`);
      expect(error.message).toContain(`\`${right}\``);
    });

    test('a wrong type names its path and what was expected', () => {
      const error = thrown(() => parse({ ...server.good, ...fixture.wrongType.input }));
      expect(error).toMatchObject({ code: 'QA_CONFIG' });
      expect(error.message).toContain(`connections.db.${fixture.wrongType.path}`);
      expect(error.message).toMatch(/must be/);
    });

    test('a description holds no secret, and another address replaces the first', () => {
      const options = parse(server.good);
      expect(JSON.stringify(binding.describe(options))).not.toMatch(new RegExp(server.secrets.join('|') || '$^'));
      const moved = binding.withAddress(parse(server.refused), server.address, 'QA_DB_URL');
      expect(binding.describe(moved)).toEqual(binding.describe(options));
    });
  });

  describe(`${name}: opening and closing`, () => {
    test('opens, answers, tells its health, closes twice', async () => {
      const open = await opened(server.good);
      await server.touch(open.handle);
      const health = await binding.health(open.client, open.scope);
      expect(health.version).toMatch(/\d/);
      expect(health.latency).toBeGreaterThan(0);
      expect(health.identity).not.toBe('');
      const findings = (await binding.inspect?.(open.client, open.options, open.scope)) ?? [];
      expect(findings.filter(({ level }) => level === 'trouble')).toEqual([]);
      for (const { what } of findings) expect(what).toMatch(/^[A-Z].*\.$/);
      await binding.close(open.client);
      await binding.close(open.client);
      if (server.connections) await expect.poll(server.connections, { timeout: fixture.settle ?? 1000 }).toBe(0);
    });

    test('a handle may be made before opening; its getters of I/O then throw what they were told to', () => {
      const closed = new Error('not open');
      const handle = binding.handle(() => {
        throw closed;
      }, scopeFor());
      for (const get of server.getters) expect(() => get(handle)).toThrow(closed);
    });
  });

  describe(`${name}: what goes wrong`, () => {
    test('refused', async () => {
      const { error, took } = await failure(server.refused);
      expectTold(error);
      expect(error.code).toBe('QA_CONNECTION_LOST');
      expect(took).toBeLessThan(DEADLINE);
    });

    test('wrong password', async ({ skip }) => {
      if (!server.wrongPassword) skip('it has none');
      const { error } = await failure(server.wrongPassword!);
      expectTold(error);
      expect(error.code).toBe('QA_AUTH');
    });

    test('unknown database', async ({ skip }) => {
      if (!server.unknownDatabase) skip('it has none');
      const { error } = await failure(server.unknownDatabase!);
      expectTold(error);
      expect(error.code).toBe('QA_NOT_FOUND');
    });

    test('hung: opening ends with its deadline, closing does not wait', async () => {
      await using open = await opened(server.good);
      server.freeze();
      try {
        const { error, took } = await failure(server.good, 400);
        expect(error).toBeInstanceOf(Error);
        expectNoSecret(error);
        expect(took).toBeLessThan(DEADLINE);
        const start = performance.now();
        await binding.close(open.client);
        expect(performance.now() - start).toBeLessThan(1000);
      } finally {
        server.thaw();
      }
    });

    test('killed and restarted: told as a lost connection, then it works again', async () => {
      await using open = await opened(server.good);
      await server.touch(open.handle);
      await server.crash();
      const error = await server.touch(open.handle).then(
        () => undefined,
        (reason) => reason,
      );
      expectTold(error);
      expect(error.code).toBe('QA_CONNECTION_LOST');
      await server.restart();
      await expect
        .poll(
          () =>
            server.touch(open.handle).then(
              () => true,
              () => false,
            ),
          { timeout: 5000 },
        )
        .toBe(true);
    });
  });
}

function thrown(run: () => unknown): Error {
  try {
    run();
  } catch (error) {
    return error as Error;
  }
  throw new Error('nothing was thrown');
}
