/** What a config may say of services, and what it is told when it is wrong. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { fromEnv } from '../../bindings/core/reference.ts';
import type { Service } from '../../environment/config/services.ts';
import { validateConfig } from '../../environment/config/validate.ts';
import { FunctionRunner } from '../../environment/services/function.ts';
import { serviceVariable } from '../../environment/variables.ts';
import { ask, failure, fixture, secretive, TestFile } from './harness.ts';

const command = 'node server.js';

test.each<[string, unknown, RegExp]>([
  ['an unknown key', { comand: command }, /`services\.shop\.comand` is not an option\. Did you mean `command`\?/],
  ['nothing', {}, /`services\.shop\.command` is missing/],
  ['no object', 'node server.js', /`services\.shop` is a string, but must be an object/],
  ['two ways', { command, start: () => ({}) }, /has both `command` and `start`\. Keep one of them/],
  ['an empty list', { command: [] }, /`services\.shop\.command` is an empty list\. Give a program/],
  ['another scope', { command, scope: 'worke' }, /`services\.shop\.scope` .*Did you mean `worker`\?/],
  [
    'a function for the run',
    { start: () => ({}), scope: 'run' },
    /ends with the process of its test file.*Leave `scope` out/,
  ],
  [
    'a variable that is no text',
    { command, env: { PORT: 8080 } },
    /`services\.shop\.env\.PORT` is 8080, but must be a text/,
  ],
  [
    'more than its address',
    { url: 'http://shop', ready: '/health' },
    /`services\.shop\.ready` means nothing for a service that is only given by its `url`/,
  ],
  ['no time', { command, startTimeout: 0 }, /`services\.shop\.startTimeout` is 0/],
])('%s is one sentence', (_, shop, message) => {
  const validate = () => validateConfig({ connections: {}, services: { shop } }, '/p/qa.config.ts');
  expect(validate).toThrow(message);
  expect(validate).toThrow(expect.objectContaining({ code: 'QA_CONFIG' }));
});

test('names: what a variable cannot be made of, and what is a connection too', () => {
  const validate = (services: object) => () => validateConfig({ connections: {}, services }, '/p/qa.config.ts');
  expect(validate({ 'my shop': { command } })).toThrow(/is no name of letters, digits/);
  expect(validate({ orderApi: { command }, 'order-api': { command } })).toThrow(
    /`services\.order-api` is called like the service `orderApi`: QA_ORDER_API_URL would be the address of both/,
  );
  expect(serviceVariable('order-api')).toBe('QA_ORDER_API_URL');
});

test('a stand names services that are there already', () => {
  const validate = (services: object) => () =>
    validateConfig(
      { connections: {}, services: { shop: { command } }, stands: { stage: { connections: {}, services } } },
      '/p',
    );
  expect(validate({ shop: { url: 'http://shop.stage' } })).not.toThrow();
  expect(validate({ shp: { url: 'http://shop.stage' } })).toThrow(/replaces no service\. Did you mean `shop`\?/);
  expect(validate({ shop: { command } })).toThrow(/`stands\.stage\.services\.shop\.command` is not an option/);
});

describe('what `env` gives', () => {
  const open = (more: Record<string, unknown>) =>
    failure(new TestFile({ services: { shop: fixture('well', more) } }).open());

  test.each<[string, unknown, RegExp]>([
    ['a number', () => ({ PORT: 8080 }), /`services\.shop\.env` gave a number for `PORT`.*Write `PORT: String\(…\)`/],
    ['nothing', () => undefined, /`services\.shop\.env` gave undefined, where an object/],
    [
      'an error',
      () => {
        throw new Error('no address');
      },
      /The function `services\.shop\.env` failed: no address\. Mend/,
    ],
    ['its own address', (qa: TestFile['qa']) => ({ PORT: qa.service('shop').url }), /in a circle: shop → shop/],
    [
      'no port, and a path that is asked',
      () => ({}),
      /`services\.shop\.ready` is a path, but the service has no address/,
    ],
  ])('%s', async (_, env, message) => expect((await open({ env })).message).toMatch(message));

  test('a folder that is not there', async () => {
    expect((await open({ cwd: './nowhere' })).message).toMatch(
      /`services\.shop\.cwd` is no folder: .*nowhere\. Correct it; relative/,
    );
  });

  test('variables of the tests go on to it, but for those of the runner; undefined takes one away', async () => {
    process.env.QA_TEST_OWN = 'mine';
    process.env.QA_TEST_GONE = 'mine too';
    const env = (qa: TestFile['qa']) => ({ PORT: String(qa.port()), QA_TEST_GONE: undefined });
    await using file = await new TestFile({ services: { heir: fixture('well', { env }) } }).open();
    const { url } = file.qa.service('heir');
    const seen = Object.fromEntries(
      await Promise.all(
        ['QA_TEST_OWN', 'QA_TEST_GONE', 'QA_RUN_ID', 'VITEST', 'PATH'].map(async (name) => [
          name,
          await ask(url, '/env', name),
        ]),
      ),
    );
    expect(seen).toEqual({ QA_TEST_OWN: 'mine', QA_TEST_GONE: '', QA_RUN_ID: '', VITEST: '', PATH: process.env.PATH });
  });
});

test('one that reads the address of another is started after it', async () => {
  const services = {
    front: fixture('well', {
      env: (qa: TestFile['qa']) => ({ BACK: qa.service('back').url, PORT: String(qa.port()) }),
    }),
    back: fixture(),
  };
  await using file = await new TestFile({ services, names: ['front'] }).open();
  const { front, back } = { front: file.qa.service('front'), back: file.qa.service('back') };
  expect(await ask(front.url, '/env', 'BACK')).toBe(back.url);
  expect(await ask(back.url, '/health')).toBe('ok');
});

test('a circle is told, also where each waits for the other', async () => {
  const reads = (name: string, other: string) =>
    fixture('well', {
      env: async (qa: TestFile['qa']) => {
        await Promise.resolve();
        return { OTHER: qa.service(other).url, NAME: name };
      },
    });
  const services = { hen: reads('hen', 'egg'), egg: reads('egg', 'hen') };
  const error = await failure(new TestFile({ services }).open());
  expect(error.code).toBe('QA_CONFIG');
  expect(error.message).toMatch(/^Services need each other in a circle: (hen → egg → hen|egg → hen → egg)\. Break/);
});

test('what the `@qa` line leaves out is not started', async () => {
  const services = { wanted: fixture(), unwanted: fixture('crashes') };
  await using file = await new TestFile({ services, names: ['wanted'] }).open();
  expect(() => file.qa.service('unwanted').url).toThrow(
    /this file's docblock does not name it\. Add `unwanted` to its `@qa` line/,
  );
  const error = await failure(new TestFile({ services, names: ['wantd'] }).open());
  expect(error.message).toMatch(
    /names `wantd`, but the config has no such connection or service\. Did you mean `wanted`\?/,
  );
});

describe('one that runs elsewhere', () => {
  afterEach(() => {
    delete process.env.QA_FAR_URL;
  });

  test.each<[string, Service, Record<string, string>]>([
    ['by its url', { url: 'http://user:pass@far.test/' }, {}],
    ['by a variable of its own', { url: fromEnv('FAR') }, { FAR: 'http://user:pass@far.test' }],
    ['by QA_FAR_URL, in place of a command', fixture('crashes'), { QA_FAR_URL: 'http://user:pass@far.test' }],
  ])('%s', async (_, far, env) => {
    Object.assign(process.env, env);
    await using file = await new TestFile({ services: { far } }).open();
    const service = file.qa.service('far');
    expect(service.url).toBe('http://user:pass@far.test');
    const refusal =
      /The service `far` cannot be \w+: it runs at http:\/\/user@far\.test, as .* says?, and was not started by this run\. Leave/;
    await expect(service.restart()).rejects.toThrow(refusal);
    await expect(service.kill()).rejects.toThrow(refusal);
    await expect(service.logs()).rejects.toThrow(refusal);
  });
});

describe('one that a function starts', () => {
  const start = async () => {
    const server = createServer((_, response) => response.end('ok')).listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const { port } = server.address() as AddressInfo;
    log.push('start');
    return {
      url: `http://127.0.0.1:${port}`,
      stop: () => {
        log.push('stop');
        server.closeAllConnections();
        server.close();
      },
    };
  };
  let log: string[] = [];
  afterEach(() => {
    log = [];
  });

  test('that does not stop holds nobody up, and its failure shows no secret', async () => {
    const never = new FunctionRunner('stuck', { start: () => ({ stop: () => new Promise(() => undefined) }) }, {}, 50);
    await never.start();
    const late = await failure(never.leave());
    expect(late.code).toBe('QA_TIMEOUT');
    expect(late.message).toBe(
      'The function `stop` of the service `stuck` has not returned after 50 ms. See what it waits for: open connections keep a server from closing.',
    );
    const connections = { vault: secretive('s3cretpassword') };
    const failing = (what: string) => ({
      start: () => ({
        stop: () => {
          throw new Error(`${what} with s3cretpassword`);
        },
      }),
    });
    const one = await new TestFile({ connections, services: { one: failing('one') } }).open();
    expect((await failure(one.close())).message).toBe('one with ‹redacted›');
    const two = await new TestFile({ connections, services: { one: failing('one'), two: failing('two') } }).open();
    expect((await failure(two.close())).message).toMatch(
      /^2 services could not be stopped:\n {2}- one with ‹redacted›\n {2}- two with ‹redacted›\n/,
    );
  });

  test('lives as long as the file', async () => {
    const file = await new TestFile({ services: { inside: { start } } }).open();
    expect(await ask(file.qa.service('inside').url, '/')).toBe('ok');
    await file.qa.service('inside').restart();
    expect(await ask(file.qa.service('inside').url, '/')).toBe('ok');
    await expect(file.qa.service('inside').logs()).rejects.toThrow(
      /runs in the process of the tests.*Give `services\.inside` a `command`/,
    );
    await file.close();
    expect(log).toEqual(['start', 'stop', 'start', 'stop']);
  });

  test.each<[string, Service, RegExp]>([
    [
      'that throws',
      { start: () => Promise.reject(new Error('no licence')) },
      /`services\.inside\.start` failed: no licence\. Mend what it throws/,
    ],
    ['that returns nothing', { start: (() => undefined) as never }, /returned no object\. Return `\{ url, stop \}`/],
    [
      'that never returns',
      { start: () => new Promise(() => undefined), startTimeout: 50 },
      /was not started after 50 ms: its function `start` has not returned/,
    ],
  ])('%s', async (_, inside, message) => {
    const error = await failure(new TestFile({ services: { inside } }).open());
    expect(error.code).toBe('QA_SERVICE_START');
    expect(error.message).toMatch(message);
  });
});
