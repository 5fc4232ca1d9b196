/**
 * Each kind of connection with a secret in its config, and what is wrong with it: the faults that need no server of the
 * kind. A kind of the registry that is missing here fails the suite.
 */
import type { BindingKind } from '../../bindings/registry.ts';

export interface Where {
  port: number;
  user: string;
  password: string;
}

export interface System {
  /** A whole and right config of it. */
  options(where: Where): Record<string, unknown>;
  /** The same with an address that is none, and holds the password. */
  malformed(where: Where): Record<string, unknown>;
  /** The name of an option that is a reference to a variable, beside the secret. Default: `password`. */
  referring?: string;
  /** It has no secret of its own: what stands in the texts is all it has. */
  isOpen?: boolean;
}

const ofRedis: System = {
  options: ({ port, user, password }) => ({ host: '127.0.0.1', port, user, password, connectTimeout: 1500 }),
  malformed: ({ user, password }) => ({ url: `redis//${user}:${password}@127.0.0.1` }),
};

export const SYSTEMS: Readonly<Record<BindingKind, System>> = {
  postgres: {
    options: ({ port, user, password }) => ({
      url: `postgres://${user}:${encodeURIComponent(password)}@127.0.0.1:${port}/shop`,
    }),
    malformed: ({ user, password }) => ({ url: `postgres://${user}:${password}@127.0.0.1:port/shop` }),
  },
  dragonfly: ofRedis,
  redis: ofRedis,
  valkey: ofRedis,
  kafka: {
    options: ({ port, user, password }) => ({
      brokers: [`127.0.0.1:${port}`],
      sasl: { mechanism: 'plain', username: user, password },
      connectTimeout: 1500,
    }),
    malformed: ({ user, password, port }) => ({ brokers: [`${user}:${password}@127.0.0.1:${port}`] }),
    referring: 'clientId',
  },
  aerospike: {
    options: ({ port, user, password }) => ({ hosts: `127.0.0.1:${port}`, namespace: 'test', user, password }),
    malformed: ({ user, password }) => ({ hosts: `aerospike://${user}:${password}@127.0.0.1:port`, namespace: 'test' }),
  },
  cassandra: {
    options: ({ port, user, password }) => ({
      ...{ contactPoints: [`127.0.0.1:${port}`], localDataCenter: 'datacenter1', keyspace: 'events', user, password },
      connectTimeout: 1500,
    }),
    malformed: ({ user, password }) => ({
      contactPoints: [`cassandra://${user}:${password}@127.0.0.1:port`],
      localDataCenter: 'datacenter1',
      keyspace: 'events',
    }),
  },
  vault: {
    options: ({ port, user, password }) => ({
      address: `http://127.0.0.1:${port}`,
      auth: { userpass: { username: user, password } },
    }),
    malformed: ({ user, password, port }) => ({
      address: `http://${user}:${encodeURIComponent(password)}@127.0.0.1:${port}`,
    }),
    referring: 'namespace',
  },
  kerberos: {
    options: ({ port, user }) => ({
      principal: `${user}@EXAMPLE.TEST`,
      keytab: './qa.keytab',
      kdc: `127.0.0.1:${port}`,
      requestTimeout: 1500,
    }),
    malformed: ({ user, password }) => ({
      principal: `${user}@EXAMPLE.TEST`,
      kdc: `kdc://${user}:${password}@127.0.0.1`,
    }),
    referring: 'cache',
    isOpen: true,
  },
};
