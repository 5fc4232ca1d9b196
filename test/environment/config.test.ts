import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { defineBinding } from '../../bindings/core/binding.ts';
import { connection } from '../../bindings/core/connection.ts';
import { fromEnv, resolveReferences } from '../../bindings/core/reference.ts';
import { findConfig, loadConfig } from '../../environment/config/load.ts';
import { validateConfig } from '../../environment/config/validate.ts';
import { addressVariable } from '../../environment/variables.ts';
import { root } from '../support/consumer.ts';

/** The smallest store there can be: what is judged here never opens it. */
const binding = (kind: string) =>
  defineBinding({
    kind,
    parse: (input) => input,
    withAddress: (options) => options,
    describe: () => ({ address: kind }),
    open: async () => kind,
    health: async () => ({ version: '1', latency: 0, identity: kind }),
    close: async () => {},
    handle: () => ({}),
  });
const db = connection(binding('store') as never, {});
const other = connection(binding('queue') as never, {});

describe('validation', () => {
  const check = (config: unknown) => () => validateConfig(config, '/p/qa.config.ts');

  test.each([
    [{ conections: {} }, /\/p\/qa\.config\.ts: `conections` is not known\. Did you mean `connections`\?/],
    [{}, /`connections` is missing, expected an object of connections/],
    [
      { connections: { db: { url: 'x' } } },
      /`connections\.db` is an object, expected a connection such as `postgres\(/,
    ],
    [{ connections: { state: db } }, /`connections\.state` cannot have this name: `qa\.state` is used by qa itself/],
    [{ connections: { 'my-db': db } }, /`connections\.my-db` is no name that can be written as `qa\.<name>`/],
    [{ connections: {}, within: '5s' }, /`within` is the text '5s', expected a number of milliseconds/],
    [{ connections: {}, tags: ['a', 1] }, /`tags` is a list, expected a list of names/],
    [{ connections: {}, afterReset: true }, /`afterReset` is `true`, expected a function/],
    [undefined, /the default export is missing/],
    [Promise.resolve({}), /the default export is a promise/],
    [
      { connections: { db }, stands: { stage: { conections: {} } } },
      /`stands\.stage\.conections` is not known\. Did you mean `connections`\?/,
    ],
    [
      { connections: { db }, stands: { stage: { connections: { bd: db } } } },
      /`stands\.stage\.connections\.bd` replaces no connection\. Did you mean `db`\?/,
    ],
    [
      { connections: { db }, stands: { stage: { connections: { db: other } } } },
      /is of kind `queue`, but the connection it replaces is `store`/,
    ],
  ])('%j is told with file, path and mend', (config, message) => {
    expect(check(config)).toThrow(message);
    expect(check(config)).toThrow(expect.objectContaining({ code: 'QA_CONFIG' }));
  });

  test('a right config passes', () => {
    expect(
      check({ connections: { db }, stands: { stage: { connections: { db } } }, tags: ['a'], soft: false, within: 1 }),
    ).not.toThrow();
  });
});

describe('loading', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'qa-config-'));
    symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));
  const write = (name: string, text: string) => writeFileSync(join(folder, name), text);
  const body = 'export default { connections: {} as object, within: 7 };';

  test('TypeScript with types, parameter properties and imports without extensions', async () => {
    write('help.ts', 'export class Within { constructor(public readonly ms: number) {} }');
    write(
      'qa.config.ts',
      "import { Within } from './help'; export default { connections: {} as object, within: new Within(7).ms };",
    );
    expect(await loadConfig(folder)).toMatchObject({ within: 7, baseDir: folder, stand: undefined });
  });

  test.each([
    ['qa.config.mts', body],
    ['qa.config.mjs', 'export default { connections: {}, within: 7 };'],
    ['qa.config.js', 'export default { connections: {}, within: 7 };'],
    ['qa.config.cjs', 'module.exports = { connections: {}, within: 7 };'],
  ])('%s', async (name, text) => {
    write(name, text);
    expect(await loadConfig(folder)).toMatchObject({ within: 7 });
  });

  test('a missing file says what to write', () => {
    expect(() => findConfig(folder)).toThrow(
      /There is no config in .*looked for qa\.config\.ts, .*export default defineConfig/s,
    );
  });

  test('two files are not guessed between', () => {
    write('qa.config.ts', body);
    write('qa.config.mjs', body);
    expect(() => findConfig(folder)).toThrow(/2 configs .*qa\.config\.ts, qa\.config\.mjs/);
  });

  test('a file that throws is told with its message, and keeps its cause', async () => {
    write('qa.config.ts', "throw new TypeError('no such stand');");
    await expect(loadConfig(folder)).rejects.toThrow(/qa\.config\.ts could not be loaded: no such stand/);
    await expect(loadConfig(folder)).rejects.toMatchObject({ code: 'QA_CONFIG', cause: { name: 'TypeError' } });
  });

  test('a file that does not parse names the file', async () => {
    write('qa.config.ts', 'export default { connections: {');
    await expect(loadConfig(folder)).rejects.toThrow(/qa\.config\.ts could not be loaded/);
  });

  test('an unknown stand names the nearest', async () => {
    write('qa.config.mjs', 'export default { connections: {}, stands: { stage: { connections: {} } } };');
    await expect(loadConfig(folder, { QA_STAND: 'stagee' })).rejects.toThrow(
      /QA_STAND is 'stagee'.*Did you mean `stage`\?/,
    );
    expect(await loadConfig(folder, { QA_STAND: 'stage' })).toMatchObject({ stand: 'stage' });
  });
});

describe('references', () => {
  test('fromEnv is read at any depth, with a default, or names variable and path', async () => {
    const input = { url: fromEnv('DB'), pool: { hosts: [fromEnv('HOST', 'h')] } };
    expect(await resolveReferences(input, { env: { DB: 'u' }, path: 'connections.db' })).toEqual({
      url: 'u',
      pool: { hosts: ['h'] },
    });
    await expect(resolveReferences(input, { env: {}, path: 'connections.db' })).rejects.toThrow(
      /`connections\.db\.url` reads the environment variable DB, which is not set/,
    );
  });

  test('class instances are handed on as they are', async () => {
    const when = new Date(0);
    expect(await resolveReferences({ when }, { env: {}, path: 'x' })).toEqual({ when });
  });
});

test.each([
  ['db', 'QA_DB_URL'],
  ['orderDb', 'QA_ORDER_DB_URL'],
  ['db2', 'QA_DB2_URL'],
])('%s is overridden by %s', (name, variable) => expect(addressVariable(name)).toBe(variable));
