import { describe, test } from 'vitest';
import type { Binding } from '../../../bindings/core/binding.ts';
import type { RedisClient } from '../../../bindings/databases/redis/client.ts';
import {
  dragonflyBinding,
  type RedisHandle,
  redisBinding,
  valkeyBinding,
} from '../../../bindings/databases/redis/index.ts';
import { freePort } from '../../support/postgres.ts';
import { PROGRAMS, startRedis } from '../../support/redis.ts';
import { bindingContract } from '../contract.ts';

const BINDINGS = { 'redis-server': redisBinding, 'valkey-server': valkeyBinding, dragonfly: dragonflyBinding };
const PASSWORD = 'correct-horse-battery';

if (PROGRAMS.length === 0) test.skip('no redis-server, valkey-server or dragonfly is here', () => undefined);

describe.each(PROGRAMS)('$name', (program) => {
  bindingContract(program.name, {
    binding: BINDINGS[program.name as keyof typeof BINDINGS] as unknown as Binding<object, RedisClient, RedisHandle>,
    misspelt: { wrong: 'pasword', right: 'password' },
    wrongType: { input: { connectTimeout: '5' }, path: 'connectTimeout' },
    async start() {
      const server = await startRedis({ program, password: PASSWORD });
      const good = { host: server.host, port: server.port, password: PASSWORD };
      return {
        good,
        secrets: [PASSWORD, 'not-the-password'],
        wrongPassword: { ...good, password: 'not-the-password' },
        unknownDatabase: { ...good, db: 99 },
        refused: { ...good, port: await freePort() },
        address: server.url(),
        touch: (handle) => handle.key('touched').get(),
        connections: async () => {
          const list = String(await server.run('CLIENT', 'LIST'));
          return list.split('\n').filter((line) => line.includes(' name=qa-r1-w1 ')).length;
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
});
