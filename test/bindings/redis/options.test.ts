/** What a config may say, and what is made of it. */
import { describe, expect, test } from 'vitest';
import { redisBinding as binding } from '../../../bindings/databases/redis/index.ts';

const parse = (input: Record<string, unknown>) => binding.parse(input, 'connections.cache');
const addressOf = (input: Record<string, unknown>) => binding.describe(parse(input)).address;

test.each([
  [{ url: 'redis://localhost' }, 'redis://localhost:6379/0'],
  [{ url: 'redis://:geheim@[::1]:6380/3' }, 'redis://[::1]:6380/3'],
  [{ url: 'rediss://app:p%40ss@cache.example/2' }, 'rediss://app@cache.example:6379/2'],
  [{ url: 'valkey://h:1/0' }, 'redis://h:1/0'],
  [{ url: 'unix:///run/redis.sock?db=4' }, 'unix:///run/redis.sock?db=4'],
  [{ host: 'h', port: '7000', db: '5', user: 'app', password: 'geheim' }, 'redis://app@h:7000/5'],
  [{ host: 'h', ssl: true }, 'rediss://h:6379/0'],
  [{ socket: '/run/redis.sock', password: 'geheim' }, 'unix:///run/redis.sock?db=0'],
  [{ cluster: ['a:7000', 'b:7001'] }, 'redis://a:7000/0 (cluster)'],
  [{ ioredis: { sentinels: [{ host: 's', port: 26_379 }], name: 'main' } }, 'redis://s:26379/0 (sentinel of main)'],
  [{ server: {} }, 'redis (a throwaway server)'],
])('%j leads to %s', (input, address) => {
  expect(addressOf(input)).toBe(address);
});

test('the address for the service has the password, that of errors has not', () => {
  expect(parse({ host: 'h', user: 'app', password: 'p@ss/w' }).address!.url).toBe('redis://app:p%40ss%2Fw@h:6379/0');
  expect(parse({ url: 'redis://:geheim@h:1/0' }).address!.password).toBe('geheim');
});

describe('refused, with path and mend', () => {
  test.each([
    [{}, /says nothing about where the server is.*`url`/s],
    [{ url: 'http://h' }, /`connections\.cache\.url` is no address.*redis:\/\/user:password@host:6379\/0/s],
    [{ url: 'redis://u:geheim@h/zero' }, /is no address/],
    [{ url: 'redis://h', db: 1 }, /has both `url` and `db`/],
    [{ url: 'redis://h', server: {} }, /has both `server` and `url`/],
    [{ host: 'h', socket: '/s' }, /names more than one place/],
    [{ cluster: ['a:1'], host: 'h' }, /names more than one place/],
    [{ cluster: ['a:1'], db: 2 }, /A cluster has one database/],
    [{ cluster: ['a'] }, /cluster.*an address like host:6379/s],
    [{ host: 'h', port: 0 }, /`connections\.cache\.port` is 0, but must be a port/],
    [{ host: 'h', db: -1 }, /`connections\.cache\.db`/],
    [{ host: 'h', clientName: 'a b' }, /a name without spaces/],
    [{ host: 'h', reset: { prefix: '' } }, /reset\.prefix/],
    [{ host: 'h', reset: { prefixes: ['a'] } }, /`connections\.cache\.reset\.prefixes` is not an option.*`prefix`/s],
    [{ host: 'h', ioredis: { keyPrefix: 'a' } }, /has `ioredis\.keyPrefix`.*`keyPrefix`, beside/s],
    [{ host: 'h', ioredis: { db: 1 } }, /has `ioredis\.db`/],
    [{ host: 'h', ioredis: { replyMapping: 'resp3' } }, /has `ioredis\.replyMapping`, which this package sets/],
  ])('%j', (input, message) => {
    expect(() => parse(input)).toThrow(
      expect.objectContaining({ code: 'QA_CONFIG', message: expect.stringMatching(message) }),
    );
    expect(() => parse(input)).not.toThrow(/geheim/);
  });
});
