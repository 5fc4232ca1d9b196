/** How a throwaway broker is set up: one process is broker and controller, small, and quick to start and to end. */
import { join } from 'node:path';

export interface Ports {
  broker: number;
  controller: number;
}

/** The line that a broker writes when it answers. */
export const READY = 'Kafka Server started';

/** Text of `server.properties`. */
export function serverProperties(folder: string, { broker, controller }: Ports): string {
  return lines({
    'process.roles': 'broker,controller',
    'node.id': 1,
    'controller.quorum.voters': `1@127.0.0.1:${controller}`,
    listeners: `PLAINTEXT://127.0.0.1:${broker},CONTROLLER://127.0.0.1:${controller}`,
    'advertised.listeners': `PLAINTEXT://127.0.0.1:${broker}`,
    'controller.listener.names': 'CONTROLLER',
    'inter.broker.listener.name': 'PLAINTEXT',
    'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
    'log.dirs': join(folder, 'data'),
    'num.partitions': 1,
    'auto.create.topics.enable': false,
    // A group's first member need not wait for others.
    'group.initial.rebalance.delay.ms': 0,
    'offsets.topic.num.partitions': 1,
    'offsets.topic.replication.factor': 1,
    'transaction.state.log.num.partitions': 1,
    'transaction.state.log.replication.factor': 1,
    'transaction.state.log.min.isr': 1,
    'share.coordinator.state.topic.replication.factor': 1,
    'share.coordinator.state.topic.min.isr': 1,
    'log.cleaner.enable': false,
    // A broker's start waits for its heartbeats.
    'broker.heartbeat.interval.ms': 50,
    'num.network.threads': 1,
    'num.io.threads': 2,
  });
}

/** Files of the two logging libraries that brokers bring: warnings, and the line that tells that it is ready. */
export const LOGGING = {
  'log4j2.properties': lines({
    'appender.out.type': 'Console',
    'appender.out.name': 'out',
    'appender.out.layout.type': 'PatternLayout',
    'appender.out.layout.pattern': '%p %m%n%ex{1}',
    'rootLogger.level': 'warn',
    'rootLogger.appenderRef.out.ref': 'out',
    'logger.ready.name': 'kafka.server.KafkaRaftServer',
    'logger.ready.level': 'info',
  }),
  'log4j.properties': lines({
    'log4j.rootLogger': 'WARN, out',
    'log4j.appender.out': 'org.apache.log4j.ConsoleAppender',
    'log4j.appender.out.layout': 'org.apache.log4j.PatternLayout',
    'log4j.appender.out.layout.ConversionPattern': '%p %m%n',
    'log4j.logger.kafka.server.KafkaRaftServer': 'INFO',
  }),
} as const;

/** JVM options of a broker: the least memory, and the compiler that is ready first. */
export function jvmOptions(folder: string): string[] {
  return [
    '-Xmx384m',
    '-XX:+UseSerialGC',
    '-XX:TieredStopAtLevel=1',
    `-Dlog4j2.configurationFile=${join(folder, 'log4j2.properties')}`,
    `-Dlog4j.configuration=file:${join(folder, 'log4j.properties')}`,
  ];
}

function lines(settings: Readonly<Record<string, string | number | boolean>>): string {
  return Object.entries(settings)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('');
}
