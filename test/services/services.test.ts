/** Services under test: started, looked after, and told of when they fail. Each is a real process. */
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import type { Qa } from '../../environment/config/define.ts';
import { isAlive } from '../servers/processes.ts';
import { ask, failure, fixture, fixtures, secretive, TestFile, until } from './harness.ts';

test('it runs at a port of its own, prints what is shown, and can be asked', async () => {
  await using file = await new TestFile({ services: { shop: fixture() } }).open();
  const block = await file.test(async (qa) => {
    const shop = qa.service('shop');
    expect(shop.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    expect(await ask(shop.url, '/health')).toBe('ok');
    await ask(shop.url, '/say', 'an order came');
    await ask(shop.url, '/complain', 'and was refused');
    expect(await shop.logs()).toBe('an order came\nand was refused');
    expect(await shop.logs({ since: 'start' })).toMatch(/^listening on \d+\nan order/);
  });
  expect(block).toBe('output of shop:\n  an order came\n  and was refused');
  // What an earlier test caused is not this one's.
  expect(await file.test(() => undefined)).toBe('');
});

describe('one that does not start is one error, which tells why', () => {
  test('never ready: what its last answer was, and what it printed', async () => {
    const services = { slow: fixture('never', { startTimeout: 1500 }) };
    const error = await failure(new TestFile({ services }).open());
    expect(error.code).toBe('QA_SERVICE_START');
    expect(error.message).toMatch(
      /^The service `slow` was not ready after 1500 ms: http:\/\/127\.0\.0\.1:\d+\/health: nothing listened there\. Its last lines:\n {4}I think about it\nMend what its lines say, correct `services\.slow\.ready`, or give it more time: `startTimeout: 3000`$/,
    );
    // Another worker has the same error, of the same attempt: its port tells it.
    const again = await failure(new TestFile({ services, worker: '2', workers: 2 }).open());
    expect(again.message).toBe(error.message);
  });

  test('it crashes at once', async () => {
    const error = await failure(new TestFile({ services: { crashing: fixture('crashes') } }).open());
    expect(error.message).toMatch(
      /^The service `crashing` ended with exit code 7 before it was ready\. Its last lines:\n {4}no database at .*\nMend what its lines say; to see it by hand, run `.*node service\.mjs crashes` in /,
    );
  });

  test.each([
    ['a line', 'no-such-program --port 1', 'there is no such command'],
    ['a list', ['./no-such-program'], 'there is no such command'],
    ['what is no program', ['./service.mjs'], 'the command may not be run'],
  ])('a command that is not there, as %s', async (name, command, why) => {
    const services = { [`lost-${name.replaceAll(' ', '-')}`]: fixture('', { command }) };
    const error = await failure(new TestFile({ services }).open());
    expect(error.message).toContain(`before it was ready: ${why}. Its last lines:\n`);
    expect(error.message).toMatch(/Correct `services\.lost-[\w-]+\.command`, or install what it names: `.*` in \S+\.$/);
  });

  test('a function that judges: what it throws for good, and what it threw last', async () => {
    const wrong = () => (undefined as unknown as { x: { y: 1 } }).x.y;
    const services = { judged: fixture('well', { ready: wrong }) };
    const error = await failure(new TestFile({ services }).open());
    expect(error.message).toMatch(/its function `ready` failed: TypeError: Cannot read properties of undefined/);
    const later = {
      impatient: fixture('well', {
        startTimeout: 300,
        ready: () => {
          throw new Error('no topic yet');
        },
      }),
    };
    expect((await failure(new TestFile({ services: later }).open())).message).toContain('after 300 ms: no topic yet');
  });
});

test('what it prints shows no secret, wherever it is shown', async () => {
  const connections = { vault: secretive('s3cretpassword') };
  const error = await failure(new TestFile({ connections, services: { leaky: fixture('crashes') } }).open());
  expect(error.message).toContain('no database at postgres://shop:‹redacted›@127.0.0.1/shop');
  await using file = await new TestFile({ connections, services: { open: fixture() } }).open();
  const block = await file.test(async (qa) => {
    await ask(qa.service('open').url, '/say', `${'-'.repeat(290)}s3cretpassword`);
    expect(await qa.service('open').logs()).toBe(`${'-'.repeat(290)}‹redacted›`);
  });
  expect(block).toBe(`output of open:\n  ${'-'.repeat(290)}‹redacted›…`);
});

test.each([
  ['a line with a text', 'listening on'],
  ['a line that a pattern matches', /^listening on \d+$/g],
  ['its port', undefined],
  ['a function', async (qa: Qa) => ++calls > 2 && (await ask(qa.service('by-a-function').url, '/health')) === 'ok'],
])('ready by %s', async (name, ready) => {
  calls = 0;
  const services = { [`by-${name.replace(/\W+/g, '-')}`]: fixture('well', { ready }) };
  await using file = await new TestFile({ services }).open();
  expect(await ask(file.qa.service(Object.keys(services)[0]!).url, '/health')).toBe('ok');
});
let calls = 0;

describe('one that ends in mid-test', () => {
  // Its port is closed a moment before the keeper hears of its end.
  test('by itself: the failure tells how and when; the next test finds it up, at the same address', {
    retry: 2,
  }, async () => {
    await using file = await new TestFile({ services: { frail: fixture() } }).open();
    const { url } = file.qa.service('frail');
    const block = await file.test(async (qa) => {
      await ask(url, '/say', 'working on it');
      await ask(url, '/crash', '5');
      await until(() =>
        ask(url, '/health').then(
          () => false,
          () => true,
        ),
      );
      await expect(qa.service('frail').kill()).rejects.toThrow(/There is nothing to send SIGTERM to: .*exit code 5/);
    });
    expect(block).toMatch(
      /^output of frail:\n {2}working on it\n {2}── frail ended with exit code 5 \d+(\.\d)? m?s after the test began$/,
    );
    const next = await file.test(async () => expect(await ask(url, '/health')).toBe('ok'));
    expect(next).toMatch(/^output of frail:\n {2}listening on \d+$/);
  });

  test('killed or restarted by the test', async () => {
    await using file = await new TestFile({ services: { killed: fixture() } }).open();
    const { url } = file.qa.service('killed');
    const pid = await ask(url, '/pid');
    const block = await file.test(async (qa) => {
      expect(await qa.service('killed').kill('SIGKILL')).toEqual({ code: null, signal: 'SIGKILL' });
      await expect(ask(url, '/health')).rejects.toThrow();
      await qa.service('killed').restart();
      expect(await ask(url, '/pid')).not.toBe(pid);
    });
    expect(block).toMatch(/── killed was ended by SIGKILL .* after the test began, as the test wanted$/);
    await file.test(async (qa) => {
      expect(await qa.service('killed').kill('SIGSTOP')).toBeUndefined();
      await qa.service('killed').restart();
      expect(await ask(url, '/health')).toBe('ok');
    });
  });

  test('what cannot be: no such signal, no such service, before it is there', async () => {
    const file = new TestFile({ services: { early: fixture() } });
    expect(() => file.qa.service('erly' as never)).toThrow(/has no such service\. Did you mean `early`\?/);
    expect(() => file.qa.service('early').url).toThrow(/`qa\.service\('early'\)` was used before the service was/);
    await file.open();
    await expect(file.qa.service('early').kill('SIGKIL' as never)).rejects.toThrow(/Did you mean `SIGKILL`\?/);
    await file.close();
  });
});

test('its children end with it, and theirs', async () => {
  await using file = await new TestFile({ services: { parent: fixture('forks') } }).open();
  const family = async () => {
    const lines = await file.qa.service('parent').logs({ since: 'start' });
    return [...lines.matchAll(/child (\d+) (\d+)/g)].flatMap(([, child, grandchild]) => [
      Number(child),
      Number(grandchild),
    ]);
  };
  await file.test(async (qa) => {
    await until(async () => (await family()).length === 2);
    const pids = await family();
    expect(pids.map(isAlive)).toEqual([true, true]);
    await ask(qa.service('parent').url, '/crash');
    await until(() => !pids.some(isAlive));
  });
});

test('one that is deaf to SIGTERM is killed in the end', async () => {
  const file = await new TestFile({ services: { deaf: fixture('deaf', { scope: 'file' }) } }).open();
  const pid = Number(await ask(file.qa.service('deaf').url, '/pid'));
  const said = file.test((qa) => qa.service('deaf').kill(), 700);
  await expect(said).rejects.toThrow(/`deaf` got SIGTERM, and has not ended when the time of this test was up/);
  expect(isAlive(pid)).toBe(true);
  await file.close();
  expect(isAlive(pid)).toBe(false);
}, 20_000);

describe('ports', () => {
  test('none is given twice', () => {
    const { qa } = new TestFile({});
    const ports = Array.from({ length: 200 }, () => qa.port());
    expect(new Set(ports).size).toBe(200);
  });

  test.each([
    ['a line', 'listening'],
    ['its port, which answers', undefined],
    ['its health, which is asked of the stranger', '/health'],
  ])('one that somebody else took meanwhile is replaced: ready by %s', async (how, ready) => {
    const name = `robbed-${how.split(/\W/)[1]}`;
    const thieves: Server[] = [];
    const services = {
      [name]: fixture('well', {
        env: (async (qa: { port(): number }) => {
          const port = qa.port();
          if (thieves.length < 2) {
            const thief = createHttpServer((_, response) => response.end('ok'));
            thieves.push(thief);
            await new Promise<void>((resolve) => thief.listen(port, '127.0.0.1', resolve));
          }
          return { PORT: String(port) };
        }) as never,
        ready,
      }),
    };
    await using file = await new TestFile({ services }).open();
    expect(await ask(file.qa.service(name).url, '/pid')).toMatch(/^\d+$/);
    expect(thieves).toHaveLength(2);
    for (const thief of thieves) thief.close();
  });

  test('one that the config names, where somebody else listens already, is refused', async () => {
    const stranger = createServer().listen(0, '127.0.0.1');
    await once(stranger, 'listening');
    const { port } = stranger.address() as AddressInfo;
    const services = { fixed: fixture('well', { env: { PORT: String(port) } }) };
    const error = await failure(new TestFile({ services }).open());
    expect(error.message).toMatch(
      new RegExp(`^The service \`fixed\` was not started: another process listens on port ${port} already\\. End that`),
    );
    stranger.close();
    await using file = await new TestFile({ services }).open();
    expect(await ask(file.qa.service('fixed').url, '/health')).toBe('ok');
  });

  test('one that is held for a while when a function judges: it is tried again, at the same address', async () => {
    const services = {
      held: fixture('well', {
        ready: async (qa: Qa) => (await ask(qa.service('held').url, '/pid')) !== '',
      }),
    };
    await using file = await new TestFile({ services }).open();
    const held = file.qa.service('held');
    const { url } = held;
    await file.test(async () => {
      await held.kill('SIGKILL');
      const holder = createServer((socket) => socket.destroy()).listen(Number(new URL(url).port), '127.0.0.1');
      await once(holder, 'listening');
      const restarted = held.restart();
      await until(async () => (await held.logs()).includes('EADDRINUSE'));
      holder.close();
      await restarted;
      expect(held.url).toBe(url);
      expect(await ask(url, '/pid')).toMatch(/^\d+$/);
    });
  });
});

describe('services that are not of Node', () => {
  const has = (program: string) => spawnSync(program, ['-version']).status !== null;

  test.skipIf(!has('python3'))('Python, in a shell that fills its variables in', async () => {
    const command = 'cd . && python3 -u -m http.server "$PORT" --bind 127.0.0.1';
    await using file = await new TestFile({ services: { python: fixture('', { command, ready: undefined }) } }).open();
    await file.test(async (qa) => {
      const { url } = qa.service('python');
      expect((await fetch(`${url}/service.mjs`)).status).toBe(200);
      await until(async () => (await qa.service('python').logs()).includes('GET /service.mjs'));
      expect(await qa.service('python').kill('SIGINT')).toEqual({ code: 0, signal: null });
    });
  });

  test.skipIf(!has('java'))('Java: its orderly end is waited for', async () => {
    const java = fixture('', { command: 'java -XX:TieredStopAtLevel=1 Server.java', ready: /^Started .* in / });
    await using file = await new TestFile({ services: { java } }).open();
    const block = await file.test(async (qa) => {
      expect((await fetch(`${qa.service('java').url}/orders`)).status).toBe(200);
      expect(await qa.service('java').kill('SIGTERM')).toEqual({ code: null, signal: 'SIGTERM' });
    });
    expect(block).toMatch(/^output of java:\n {2}asked for \/orders\n {2}── java was ended by SIGTERM/);
  });
});

describe('while the runner watches', () => {
  const folder = mkdtempSync(join(tmpdir(), 'qa-test-watch-'));
  mkdirSync(join(folder, 'src'));
  writeFileSync(join(folder, 'src', 'lib.mjs'), '');
  copyFileSync(join(fixtures, 'service.mjs'), join(folder, 'src', 'server.mjs'));
  afterAll(() => rmSync(folder, { recursive: true }));
  const open = (isWatching: boolean) => {
    const services = { watched: fixture('', { command: 'node src/server.mjs', cwd: folder }) };
    return new TestFile({ services, isWatching }).open();
  };
  const pid = async (isWatching = true) => {
    await using file = await open(isWatching);
    return ask(file.qa.service('watched').url, '/pid');
  };

  test('it is started anew for the next file when something beside its program is newer', async () => {
    const first = await pid();
    expect(await pid()).toBe(first);
    const later = new Date(Date.now() + 1000);
    utimesSync(join(folder, 'src', 'lib.mjs'), later, later);
    expect(await pid(false)).toBe(first);
    expect(await pid()).not.toBe(first);
  });

  test('one that could not start is tried again as soon as it is mended', async () => {
    const path = join(folder, 'src', 'server.mjs');
    const good = readFileSync(path, 'utf8');
    const past = new Date(Date.now() - 10_000);
    writeFileSync(path, 'process.exit(1)');
    utimesSync(path, past, past);
    utimesSync(join(folder, 'src', 'lib.mjs'), past, past);
    await using file = await new TestFile({
      services: { mended: fixture('', { command: 'node src/server.mjs', cwd: folder }) },
      isWatching: true,
    });
    const error = await failure(file.open());
    writeFileSync(path, good);
    const again = new TestFile({
      services: { mended: fixture('', { command: 'node src/server.mjs', cwd: folder }) },
      isWatching: true,
    });
    expect(error.message).toContain('ended with exit code 1');
    expect(await ask((await again.open()).qa.service('mended').url, '/health')).toBe('ok');
    await again.close();
  });
});
