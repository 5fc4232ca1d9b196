/** All bindings of this package, one a line: lists, types and tables follow from it. */
import type { Binding } from './core/binding.ts';
import { binding as aerospike } from './databases/aerospike/index.ts';
import { binding as cassandra } from './databases/cassandra/index.ts';
import { binding as postgres } from './databases/postgres/index.ts';
import {
  dragonflyBinding as dragonfly,
  redisBinding as redis,
  valkeyBinding as valkey,
} from './databases/redis/index.ts';
import { binding as kafka } from './kafka/index.ts';
import { binding as kerberos } from './kerberos/index.ts';
import { binding as vault } from './vault/index.ts';

export const bindings = {
  postgres,
  dragonfly,
  redis,
  valkey,
  kafka,
  aerospike,
  cassandra,
  vault,
  kerberos,
} satisfies Readonly<Record<string, Pick<Binding, 'kind' | 'driver'>>>;

export type BindingKind = keyof typeof bindings;
