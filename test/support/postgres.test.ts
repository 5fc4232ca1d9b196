import { existsSync } from 'node:fs';
import { expect, test } from 'vitest';
import { startPostgres } from './postgres.ts';

test('a throwaway server starts, crashes, comes back with its data and is gone after stop', async () => {
  await using server = await startPostgres({ tls: true, unixSocket: true });
  await server.run('create table kept (n int); insert into kept values (1)');
  await server.crash();
  await expect(server.run('select 1')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  await server.start();
  expect((await server.run('select n from kept')).rows).toEqual([{ n: 1 }]);
  await server.stop();
  expect(existsSync(server.folder)).toBe(false);
});
