import { describe, expect, test } from 'vitest';
import { fromEnv, resolveReferences } from '../../../bindings/core/reference.ts';
import { embedded } from '../../../bindings/core/server.ts';
import { binding, postgres } from '../../../bindings/databases/postgres/index.ts';

const parse = (input: object) => binding.parse(input as Record<string, unknown>, 'connections.db');
const address = (input: object) => binding.describe(parse(input)).address;

describe('addresses', () => {
  test.each([
    ['postgres://u:p%40ss@h:5433/d', 'postgres://u@h:5433/d'],
    ['postgresql://u@h/d', 'postgres://u@h:5432/d'],
    ['postgres://h/d?user=u&password=secret', 'postgres://u@h:5432/d'],
    ['postgres:///d?host=/run/pg', 'postgres:///d?host=/run/pg'],
    ['postgres://u:p@/d?host=/run/pg', 'postgres://u@/d?host=/run/pg'],
    ['postgres://u:p@[::1]:5/d', 'postgres://u@[::1]:5/d'],
    ['postgres://u:p@%2Frun%2Fpg/d', 'postgres://u@/d?host=/run/pg'],
  ])('%s', (url, printed) => {
    expect(address({ url })).toBe(printed);
    expect(parse({ url }).address?.url).toBe(url);
  });

  test('parts make a url for the system under test', () => {
    const parts = { host: 'h', port: '5433', user: 'u@x', password: 'p/w', database: 'd d' };
    expect(parse(parts).address?.url).toBe('postgres://u%40x:p%2Fw@h:5433/d%20d');
    expect(parse({ host: '/run/pg', database: 'd' }).address?.url).toBe('postgres:///d?host=%2Frun%2Fpg&port=5432');
    expect(parse({ host: '::1' }).address?.url).toBe('postgres://[::1]:5432/');
  });

  test('another address replaces a server too', () => {
    const moved = binding.withAddress(parse({ server: embedded() }), 'postgres://a:b@c/d', 'QA_DB_URL');
    expect(binding.describe(moved).address).toBe('postgres://a@c:5432/d');
    expect(moved).not.toHaveProperty('server');
    expect(() => binding.withAddress(parse({ url: 'postgres://h' }), 'mysql://x', 'QA_DB_URL')).toThrow(
      /`QA_DB_URL` is no address/,
    );
  });
});

test.each([
  ['a started one', { getConnectionUri: () => 'postgres://h' }],
  ['a function that starts one', async () => ({ getConnectionUri: () => 'postgres://h' })],
])('a server may be %s', (_, server) => {
  expect(() => parse({ server })).not.toThrow();
});

describe('mistakes', () => {
  test.each([
    [{}, /`connections\.db` says nothing about where the server is.*server: embedded\(\)/],
    [{ url: 'postgres://h', server: embedded() }, /has both `server` and `url`/],
    [{ host: 'h', server: embedded() }, /has both `server` and `host`/],
    [{ url: 'postgres://h', port: 1 }, /has both `url` and `port`/],
    [
      { url: 'postgres://h', statmentTimeout: 1 },
      /`connections\.db\.statmentTimeout` is not an option.*`statementTimeout`/,
    ],
    [{ url: 'postgres://h', pool: { mx: 1 } }, /`connections\.db\.pool\.mx`.*`max`/],
    [
      { url: 'postgres://h', pool: { max: 0 } },
      /`connections\.db\.pool\.max` is 0, but must be a whole number from 1 to 1000/,
    ],
    [{ url: 'postgres://h', pool: 5 }, /`connections\.db\.pool` is 5, but must be an object/],
    [{ url: 'postgres://h', ssl: 'yes' }, /`connections\.db\.ssl` is a string, but must be true or false or an object/],
    [{ url: 'postgres://h', ssl: { rejectUnauthorised: false } }, /ssl\.rejectUnauthorised`.*`rejectUnauthorized`/],
    [{ url: 'postgres://h', reset: { tables: 'orders' } }, /reset\.tables` is a string, but must be a list/],
    [{ host: 'h', port: 70_000 }, /port` is 70000/],
    [{ server: 'embedded' }, /server` is a string, but must be embedded\(…\), a started server, or a function/],
    [{ url: 5 }, /url` is 5, but must be a non-empty string/],
  ])('%o', (input, message) => {
    expect(() => parse(input)).toThrow(message);
  });

  test('a broken address does not show its password', () => {
    let message = '';
    try {
      parse({ url: 'postgres://u:hunter2#x@h:99999/d' });
    } catch (error) {
      message = (error as Error).message;
    }
    expect(message).toContain('`connections.db.url`');
    expect(message).toContain('encodeURIComponent');
    expect(message).not.toContain('hunter2');
  });
});

test('references stand in for values', async () => {
  const { input } = postgres({ url: fromEnv('SHOP_URL'), schema: fromEnv('SHOP_SCHEMA', 'shop') });
  const resolved = await resolveReferences(input, { env: { SHOP_URL: 'postgres://u:p@h/d' }, path: 'connections.db' });
  expect(parse(resolved as object)).toMatchObject({ schema: ['shop'], address: { host: 'h' } });
  await expect(resolveReferences(input, { env: {}, path: 'connections.db' })).rejects.toThrow(/SHOP_URL/);
});
