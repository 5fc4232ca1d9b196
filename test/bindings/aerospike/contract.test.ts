import type { Client } from 'aerospike';
import type { Binding } from '../../../bindings/core/binding.ts';
import { type AerospikeHandle, binding } from '../../../bindings/databases/aerospike/index.ts';
import { OWN_AEROSPIKE, startAerospike, startStandIn, type TestAerospike } from '../../support/aerospike.ts';
import { freePort } from '../../support/postgres.ts';
import { bindingContract } from '../contract.ts';
import { PASSWORD, USERS } from './users.ts';

const fixture = {
  binding: binding as unknown as Binding<object, Client, AerospikeHandle>,
  misspelt: { wrong: 'namespcae', right: 'namespace' },
  wrongType: { input: { connectTimeout: '5' }, path: 'connectTimeout' },
};

async function fixtureOf(server: TestAerospike, login: object) {
  const good = { hosts: server.hosts, namespace: 'test', ...login };
  return {
    good,
    secrets: [PASSWORD, 'not-the-password'],
    unknownDatabase: { ...good, namespace: 'tset' },
    refused: { ...good, hosts: `127.0.0.1:${await freePort()}` },
    address: server.url,
    touch: (handle: AerospikeHandle) => handle.key('users', 'u-1').get(),
    getters: [
      (handle: AerospikeHandle) => handle.client,
      (handle: AerospikeHandle) => handle.driver,
      (handle: AerospikeHandle) => handle.hosts,
      (handle: AerospikeHandle) => handle.namespace,
    ],
    freeze: server.freeze,
    thaw: server.thaw,
    crash: server.crash,
    restart: server.start,
    [Symbol.asyncDispose]: () => server.stop(),
  };
}

bindingContract(`aerospike on ${OWN_AEROSPIKE}`, {
  ...fixture,
  start: async () => fixtureOf(await startAerospike(), {}),
});

bindingContract('aerospike with users on the stand-in', {
  ...fixture,
  async start() {
    const login = { user: 'tester', password: PASSWORD };
    const server = await startStandIn({ users: USERS });
    const given = await fixtureOf(server, login);
    return {
      ...given,
      address: server.url.replace('//', `//tester:${PASSWORD}@`),
      wrongPassword: { ...given.good, password: 'not-the-password' },
    };
  },
});
