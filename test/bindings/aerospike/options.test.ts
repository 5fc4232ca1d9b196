/** What a config may say, and what is refused with which words. */
import { describe, expect, test } from 'vitest';
import { binding } from '../../../bindings/databases/aerospike/index.ts';

const parse = (input: Record<string, unknown>) => binding.parse(input, 'connections.profiles');
const good = { hosts: '127.0.0.1:3000', namespace: 'test' };

describe('addresses', () => {
  test.each([
    ['127.0.0.1', '127.0.0.1:3000'],
    ['db-1:3100, db-2', 'db-1:3100,db-2:3000'],
    ['[::1]:3100', '[::1]:3100'],
    [['db-1', 'db-2:1'], 'db-1:3000,db-2:1'],
  ])('hosts: %o', (hosts, printed) => {
    expect(binding.describe(parse({ ...good, hosts }))).toEqual({ address: `aerospike://${printed}/test` });
  });

  test.each(['aerospike://h:3100/shop', 'aerospike://h:3100,[::1]:3000/shop', 'aerospike://app@h:3100/shop'])(
    'QA_PROFILES_URL: %s',
    (url) => {
      expect(binding.describe(binding.withAddress(parse(good), url, 'QA_PROFILES_URL'))).toEqual({ address: url });
    },
  );

  test('user and password of an URL are decoded, and not shown', () => {
    const options = binding.withAddress(parse(good), 'aerospike://a%40b:p%2Fq:r@h/shop', 'QA_PROFILES_URL');
    expect(options.address).toMatchObject({ user: 'a@b', password: 'p/q:r', namespace: 'shop' });
    expect(JSON.stringify(binding.describe(options))).not.toContain('p/q');
  });

  test('an address replaces a throwaway server', () => {
    const options = binding.withAddress(parse({ server: {} }), 'aerospike://h/shop', 'QA_PROFILES_URL');
    expect(options).not.toHaveProperty('server');
  });

  test.each([
    ['an URL without a namespace', 'aerospike://h:3000'],
    ['another scheme', 'redis://h:3000/test'],
  ])('%s is refused', (_, url) => {
    expect(() => binding.withAddress(parse(good), url, 'QA_PROFILES_URL')).toThrow(
      /^`QA_PROFILES_URL` is no address of an Aerospike cluster: .*Write aerospike:\/\/host:port,host:port\/namespace/,
    );
  });

  test('a refused URL does not show its password', () => {
    const withSecret = () => binding.withAddress(parse(good), 'aerospike://app:geheim@h:3000', 'QA_PROFILES_URL');
    expect(withSecret).toThrow('app');
    expect(withSecret).not.toThrow('geheim');
  });
});

describe('what is refused', () => {
  test.each<[string, Record<string, unknown>, string]>([
    [
      'nothing',
      {},
      '`connections.profiles` says nothing about where the server is. Give `hosts` and `namespace`, or `server: embedded()`',
    ],
    [
      'no namespace',
      { hosts: 'h' },
      "`connections.profiles` names no `namespace`. Give it: Aerospike has no default one. On a fresh server it is 'test'.",
    ],
    [
      'server and hosts',
      { ...good, server: {} },
      '`connections.profiles` has both `server` and `hosts`. Keep `server` for a throwaway server, or the hosts.',
    ],
    [
      'a host that is none',
      { ...good, hosts: 'a b' },
      "`connections.profiles.hosts` names no host: `a b`. Write host:port, several with commas: '10.0.0.1:3000,10.0.0.2:3000'; an IPv6 address in brackets.",
    ],
    ['a port that is none', { ...good, hosts: 'h:99999' }, '`connections.profiles.hosts` names no host: `h:99999`.'],
    [
      'an unknown policy',
      { ...good, policies: { raed: {} } },
      '`connections.profiles.policies.raed` is not an option. Did you mean `read`?',
    ],
    [
      'a policy that never ends',
      { ...good, policies: { read: { totalTimeout: 0 } } },
      '`connections.profiles.policies.read.totalTimeout` must be a whole number of milliseconds from 1: 0 means for ever, and a server that hangs would hold the run. Give the time that the slowest of these commands may take.',
    ],
    [
      "what is not the client's",
      { ...good, client: { rackID: 1 } },
      '`connections.profiles.client.rackID` is not an option. Did you mean `rackId`?',
    ],
    [
      'certificates that nobody verifies',
      { ...good, tls: { rejectUnauthorized: false } },
      "`connections.profiles.tls.rejectUnauthorized` is false, but Aerospike's client verifies every certificate. Name the authority of the certificate with `tls: { ca }`",
    ],
    [
      'sets that are no list',
      { ...good, reset: { sets: 'users' } },
      '`connections.profiles.reset.sets` is a string, but must be a list',
    ],
  ])('%s', (_, input, message) => {
    expect(() => parse(input)).toThrow(message);
  });
});
