import cassandra from 'cassandra-driver';
import { describe, expect, test } from 'vitest';
import { parseAddress, printAddress, writeUrl } from '../../../bindings/databases/cassandra/address.ts';
import { clientConfig } from '../../../bindings/databases/cassandra/client.ts';
import { binding } from '../../../bindings/databases/cassandra/index.ts';
import { parseOptions } from '../../../bindings/databases/cassandra/options.ts';

const parse = (input: object) => parseOptions(input as Record<string, unknown>, 'connections.events');
const points = { contactPoints: ['a', 'b:9043'], localDataCenter: 'dc1', keyspace: 'shop' };

function message(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error('nothing was thrown');
}

describe('contact points', () => {
  test('as a list or a text, with the usual port', () => {
    expect(parse(points).address).toMatchObject({ contactPoints: ['a:9042', 'b:9043'], localDataCenter: 'dc1' });
    expect(parse({ contactPoints: 'a, [::1]:9043' }).address!.contactPoints).toEqual(['a:9042', '[::1]:9043']);
    expect(message(() => parse({ contactPoints: ['a:b:c'] }))).toMatch(/names `a:b:c`, which is no contact point/);
    expect(message(() => parse({ contactPoints: 'a:99999' }))).toMatch(/Write 'host' or 'host:9042'/);
    expect(message(() => parse({ contactPoints: [] }))).toMatch(/contactPoints` is empty/);
    expect(message(() => parse({ localDataCenter: 'dc1' }))).toMatch(/says nothing about where the server is/);
    expect(message(() => parse({ ...points, server: {} }))).toMatch(/has both `server` and `contactPoints`/);
  });

  test('as an address of the environment', () => {
    const url = 'cassandra://app:p%40ss%2Fword@a:9043,b/shop?dc=dc%201';
    const address = parseAddress(url, 'QA_EVENTS_URL');
    expect(address).toEqual({
      contactPoints: ['a:9043', 'b:9042'],
      localDataCenter: 'dc 1',
      keyspace: 'shop',
      user: 'app',
      password: 'p@ss/word',
    });
    expect(printAddress(address)).toBe('cassandra://app@a:9043,b:9042/shop');
    expect(parseAddress(writeUrl(address), 'x')).toEqual(address);
    const wrong = message(() => parseAddress('http://app:secret-word@a/shop', 'QA_EVENTS_URL'));
    expect(wrong).toMatch(/^`QA_EVENTS_URL` is no address of a Cassandra cluster.*cassandra:\/\/user:password/);
    expect(wrong).not.toContain('secret-word');
    expect(message(() => parseAddress('cassandra://a/shop?ssl=1', 'x'))).toMatch(
      /parameter `ssl`, which means nothing/,
    );
  });

  test('the data centre of the config stays where the address names none', () => {
    const moved = binding.withAddress(parse(points), 'cassandra://c/other', 'QA_EVENTS_URL');
    expect(moved.address).toMatchObject({ contactPoints: ['c:9042'], localDataCenter: 'dc1', keyspace: 'other' });
  });
});

describe('what the driver is told', () => {
  test('certificates are verified unless it is said otherwise', () => {
    expect(clientConfig(cassandra, parse({ ...points, ssl: true })).sslOptions).toEqual({ rejectUnauthorized: true });
    expect(clientConfig(cassandra, parse({ ...points, ssl: { ca: 'x' } })).sslOptions).toEqual({
      rejectUnauthorized: true,
      ca: 'x',
    });
    expect(clientConfig(cassandra, parse({ ...points, ssl: { rejectUnauthorized: false } })).sslOptions).toEqual({
      rejectUnauthorized: false,
    });
    expect(clientConfig(cassandra, parse(points))).not.toHaveProperty('sslOptions');
  });

  test('consistency by its name, and the user’s policies, profiles and pooling', () => {
    const loadBalancing = new cassandra.policies.loadBalancing.RoundRobinPolicy();
    const driver = {
      policies: { loadBalancing },
      pooling: { maxRequestsPerConnection: 7 },
      socketOptions: { keepAlive: false },
    };
    const config = clientConfig(cassandra, parse({ ...points, consistency: 'localQuorum', readTimeout: 900, driver }));
    expect(config.queryOptions?.consistency).toBe(cassandra.types.consistencies.localQuorum);
    expect(config.policies?.loadBalancing).toBe(loadBalancing);
    expect(config.pooling).toEqual({ heartBeatInterval: 0, maxRequestsPerConnection: 7 });
    expect(config.socketOptions).toEqual({ readTimeout: 900, connectTimeout: 5000, keepAlive: false });
    expect(message(() => parse({ ...points, consistency: 'localQuorm' }))).toMatch(/Did you mean `localQuorum`\?/);
  });

  test('no attempt to reconnect is more than a second away, whatever the policy', () => {
    const reconnection = new cassandra.policies.reconnection.ConstantReconnectionPolicy(60_000);
    const config = clientConfig(cassandra, parse({ ...points, driver: { policies: { reconnection } } }));
    const schedule = config.policies!.reconnection!.newSchedule();
    expect([schedule.next().value, schedule.next().value]).toEqual([1000, 1000]);
    const own = clientConfig(cassandra, parse(points)).policies!.reconnection!.newSchedule();
    for (let i = 0; i < 20; i += 1) expect(own.next().value).toBeLessThanOrEqual(1000);
  });

  test('what has a place of its own is refused among the options of the driver', () => {
    expect(message(() => parse({ ...points, driver: { credentials: {} } }))).toMatch(
      /connections\.events\.driver\.credentials` has a place of its own\. Give it as `user` and `password`/,
    );
    expect(message(() => parse({ ...points, driver: { sslOptions: {} } }))).toMatch(/Give it as `ssl`/);
  });
});
