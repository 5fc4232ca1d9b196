import type pg from 'pg';
import type { Binding } from '../../../bindings/core/binding.ts';
import type { PostgresHandle } from '../../../bindings/databases/postgres/index.ts';
import { binding } from '../../../bindings/databases/postgres/index.ts';
import { freePort, startPostgres } from '../../support/postgres.ts';
import { bindingContract } from '../contract.ts';

bindingContract('postgres', {
  binding: binding as unknown as Binding<object, pg.Pool, PostgresHandle>,
  misspelt: { wrong: 'databse', right: 'database' },
  wrongType: { input: { pool: { max: '5' } }, path: 'pool.max' },
  async start() {
    const server = await startPostgres();
    const { host, port, user, password } = server;
    const good = { host, port, user, password, database: 'postgres' };
    return {
      good,
      secrets: [password, 'not-the-password'],
      wrongPassword: { ...good, password: 'not-the-password' },
      unknownDatabase: { ...good, database: 'postgrse' },
      refused: { ...good, port: await freePort() },
      address: server.url(),
      touch: (handle) => handle.query('select 1'),
      connections: async () => {
        const { rows } = await server.run(
          "select count(*)::int as n from pg_stat_activity where application_name = 'qa r1 w1'",
        );
        return rows[0].n;
      },
      getters: [(handle) => handle.client, (handle) => handle.url, (handle) => handle.driver],
      freeze: server.freeze,
      thaw: server.thaw,
      crash: server.crash,
      restart: server.start,
      [Symbol.asyncDispose]: () => server.stop(),
    };
  },
});
