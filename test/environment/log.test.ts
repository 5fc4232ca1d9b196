/** The log of one file: whose lines are whose, what is shown below a failure, and where they are written. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { spawn } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Redactor } from '../../bindings/core/redact.ts';
import { type Active, Journal, logOf, type Owner } from '../../environment/log/journal.ts';
import type { LogOptions } from '../../environment/log/outlets.ts';
import { root } from '../support/consumer.ts';

const SECRET = 'canary-s3cr3t-value';
const storage = new AsyncLocalStorage<Active>();
const redactor = new Redactor();
redactor.add(SECRET);
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'qa-log-'));
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});

function makeJournal(log?: LogOptions): Journal {
  return new Journal({
    base: { run: 'r1', worker: '2', file: 'shop.test.ts' },
    baseDir: folder,
    log,
    redact: (text) => redactor.redact(text),
    current: () => storage.getStore(),
  });
}

const owner = (parent?: Owner): Owner => ({ parent });
const active = (state: Owner, changes: Partial<Active> = {}): Active => ({
  kind: 'test',
  name: 'pays',
  isSettled: false,
  state,
  ...changes,
});
const operation = (name: string, attributes: Record<string, unknown> = {}) => ({
  connection: 'db',
  kind: 'postgres',
  operation: name,
  attributes,
});
const plain = (text: string | undefined) =>
  text?.replace(/[+-]\d+\.\d{3} s/g, '+0 s').replace(/\d+(\.\d+)? (ms|s)\b(?! {2}(debug|info|warn|error))/g, '‹time›');
const written = () =>
  readFileSync(join(folder, 'qa.ndjson'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));

describe('below a failure', () => {
  test('lines of the test and of its connections, in the order of their beginning', async () => {
    const journal = makeJournal();
    const mine = owner();
    journal.begin(mine, 'pays');
    await storage.run(active(mine), async () => {
      journal.logger.info({ orderId: 'o-1' }, 'paying');
      await journal.operation(operation('query', { sql: 'select *\n  from orders', rows: undefined }), async (seen) => {
        seen.rows = 3;
      });
      await journal.operation(operation('seed'), () => Promise.reject(new TypeError('no such table'))).catch(() => {});
      void journal.operation(operation('lock'), () => new Promise(() => {}));
      logOf('db', () => journal).warn({ host: 'a' }, 'does not answer');
    });
    const { title, text } = journal.about(mine)!;
    expect(title).toBe('qa.log');
    expect(plain(text)!.split('\n')).toEqual([
      "+0 s  info          paying  { orderId: 'o-1' }",
      "+0 s  debug  qa.db  query in ‹time›  { sql: 'select * from orders', rows: 3 }",
      '+0 s  debug  qa.db  seed failed in ‹time›  TypeError: no such table',
      '+0 s  debug  qa.db  lock, under way for ‹time›',
      "+0 s  warn   qa.db  does not answer  { host: 'a' }",
    ]);
  });

  test('the last 50, and how many there were', () => {
    const journal = makeJournal();
    const mine = owner();
    journal.begin(mine, 'pays');
    storage.run(active(mine), () => {
      for (let i = 1; i <= 73; i += 1) journal.logger.debug(`line ${i}`);
    });
    const { title, text } = journal.about(mine)!;
    expect(title).toBe('qa.log, the last 50 of 73 lines');
    expect(text.split('\n')).toHaveLength(50);
    expect(text).toMatch(/line 24\n[\s\S]*line 73$/);
  });

  test('of concurrent tests, retries, describes and nobody: each where it belongs', () => {
    const journal = makeJournal();
    const describe_ = owner();
    storage.run(active(describe_, { kind: 'hook', name: 'beforeAll of shop' }), () => journal.logger.info('set up'));
    logOf('db', () => journal).info('before any test');
    const [a, b] = [owner(describe_), owner(describe_)];
    journal.begin(a, 'a');
    journal.begin(b, 'b');
    storage.run(active(a), () => journal.logger.info('of a'));
    storage.run(active(b), () => journal.logger.info('of b'));
    storage.run(active(a, { isSettled: true }), () => {
      journal.logger.info('left behind by a');
      logOf('db', () => journal).warn('a socket that a had opened');
    });
    const messages = (of: Owner) =>
      journal
        .about(of)
        ?.text.split('\n')
        .map((line) => line.slice(16).trim());
    expect(messages(a)).toEqual(
      ['set up', 'of a', 'left behind by a', 'qa.db  a socket that a had opened'].map((text) =>
        expect.stringContaining(text),
      ),
    );
    expect(messages(b)).toEqual(
      ['set up', 'of b', 'qa.db  a socket that a had opened'].map((text) => expect.stringContaining(text)),
    );
    const again = owner(describe_);
    journal.begin(again, 'a');
    expect(messages(again)).toHaveLength(1);
    expect(journal.about(owner())).toBeUndefined();
  });

  test('what happens inside of a wait is a part of it', async () => {
    const journal = makeJournal();
    const mine = owner();
    journal.begin(mine, 'pays');
    const wait = operation('toHaveRowMatching', { call: "expect(qa.db.table('orders')).toHaveRowMatching({ id: 1 })" });
    await storage.run(active(mine), () =>
      journal.operation(
        wait,
        async (seen) => {
          for (let i = 0; i < 9; i += 1) await journal.operation(operation('query'), async () => undefined);
          Object.assign(seen, { ok: false, looks: 9 });
        },
        { isWhole: true },
      ),
    );
    expect(plain(journal.about(mine)!.text)).toBe(
      "+0 s  debug  qa.db  expect(qa.db.table('orders')).toHaveRowMatching({ id: 1 }) failed in ‹time›, 9 times",
    );
  });

  test('secrets are hidden before anything is cut, in objects and errors too', () => {
    const journal = makeJournal();
    const mine = owner();
    journal.begin(mine, 'pays');
    storage.run(active(mine), () => {
      journal.logger.info({ config: { password: SECRET }, list: [SECRET] }, `with ${SECRET}`);
      journal.logger.error(new Error(`refused ${SECRET}`));
      journal.logger.info(`${'x'.repeat(290)} ${SECRET}`);
      logOf('db', () => journal).info({ sql: `${'x'.repeat(270)} ${SECRET}` }, 'query');
    });
    const { text } = journal.about(mine)!;
    expect(text).not.toContain(SECRET.slice(0, 6));
    expect(text.match(/‹redacted›/g)!.length).toBeGreaterThanOrEqual(4);
  });

  test('a line of a megabyte is kept short', () => {
    const journal = makeJournal();
    const mine = owner();
    journal.begin(mine, 'pays');
    storage.run(active(mine), () => journal.logger.info({ body: 'x'.repeat(2 ** 20) }, 'got'));
    expect(journal.about(mine)!.text).toMatch(/info {2}got \(10\d{5} characters\)$/);
  });
});

describe('the file', () => {
  test('every line as pino writes it, with run, worker, file, test, hook and connection', async () => {
    const journal = makeJournal({ file: 'qa.ndjson' });
    const mine = owner();
    journal.begin(mine, 'pays');
    journal.logger.info('outside');
    await storage.run(active(mine, { kind: 'hook', name: 'beforeEach of the file' }), async () => {
      journal.logger.child({ order: 1 }).error(new Error('no'), 'failed');
      await journal.operation(operation('query', { sql: 'select 1', rows: 1n }), async () => undefined);
    });
    const base = { run: 'r1', worker: '2', file: 'shop.test.ts', time: expect.any(Number) };
    expect(written()).toEqual([
      { level: 30, ...base, msg: 'outside' },
      {
        level: 50,
        ...base,
        order: 1,
        test: 'pays',
        hook: 'beforeEach of the file',
        err: expect.objectContaining({ type: 'Error', message: 'no', stack: expect.any(String) }),
        msg: 'failed',
      },
      {
        level: 20,
        ...base,
        connection: 'db',
        test: 'pays',
        hook: 'beforeEach of the file',
        operation: 'query',
        took: expect.any(Number),
        sql: 'select 1',
        rows: 1,
        msg: 'query',
      },
    ]);
  });

  test('with a level', () => {
    const journal = makeJournal({ file: 'qa.ndjson', level: 'warn' });
    journal.logger.info('no');
    journal.logger.warn('yes');
    expect(written()).toEqual([expect.objectContaining({ msg: 'yes' })]);
  });

  test('secrets are hidden, and each line stays JSON', () => {
    redactor.add('12345678');
    const journal = makeJournal({ file: 'qa.ndjson' });
    journal.logger.info({ password: SECRET, url: encodeURIComponent(SECRET) }, 'open');
    journal.logger.info({ pin: 12345678 }, 'number');
    expect(JSON.stringify(written())).not.toMatch(new RegExp(`${SECRET}|12345678`));
    expect(written()).toHaveLength(2);
  });

  test('many processes append whole lines, and none is lost where one is killed', async () => {
    const program = `import { Journal } from ${JSON.stringify(join(root, 'environment/log/journal.ts'))};
      const journal = new Journal({ base: { run: 'r', worker: process.argv[1], file: 'f' }, baseDir: ${JSON.stringify(folder)}, log: { file: 'qa.ndjson' }, redact: (text) => text, current: () => undefined });
      for (let i = 0; i < 400; i += 1) journal.logger.info({ i, filler: 'x'.repeat(i * 20) }, 'line');
      process.kill(process.pid, 'SIGKILL');`;
    await Promise.all(
      ['1', '2', '3'].map(
        (worker) =>
          new Promise<void>((resolve, reject) => {
            const child = spawn(process.execPath, ['--input-type=module', '-e', program, worker], { stdio: 'inherit' });
            child.on('error', reject);
            child.on('exit', (_, signal) =>
              signal === 'SIGKILL' ? resolve() : reject(new Error(`ended by ${signal}`)),
            );
          }),
      ),
    );
    const lines = written();
    for (const worker of ['1', '2', '3'])
      expect(lines.filter((line) => line.worker === worker).map(({ i }) => i)).toEqual(
        Array.from({ length: 400 }, (_, i) => i),
      );
  });

  test('that cannot be written is an error which says why', () => {
    expect(() => makeJournal({ file: 'logs/qa.ndjson' })).toThrow(
      /The log `logs\/qa\.ndjson` \(.*\) cannot be written: its folder does not exist\. Make the folder .* or correct `log\.file`/,
    );
    mkdirSync(join(folder, 'dir'));
    expect(() => makeJournal({ file: 'dir' })).toThrow('it is a folder');
    writeFileSync(join(folder, 'file'), '');
    expect(() => makeJournal({ file: 'file/qa.ndjson' })).toThrow('is no folder');
  });

  test.skipIf(process.getuid?.() === 0)('that this user may not write', () => {
    chmodSync(folder, 0o500);
    expect(() => makeJournal({ file: 'qa.ndjson' })).toThrow('may not write there');
  });
});

describe('QA_LOG', () => {
  test('a level that there is not is an error which names the nearest', () => {
    vi.stubEnv('QA_LOG', 'debgu');
    expect(() => makeJournal()).toThrow(/QA_LOG is 'debgu'.*Did you mean `debug`\?.*QA_LOG=debug/);
    vi.stubEnv('QA_LOG', 'everything');
    expect(() => makeJournal()).toThrow('Known: `trace`, `debug`, `info`, `warn`, `error`, `fatal`, `silent`.');
  });

  test('silent: nothing is kept', () => {
    vi.stubEnv('QA_LOG', 'silent');
    const journal = makeJournal();
    const mine = owner();
    journal.begin(mine, 'pays');
    storage.run(active(mine), () => journal.logger.fatal('help'));
    expect(journal.about(mine)).toBeUndefined();
  });
});

test('fake timers do not change the time of a line', () => {
  const journal = makeJournal({ file: 'qa.ndjson' });
  const before = Date.now();
  vi.useFakeTimers({ now: 0 });
  try {
    journal.logger.info('now');
  } finally {
    vi.useRealTimers();
  }
  expect(Math.abs(written()[0].time - before)).toBeLessThan(60_000);
});
