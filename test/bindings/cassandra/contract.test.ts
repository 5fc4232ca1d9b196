import type { Client } from 'cassandra-driver';
import { describe } from 'vitest';
import type { Binding } from '../../../bindings/core/binding.ts';
import type { CassandraHandle } from '../../../bindings/databases/cassandra/index.ts';
import { binding } from '../../../bindings/databases/cassandra/index.ts';
import { hasCassandra, startCassandra } from '../../support/cassandra.ts';
import { freePort } from '../../support/postgres.ts';
import { bindingContract } from '../contract.ts';

describe.skipIf(!hasCassandra())('a real Cassandra', () => {
  bindingContract('cassandra', {
    binding: binding as unknown as Binding<object, Client, CassandraHandle>,
    misspelt: { wrong: 'contactPoint', right: 'contactPoints' },
    wrongType: { input: { readTimeout: 'soon' }, path: 'readTimeout' },
    async start() {
      const server = await startCassandra({ auth: true, durable: true });
      await server.run("CREATE ROLE app WITH PASSWORD = 'correct-horse-battery' AND LOGIN = true AND SUPERUSER = true");
      await server.run(
        "CREATE KEYSPACE shop WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1} AND durable_writes = true",
      );
      const good = { ...server.options, user: 'app', password: 'correct-horse-battery', keyspace: 'shop' };
      return {
        good,
        secrets: ['correct-horse-battery', 'not-the-password'],
        wrongPassword: { ...good, password: 'not-the-password' },
        unknownDatabase: { ...good, keyspace: 'shpo' },
        refused: { ...good, contactPoints: [`127.0.0.1:${await freePort()}`] },
        address: `cassandra://app:correct-horse-battery@${server.contactPoint}/shop?dc=datacenter1`,
        touch: (handle) => handle.query('SELECT key FROM system.local'),
        connections: server.connections,
        getters: [
          (handle) => handle.client,
          (handle) => handle.url,
          (handle) => handle.driver,
          (handle) => handle.keyspace,
          (handle) => handle.contactPoints,
        ],
        freeze: server.freeze,
        thaw: server.thaw,
        crash: server.kill,
        restart: server.restart,
        [Symbol.asyncDispose]: server.stop,
      };
    },
  });
});
