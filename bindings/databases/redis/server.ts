/** What the server says of itself: what is done with it follows from its answers, never from a name in the config. */
import type { Health } from '../../core/binding.ts';
import { clock } from '../../core/clock.ts';
import type { RedisClient } from './client.ts';
import { isUnsupported } from './errors.ts';

export interface Server {
  /** `redis`, `valkey`, `dragonfly`, or what it calls itself. */
  product: string;
  version: string;
  /** Its clock when it was asked, ms. */
  time: number;
}

/** Asks in one round trip. @throws the server's error, where it ignores the password that it was given */
export async function greet({ redis, options, isCluster }: RedisClient): Promise<Server> {
  const { user, password } = options.address!;
  const ask = redis.pipeline();
  ask.time();
  ask.call('HELLO');
  // The login with a name succeeds with any password where none is set; this form tells.
  const isChecked = password !== undefined && (user === undefined || user === 'default') && !isCluster;
  if (isChecked) ask.call('AUTH', password);
  const [time, hello, auth] = (await ask.exec()) ?? [];
  if (time?.[0]) throw time[0];
  if (auth?.[0] && !isUnsupported(auth[0])) throw auth[0];
  const [seconds, micros] = time![1] as [string, string];
  return { ...named(hello?.[1]), time: Number(seconds) * 1000 + Math.floor(Number(micros) / 1000) };
}

/** The answer to HELLO; a server that does not know it, or a user who may not ask, leaves only a guess. */
function named(hello: unknown): Pick<Server, 'product' | 'version'> {
  const flat = Array.isArray(hello) ? hello : [];
  const facts = new Map<string, string>();
  for (let index = 0; index + 1 < flat.length; index += 2) facts.set(String(flat[index]), String(flat[index + 1]));
  const dragonfly = facts.get('dfly_version');
  if (dragonfly !== undefined) return { product: 'dragonfly', version: dragonfly.replace(/^df-/, '') };
  return { product: facts.get('server') ?? 'redis', version: facts.get('version') ?? 'unknown' };
}

export async function health(client: RedisClient): Promise<Health> {
  const { redis, options, server } = client;
  const start = clock().now();
  try {
    await redis.ping();
    const latency = clock().now() - start;
    const who = await redis.call('ACL', 'WHOAMI').catch((error: unknown) => {
      if (isUnsupported(error)) return options.address!.user ?? 'default';
      throw error;
    });
    const { product, version } = server;
    return { version: `${product} ${version}`, latency, identity: `${who} in database ${options.address!.db}` };
  } catch (error) {
    throw client.told(error, 'Asking for its health');
  }
}
