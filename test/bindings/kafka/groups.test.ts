/** What consumer groups have worked through, on a real broker with real consumers. */
import {
  AclOperationTypes,
  AclPermissionTypes,
  AclResourceTypes,
  type Admin,
  type Consumer,
  type ConsumerConfig,
  type EachMessagePayload,
  type ITopicConfig,
  Kafka,
  type KafkaJSAggregateError,
  logLevel,
  type Producer,
  ResourcePatternTypes,
} from 'kafkajs';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { QaError } from '../../../bindings/core/errors.ts';
import type { MessageView } from '../../../bindings/core/messages.ts';
import { SOURCE } from '../../../bindings/core/source.ts';
import type { KafkaClient } from '../../../bindings/kafka/client.ts';
import { clusterOf, Sockets } from '../../../bindings/kafka/cluster.ts';
import type { KafkaHandle } from '../../../bindings/kafka/handle.ts';
import { binding } from '../../../bindings/kafka/index.ts';
import { hasKafka, startKafka, type TestKafka } from '../../support/kafka.ts';
import { type OpenConnection, openBinding } from '../../support/scope.ts';
import { hasCompiler, startJavaMember } from './support/java-member.ts';

/** Opened when a test ends, however: a consumer that works on a message cannot be disconnected. */
const gates: Gate[] = [];

/** On a busy machine. */
const SOON = { timeout: 10_000 };

/** What a service lets through: one after the other, when the test says so. */
class Gate {
  readonly arrived: string[] = [];
  #open = false;
  #waiting: (() => void)[] = [];

  constructor() {
    gates.push(this);
  }

  pass(name: string): Promise<void> {
    this.arrived.push(name);
    return this.#open ? Promise.resolve() : new Promise((resolve) => this.#waiting.push(resolve));
  }

  open(): void {
    this.#open = true;
    for (const go of this.#waiting.splice(0)) go();
  }
}

describe.skipIf(!hasKafka())('consumer groups', () => {
  let broker: TestKafka;
  let kafka: Kafka;
  let admin: Admin;
  let producer: Producer;
  let open: OpenConnection<KafkaClient, KafkaHandle>;
  let consumers: Consumer[] = [];
  let count = 0;
  let orders = '';
  let payments = '';
  let billing = '';

  beforeAll(async () => {
    broker = await startKafka();
    kafka = new Kafka({
      brokers: broker.brokers,
      logLevel: logLevel.NOTHING,
      requestTimeout: 3000,
      retry: { retries: 10, initialRetryTime: 30, maxRetryTime: 200 },
    });
    admin = kafka.admin();
    producer = kafka.producer();
    await Promise.all([admin.connect(), producer.connect()]);
  }, 60_000);
  afterAll(async () => {
    await Promise.all([admin?.disconnect(), producer?.disconnect()]);
    await broker?.stop();
  });
  beforeEach(async () => {
    count += 1;
    [orders, payments, billing] = [`orders-${count}`, `payments-${count}`, `billing-${count}`];
    await make({ topic: orders, numPartitions: 2 }, { topic: payments });
    open = await openBinding(binding, { brokers: broker.brokers });
  });
  afterEach(async () => {
    for (const gate of gates.splice(0)) gate.open();
    await Promise.all(consumers.map((consumer) => consumer.disconnect()));
    consumers = [];
    await open[Symbol.asyncDispose]();
  });

  /** A busy machine may take a broker for dead for a moment: there are no brokers to make topics on then. */
  const make = (...topics: ITopicConfig[]) =>
    expect
      .poll(
        () =>
          admin.createTopics({ topics, waitForLeaders: true }).catch((error: KafkaJSAggregateError) => error.errors),
        {
          ...SOON,
        },
      )
      .toBeTypeOf('boolean');
  const view = (topic: string): Promise<MessageView> =>
    open.handle.topic(topic)[SOURCE].open('test', AbortSignal.timeout(5000));
  const valuesOf = ({ received }: MessageView) =>
    Array.from({ length: received.length }, (_, index) => received.at(index)?.fields.value);
  const after = async (topic: string, group: string, ms = 10_000) =>
    (await view(topic)).afterGroup!(group, AbortSignal.timeout(ms));
  const failure = (topic: string, group: string, ms: number) =>
    after(topic, group, ms).then(
      () => {
        throw new Error('It was done.');
      },
      ({ code, message }: QaError) => `${code}: ${message.replace(/:\d+\)/, ':PORT)').replaceAll(`-${count}`, '')}`,
    );
  const send = (topic: string, ...values: string[]) =>
    producer.send({ topic, messages: values.map((value) => ({ value, partition: 0 })) });

  /** A member of `group` that reads `topic` from its beginning. Fulfilled when it has its partitions. */
  async function join(
    group: string,
    topic: string,
    work: (payload: EachMessagePayload) => Promise<void>,
    {
      client = kafka,
      fromBeginning = true,
      ...config
    }: Partial<ConsumerConfig> & {
      client?: Kafka;
      fromBeginning?: boolean;
    } = {},
  ): Promise<Consumer> {
    const consumer = client.consumer({ groupId: group, heartbeatInterval: 200, maxWaitTimeInMs: 50, ...config });
    consumers.push(consumer);
    await consumer.connect();
    await consumer.subscribe({ topic, fromBeginning });
    const joined = new Promise((resolve) => consumer.on(consumer.events.GROUP_JOIN, resolve));
    await consumer.run({ eachMessage: work });
    await joined;
    return consumer;
  }

  test('a slow consumer that writes before it commits: silence holds only when it is through', async () => {
    const gate = new Gate();
    await join(billing, orders, async ({ message }) => {
      await gate.pass(`${message.value}`);
      await send(payments, `paid ${message.value}`);
    });
    await send(orders, 'o-1', 'o-2');
    await expect.poll(() => gate.arrived, SOON).toEqual(['o-1']);
    let isDone = false;
    const watched = await view(payments);
    const done = watched.afterGroup!(billing, AbortSignal.timeout(20_000)).then(() => {
      isDone = true;
      return valuesOf(watched);
    });
    expect(await open.handle.topic(orders).lag(billing)).toBe(2);
    expect(isDone).toBe(false);
    gate.open();
    expect(await done).toEqual(['paid o-1', 'paid o-2']);
    expect(await open.handle.topic(orders).lag(billing)).toBe(0);
    // Nothing lies before it: done at once.
    await after(payments, billing);
  });

  test('what comes after the call is not waited for', async () => {
    const gate = new Gate();
    await join(billing, orders, ({ message }) => (`${message.value}` === 'o-1' ? Promise.resolve() : gate.pass('o-2')));
    await send(orders, 'o-1');
    await after(payments, billing);
    await send(orders, 'o-2');
    await expect.poll(() => gate.arrived, SOON).toEqual(['o-2']);
    expect(await failure(payments, billing, 300)).toMatch(
      /^QA_WAIT_FAILED: qa\.db \(kafka:\/\/127\.0\.0\.1:PORT\): The group `billing` has not worked through all that lay before it: offset 1 of partition 0 of `orders` is not committed\. See whether its consumers \(kafkajs on 127\.0\.0\.1\) hang or fail on a record, or give them more time with `within`$/,
    );
    gate.open();
    await after(payments, billing);
  });

  test('a tail that was aborted, and markers, are nobody’s to commit', async () => {
    const seen: string[] = [];
    const consumer = await join(billing, orders, async ({ message, partition }) => {
      seen.push(`${message.value}`);
      const offset = `${Number(message.offset) + 1}`;
      await consumer.commitOffsets([{ topic: orders, partition, offset }]);
    });
    const transactional = kafka.producer({ transactionalId: `t-${count}`, idempotent: true, maxInFlightRequests: 1 });
    await transactional.connect();
    const write = async (end: 'commit' | 'abort', ...values: string[]) => {
      const transaction = await transactional.transaction();
      await transaction.send({ topic: orders, messages: values.map((value) => ({ value, partition: 0 })) });
      await transaction[end]();
    };
    try {
      await write('commit', 'o-1');
      for (let i = 0; i < 30; i += 1) await write('abort', `lost-${i}`);
      await expect.poll(() => seen, SOON).toEqual(['o-1']);
      await after(payments, billing);
      expect(await open.handle.topic(orders).lag(billing)).toBe(0);
    } finally {
      await transactional.disconnect();
    }
  });

  test('a consumer that writes and commits in one transaction', async () => {
    const transactional = kafka.producer({ transactionalId: `eos-${count}`, idempotent: true, maxInFlightRequests: 1 });
    await transactional.connect();
    const consumer = kafka.consumer({ groupId: billing, maxWaitTimeInMs: 50 });
    consumers.push(consumer);
    await consumer.connect();
    await consumer.subscribe({ topic: orders, fromBeginning: true });
    await consumer.run({
      autoCommit: false,
      eachMessage: async ({ message, partition }) => {
        const transaction = await transactional.transaction();
        await transaction.send({ topic: payments, messages: [{ value: `paid ${message.value}` }] });
        await transaction.sendOffsets({
          consumerGroupId: billing,
          topics: [{ topic: orders, partitions: [{ partition, offset: `${Number(message.offset) + 1}` }] }],
        });
        await transaction.commit();
      },
    });
    const watched = await view(payments);
    await send(orders, 'o-1', 'o-2', 'o-3');
    await watched.afterGroup!(billing, AbortSignal.timeout(20_000));
    expect(valuesOf(watched)).toEqual(['paid o-1', 'paid o-2', 'paid o-3']);
    await transactional.disconnect();
  });

  test('a chain: one group after the other', async () => {
    const shipping = `shipping-${count}`;
    const parcels = `parcels-${count}`;
    await make({ topic: parcels });
    const gate = new Gate();
    await join(billing, orders, async ({ message }) => {
      await gate.pass('billing');
      await send(payments, `paid ${message.value}`);
    });
    await join(shipping, payments, async ({ message }) => {
      await gate.pass('shipping');
      await send(parcels, `sent: ${message.value}`);
    });
    const watched = await view(parcels);
    await send(orders, 'o-1');
    await expect.poll(() => gate.arrived, SOON).toEqual(['billing']);
    const chain = (async () => {
      for (const group of [billing, shipping]) await watched.afterGroup!(group, AbortSignal.timeout(20_000));
      return valuesOf(watched);
    })();
    gate.open();
    expect(await chain).toEqual(['sent: paid o-1']);
  });

  test('no such group: the nearest is named', async () => {
    await join(billing, orders, async () => undefined);
    expect(await failure(payments, billing.replace('billing', 'biling'), 300)).toBe(
      'QA_WAIT_FAILED: qa.db (kafka://127.0.0.1:PORT): There is no consumer group `biling`. Did you mean `billing`?',
    );
    expect(await failure(payments, 'accounting', 300)).toBe(
      'QA_WAIT_FAILED: qa.db (kafka://127.0.0.1:PORT): There is no consumer group `accounting`. Give the `group.id` of the consumers, and see whether the service runs and has joined.',
    );
    await expect(open.handle.topic(orders).lag('accounting')).rejects.toMatchObject({
      code: 'QA_NOT_FOUND',
      message: expect.stringContaining('There is no consumer group `accounting`.'),
    });
    await expect(open.handle.topic(payments).lag(billing)).rejects.toMatchObject({
      code: 'QA_NOT_FOUND',
      message: expect.stringContaining(`The group \`${billing}\` does not read \`${payments}\`; it reads ${orders}.`),
    });
  });

  test('a group that comes while it is waited for is waited for', async () => {
    await send(orders, 'o-1');
    const watched = await view(payments);
    const done = watched.afterGroup!(billing, AbortSignal.timeout(20_000));
    await join(billing, orders, async ({ message }) => void (await send(payments, `paid ${message.value}`)));
    await done;
    expect(valuesOf(watched)).toEqual(['paid o-1']);
  });

  test('nobody works for the group any more', async () => {
    const consumer = await join(billing, orders, async () => undefined);
    await send(orders, 'o-1');
    await after(payments, billing);
    await consumer.disconnect();
    expect(await failure(payments, billing, 300)).toBe(
      'QA_WAIT_FAILED: qa.db (kafka://127.0.0.1:PORT): The group `billing` has no members, so nobody works for it, though all is committed. See whether its service runs, or why its consumers have left.',
    );
    await send(orders, 'o-2');
    expect(await failure(payments, billing, 300)).toContain(
      'has no members, so nobody works for it: offset 1 of partition 0 of `orders` is not committed.',
    );
  });

  test('a consumer that dies midway', async () => {
    const gate = new Gate();
    const sockets = new Sockets();
    const client = new Kafka({
      brokers: broker.brokers,
      clientId: 'billing-service',
      logLevel: logLevel.NOTHING,
      retry: { retries: 0 },
      socketFactory: sockets.factory,
    });
    const work = async ({ message }: EachMessagePayload) => {
      if (`${message.value}` !== 'o-1') await gate.pass(`${message.value}`);
    };
    await join(billing, orders, work, { client, sessionTimeout: 6000 });
    await send(orders, 'o-1');
    await after(payments, billing);
    await send(orders, 'o-2', 'o-3');
    await expect.poll(() => gate.arrived, SOON).toEqual(['o-2']);
    const failed = failure(payments, billing, 1000);
    sockets.destroy();
    gate.open();
    // Until its session times out it is a member.
    expect(await failed).toMatch(
      /has not worked through all that lay before it: offsets 1 to 2 of partition 0 of `orders` are not committed\. See whether its consumers \(billing-service on 127\.0\.0\.1\) hang/,
    );
  });

  test('a partition that has records and no commit', async () => {
    await send(orders, 'before', 'before too');
    await join(billing, orders, async () => undefined, { fromBeginning: false });
    expect(await failure(payments, billing, 300)).toBe(
      'QA_WAIT_FAILED: qa.db (kafka://127.0.0.1:PORT): The group `billing` has not worked through all that lay before it: of partition 0 of `orders`, which has offsets 0 to 1, it has committed none. See whether its consumers (kafkajs on 127.0.0.1) hang or fail. One that begins at the end of a topic commits nothing until a record comes: let it begin at the first (`auto.offset.reset=earliest`)',
    );
  });

  test('it rebalances: told while it does, done when it is through', async () => {
    const gate = new Gate();
    await join(billing, orders, () => gate.pass('first'), { rebalanceTimeout: 30_000 });
    await send(orders, 'o-1');
    await expect.poll(() => gate.arrived, SOON).toEqual(['first']);
    const second = join(billing, orders, async () => undefined);
    await expect.poll(async () => (await admin.describeGroups([billing])).groups[0]?.state).toBe('PreparingRebalance');
    expect(await failure(payments, billing, 300)).toMatch(
      // What its members read may be unknown meanwhile.
      /The group `billing` is rebalancing \(PreparingRebalance, 2 members\)(: of partition 0 of `orders`, which has offset 0, it has committed none)?\. Give it more time/,
    );
    gate.open();
    await second;
    await after(payments, billing);
  });

  test('somebody who assigns partitions to himself and only commits', async () => {
    const cluster = clusterOf(kafka);
    await cluster.connect();
    try {
      await cluster.refreshMetadata();
      const commit = async (offset: string) =>
        (await cluster.findGroupCoordinator({ groupId: billing })).offsetCommit({
          groupId: billing,
          groupGenerationId: -1,
          memberId: '',
          topics: [{ topic: orders, partitions: [{ partition: 0, offset }] }],
        });
      await send(orders, 'o-1', 'o-2');
      await commit('1');
      expect(await failure(payments, billing, 300)).toContain('offset 1 of partition 0 of `orders` is not committed');
      await commit('2');
      await after(payments, billing);
    } finally {
      await cluster.disconnect();
    }
  });

  const withJava = hasKafka() && hasCompiler() ? test : test.skip;
  withJava.each(['classic', 'consumer'] as const)(
    "Kafka's own client, in a group of the %s protocol",
    async (protocol) => {
      const where = { version: broker.version, broker: broker.broker, group: billing, topic: orders };
      await using member = startJavaMember({ ...where, protocol });
      await send(orders, 'o-1', 'o-2');
      await expect.poll(() => member.lines, { timeout: 30_000 }).toContain('got o-2');
      expect(await failure(payments, billing, 300)).toBe(
        'QA_WAIT_FAILED: qa.db (kafka://127.0.0.1:PORT): The group `billing` has not worked through all that lay before it: of partition 0 of `orders`, which has offsets 0 to 1, it has committed none. See whether its consumers (java-service on 127.0.0.1) hang or fail. One that begins at the end of a topic commits nothing until a record comes: let it begin at the first (`auto.offset.reset=earliest`)',
      );
      const done = after(payments, billing, 20_000);
      member.commit();
      await done;
      expect(await open.handle.topic(orders).lag(billing)).toBe(0);
      await member[Symbol.asyncDispose]();
      expect(await failure(payments, billing, 300)).toContain('The group `billing` has no members');
    },
  );

  test('the topic that is watched is made by the group itself', async () => {
    const late = `late-${count}`;
    await join(billing, orders, async () => {
      await make({ topic: late });
      await send(late, 'made');
    });
    const watched = await view(late);
    await send(orders, 'o-1');
    await watched.afterGroup!(billing, AbortSignal.timeout(20_000));
    expect(valuesOf(watched)).toEqual(['made']);
  });

  test('a broker that hangs does not keep it from ending, and one that is back is asked again', {
    timeout: 60_000,
  }, async () => {
    const pay = async ({ message }: EachMessagePayload) => void (await send(payments, `paid ${message.value}`));
    // A member that has lost its broker comes back as another one, for which the group waits until the old one is out.
    await join(billing, orders, pay, { sessionTimeout: 6000 });
    await send(orders, 'o-1');
    const watched = await view(payments);
    await watched.afterGroup!(billing, AbortSignal.timeout(10_000));
    broker.freeze();
    const abort = new AbortController();
    const ended = watched.afterGroup!(billing, abort.signal).catch((error: QaError) => error.code);
    // It is under way.
    await new Promise((resolve) => setImmediate(resolve));
    const start = performance.now();
    abort.abort(new DOMException('The wait is over.', 'TimeoutError'));
    expect(await ended).toBe('QA_WAIT_FAILED');
    // Far from the 10 s that a request may take.
    expect(performance.now() - start).toBeLessThan(1000);
    const patient = watched.afterGroup!(billing, AbortSignal.timeout(40_000));
    broker.thaw();
    await patient;
    await broker.restart();
    await watched.afterGroup!(billing, AbortSignal.timeout(40_000));
  });
});

describe.skipIf(!hasKafka())('a consumer group that may not be looked at', () => {
  test('is told at once, with the right that is lacking', async () => {
    await using broker = await startKafka({ secure: true });
    const admin = new Kafka({ brokers: broker.brokers, logLevel: logLevel.NOTHING }).admin();
    await admin.connect();
    const { ca, user: username, password } = broker.secure;
    try {
      await admin.createTopics({ topics: [{ topic: 'orders' }], waitForLeaders: true });
      await admin.createAcls({
        acl: [
          {
            resourceType: AclResourceTypes.GROUP,
            resourceName: 'billing',
            resourcePatternType: ResourcePatternTypes.LITERAL,
            operation: AclOperationTypes.ALL,
            permissionType: AclPermissionTypes.DENY,
            principal: `User:${username}`,
            host: '*',
          },
        ],
      });
    } finally {
      await admin.disconnect();
    }
    await using open = await openBinding(binding, {
      brokers: broker.secure.broker,
      ssl: { ca },
      sasl: { mechanism: 'SCRAM-SHA-512', username, password },
    });
    const view = await open.handle.topic('orders')[SOURCE].open('test', AbortSignal.timeout(5000));
    const error: QaError = await view.afterGroup!('billing', AbortSignal.timeout(20_000)).catch((reason) => reason);
    expect(error.code).toBe('QA_FORBIDDEN');
    expect(error.message).toContain(
      'Asking how far the group `billing` is failed: the user `tester` lacks the right `Describe` on the group `billing`. Allow it: `kafka-acls.sh',
    );
  });
});
