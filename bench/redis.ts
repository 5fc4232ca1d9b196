/**
 * Redis: opening a file's connection, a matcher that passes at once against the raw command, how soon a change, a message
 * and a stream's entry are seen, and what a reset costs. On the first server of Redis' protocol that is here.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import type { Proof } from '../bindings/core/binding.ts';
import { redisBinding as binding } from '../bindings/databases/redis/index.ts';
import { waitForRow } from '../matchers/wait-for.ts';
import { ANY, startRedis } from '../test/support/redis.ts';
import { openBinding } from '../test/support/scope.ts';
import { figure, median, percentile, ratio } from './figures.ts';

// Matchers ask it for their defaults.
const { shared } = await import('../bindings/core/shared.ts');
shared().runtime = {
  runner: 'vitest',
  qa: {},
  defaults: { soft: true, within: 5000 },
  current: () => undefined,
  redact: (text) => text,
};

const soon = () => AbortSignal.timeout(10_000);
const timed = async (run: () => Promise<unknown>) => {
  const start = performance.now();
  await run();
  return performance.now() - start;
};

if (ANY === undefined) {
  console.log('  left out: no redis-server, valkey-server or dragonfly is here');
  process.exit(0);
}
await using server = await startRedis({ password: 'of-the-bench' });
const service = server.client();
await service.ping();
const open = (options = {}, changes = {}) =>
  openBinding(
    binding,
    { host: server.host, port: server.port, password: 'of-the-bench', channels: ['news'], ...options },
    { connection: 'cache', waitFor: waitForRow as never, ...changes },
  );

const [opening, bare]: [number[], number[]] = [[], []];
for (let i = 0; i < 30; i += 1) {
  bare.push(
    await timed(async () => {
      const redis = new Redis({ host: server.host, port: server.port, password: 'of-the-bench', lazyConnect: true });
      await redis.connect();
      redis.disconnect();
    }),
  );
  opening.push(
    await timed(async () => {
      const { client } = await open({ channels: [] });
      client.close();
    }),
  );
}
ratio('open and close', median(opening), median(bare), ['ours', 'ioredis']);

await using it = await open();
const { client, handle: cache } = it;
await cache.seed({ order: { id: 'o-1', total: '42' }, text: 'x' });
const [ours, raw]: [number[], number[]] = [[], []];
for (let i = 0; i < 3000; i += 1) {
  const direct = await timed(() => cache.client.hgetall('order'));
  const matched = await timed(() => cache.key('order').waitFor({ total: '42' }));
  if (i < 500) continue;
  raw.push(direct);
  ours.push(matched);
}
ratio('a hash that is there', median(ours), median(raw), ['ours', 'hgetall'], 1.15);

const late = async (wait: (i: number) => Promise<unknown>, change: (i: number) => Promise<unknown>) => {
  const times: number[] = [];
  for (let i = 0; i < 60; i += 1) {
    const seen = wait(i).then(() => performance.now());
    await sleep(25 + ((i * 37) % 40));
    await change(i);
    const changed = performance.now();
    times.push(Math.max(0, (await seen) - changed));
  }
  return times;
};
const seen = await late(
  (i) => cache.key(`late-${i}`).waitFor('x'),
  (i) => service.set(`late-${i}`, 'x'),
);
figure('a change is seen after, p50', median(seen), 'ms', 20);
figure('a change is seen after, p99', percentile(seen, 0.99), 'ms');
const streamed = await late(
  (i) => cache.stream('events').waitFor({ n: String(i) }),
  (i) => service.xadd('events', '*', 'n', String(i)),
);
figure("a stream's entry is seen after, p50", median(streamed), 'ms', 20);
const published = await late(
  (i) => cache.channel('news').waitFor(`n${i}`),
  (i) => service.publish('news', `n${i}`),
);
figure('a message of a channel is seen after, p50', median(published), 'ms', 20);

await service.flushall();
const lease = { options: {}, because: 'of the bench', isShared: false, secret: { password: 'of-the-bench' } };
await using owned = await open({}, { lease });
const proof = (await binding.ownership(owned.client, owned.client.options, owned.scope)) as Proof;
const resetter = await binding.reset(owned.client, proof, owned.scope);
const resets = async (write: () => Promise<unknown>, rounds = 40) => {
  const times: number[] = [];
  for (let i = 0; i < rounds; i += 1) {
    await write();
    times.push(await timed(() => resetter.reset(soon())));
  }
  return median(times);
};
const write = async (count: number, prefix = '') => {
  const ask = service.pipeline();
  for (let i = 0; i < count; i += 1) ask.set(`${prefix}${i}`, 'x');
  await ask.exec();
};
await resetter.reset(soon());
figure('reset: nothing written', await resets(() => Promise.resolve()), 'ms');
figure('reset: 100 keys', await resets(() => write(100)), 'ms');
await write(1000, 'base:');
await resetter.push(soon());
figure('reset: 5 of 1,000 keys of a baseline', await resets(() => write(5, 'base:')), 'ms');
await resetter.close();

await server.run('ACL', 'SETUSER', 'qa-may-empty', 'off', 'resetkeys', '~own:*');
for (let i = 0; i < 100; i += 1) await write(1000, `foreign:${i}:`);
await using stand = await open({ reset: { prefix: 'own:' } });
const marker = (await binding.ownership(stand.client, stand.client.options, stand.scope)) as Proof;
const listed = await binding.reset(stand.client, marker, stand.scope);
const first = await timed(() => listed.reset(soon()));
const times: number[] = [];
for (let i = 0; i < 40; i += 1) {
  await write(100, 'own:');
  times.push(await timed(() => listed.reset(soon())));
}
figure('reset: 100 of 100,100 keys, on a stand', median(times), 'ms', 1);
figure('the first of a file, which walks over them', first, 'ms');
await listed.close();
client.close();
