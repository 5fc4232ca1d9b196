/** How a throwaway Cassandra is set up: one node that owns the whole ring, small, and quick to start and to end. */
import { join } from 'node:path';
import { HOST } from '../keeper/place.ts';

export interface Ports {
  /** For clients. */
  native: number;
  /** For other nodes, of which there is none. */
  storage: number;
}

/** Of a node with the SimpleSnitch. */
export const DATA_CENTRE = 'datacenter1';

/** The line that a node writes when it answers. */
export const READY = 'Startup complete';

export const MAIN = 'org.apache.cassandra.service.CassandraDaemon';

/** Text of cassandra.yaml; a key that Cassandra does not know ends it. */
export function cassandraYaml({ native, storage }: Ports): string {
  return yaml({
    cluster_name: 'qa',
    partitioner: 'org.apache.cassandra.dht.Murmur3Partitioner',
    endpoint_snitch: 'SimpleSnitch',
    num_tokens: 1,
    auto_bootstrap: false,
    listen_address: HOST,
    rpc_address: HOST,
    storage_port: storage,
    native_transport_port: native,
    seed_provider: `[{ class_name: org.apache.cassandra.locator.SimpleSeedProvider, parameters: [{ seeds: "${HOST}" }] }]`,
    commitlog_sync: 'periodic',
    commitlog_sync_period: '10000ms',
    commitlog_segment_size: '5MiB',
    auto_snapshot: false,
    memtable_allocation_type: 'heap_buffers',
    disk_access_mode: 'standard',
    // What an application may use that is off by default.
    materialized_views_enabled: true,
    user_defined_functions_enabled: true,
  });
}

/** Text of logback.xml: warnings, and the line that tells that it is ready. */
export function logback(): string {
  return `<configuration>
  <appender name="out" class="ch.qos.logback.core.ConsoleAppender"><encoder><pattern>%p %m%n%ex{1}</pattern></encoder></appender>
  <logger name="org.apache.cassandra.service.CassandraDaemon" level="info"/>
  <root level="warn"><appender-ref ref="out"/></root>
</configuration>
`;
}

export interface JvmOptions {
  /** Whether it must find its keyspaces again after a kill. Default: false, which is quicker. */
  durable?: boolean;
}

/** JVM options of a node: the least memory, the compiler that is ready first, and no waiting for other nodes. */
export function jvmOptions(folder: string, { durable = false }: JvmOptions = {}): string[] {
  const unsafe = durable
    ? {}
    : {
        'cassandra.unsafesystem': true,
        'cassandra.test.flush_local_schema_changes': false,
      };
  const properties = {
    'jdk.attach.allowAttachSelf': true,
    'io.netty.tryReflectionSetAccessible': true,
    'cassandra-foreground': 'yes',
    'cassandra.config': `file://${encodeURI(join(folder, 'cassandra.yaml'))}`,
    'cassandra.storagedir': folder,
    'logback.configurationFile': `file://${encodeURI(join(folder, 'logback.xml'))}`,
    'cassandra.skip_wait_for_gossip_to_settle': 0,
    'cassandra.ring_delay_ms': 0,
    'cassandra.initial_token': 0,
    // Measuring it takes more than a second.
    'cassandra.memtable.row_overhead_size': 100,
    'cassandra.shutdown_announce_in_ms': 0,
    'cassandra.test.messagingService.nonGracefulShutdown': true,
    'cassandra.superuser_setup_delay_ms': -1,
    'cassandra.auth_bcrypt_gensalt_log2_rounds': 4,
    ...unsafe,
  };
  return [
    '-Xms128m',
    '-Xmx256m',
    '-XX:+UseSerialGC',
    '-XX:TieredStopAtLevel=1',
    ...EXPORTS.flatMap((module) => ['--add-exports', `${module}=ALL-UNNAMED`]),
    ...OPENS.flatMap((module) => ['--add-opens', `${module}=ALL-UNNAMED`]),
    ...Object.entries(properties).map(([name, value]) => `-D${name}=${value}`),
  ];
}

const EXPORTS = [
  'java.base/jdk.internal.misc',
  'java.base/java.lang.ref',
  'java.management.rmi/com.sun.jmx.remote.internal.rmi',
  'java.management/com.sun.jmx.remote.security',
  'java.rmi/sun.rmi.registry',
  'java.rmi/sun.rmi.server',
  'java.sql/java.sql',
  'jdk.unsupported/sun.misc',
];

const OPENS = [
  ...(
    'java.lang java.lang.module java.lang.reflect java.io java.nio java.util sun.nio.ch jdk.internal.loader ' +
    'jdk.internal.ref jdk.internal.reflect jdk.internal.math jdk.internal.module jdk.internal.util.jar'
  )
    .split(' ')
    .map((name) => `java.base/${name}`),
  'jdk.management/com.sun.management.internal',
];

/** One level is all it takes; lists are written as YAML takes them on one line. */
export function yaml(settings: Readonly<Record<string, string | number | boolean>>): string {
  return Object.entries(settings)
    .map(([name, value]) => `${name}: ${value}\n`)
    .join('');
}
