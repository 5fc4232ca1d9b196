import { existsSync, readFileSync } from 'node:fs';
import { Kafka, logLevel } from 'kafkajs';
import { describe } from 'vitest';
import type { Binding } from '../../../bindings/core/binding.ts';
import type { KafkaClient } from '../../../bindings/kafka/client.ts';
import type { KafkaHandle } from '../../../bindings/kafka/handle.ts';
import { binding } from '../../../bindings/kafka/index.ts';
import { hasKafka, startKafka } from '../../support/kafka.ts';
import { freePort } from '../../support/postgres.ts';
import { bindingContract } from '../contract.ts';

describe.skipIf(!hasKafka())('the contract', () => {
  bindingContract('kafka', {
    binding: binding as unknown as Binding<object, KafkaClient, KafkaHandle>,
    misspelt: { wrong: 'broker', right: 'brokers' },
    wrongType: { input: { record: { messages: '5' } }, path: 'record.messages' },
    async start() {
      const broker = await startKafka({ secure: true });
      const admin = new Kafka({ brokers: broker.brokers, logLevel: logLevel.NOTHING }).admin();
      await admin.connect();
      await admin.createTopics({ topics: [{ topic: 'orders' }], waitForLeaders: true });
      await admin.disconnect();
      const { broker: address, ca, user: username, password } = broker.secure;
      const sasl = { mechanism: 'scram-sha-256', username, password };
      const good = { brokers: [address], ssl: { ca }, sasl };
      return {
        good,
        secrets: [password, 'not-the-password'],
        wrongPassword: { ...good, sasl: { ...sasl, password: 'not-the-password' } },
        refused: { ...good, brokers: [`127.0.0.1:${await freePort()}`] },
        address: `kafka://${address}`,
        touch: (handle) => handle.topic('orders').offsets(),
        // Where the system tells: both ends are this machine's.
        ...(existsSync('/proc/net/tcp') && { connections: async () => established(Number(address.split(':')[1])) }),
        getters: [(handle) => handle.client, (handle) => handle.brokers, (handle) => handle.driver],
        freeze: broker.freeze,
        thaw: broker.thaw,
        crash: broker.kill,
        restart: broker.restart,
        [Symbol.asyncDispose]: () => broker.stop(),
      };
    },
  });
});

const ESTABLISHED = '01';

/** Connections to a port, seen from the side that made them. */
function established(port: number): number {
  const hex = port.toString(16).toUpperCase().padStart(4, '0');
  return ['/proc/net/tcp', '/proc/net/tcp6']
    .flatMap((table) => readFileSync(table, 'utf8').split('\n').slice(1))
    .map((line) => line.trim().split(/\s+/))
    .filter(([, , remote, state]) => remote?.endsWith(`:${hex}`) && state === ESTABLISHED).length;
}
