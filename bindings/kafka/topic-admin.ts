/** Makes and deletes topics, so that the recorder misses nothing of it. */
import type { Admin } from 'kafkajs';
import { integer, object, optional } from '../core/check.ts';
import { clock, pause } from '../core/clock.ts';
import { QaError } from '../core/errors.ts';
import type { KafkaClient } from './client.ts';
import { checkConfiguration, type TopicSettings, topicRequest } from './topic-settings.ts';

export interface CreateOptions extends TopicSettings {
  /** Default: as the config declares it, else 1. */
  readonly partitions?: number;
}

/** Between two looks whether all brokers know of it, ms: no event tells. */
const LOOK = 10;
/** So long a broker that lives may be taken for dead, ms. */
const MOMENT = 2000;

const checkOptions = object({
  partitions: optional(integer(1)),
  replicas: optional(integer(1)),
  config: optional(checkConfiguration),
});

export async function createTopic(client: KafkaClient, name: string, options: CreateOptions): Promise<void> {
  const declared = client.options.topics[name] ?? {};
  const given = { ...declared, ...checked(options, client.scope.connection) };
  const partitions = given.partitions ?? 1;
  await client.recorder.refresh();
  const found = client.recorder.partitions(name).length;
  if (found === 0) {
    await createTopics(client, { [name]: given });
    client.created.add(name);
  } else if (options.partitions !== undefined && found !== partitions) {
    throw new QaError('QA_MISUSE', {
      what: `The topic \`${name}\` is there already, with ${found} partition${found === 1 ? '' : 's'} instead of ${partitions}`,
      mend: 'Delete it first, or take another name: `qa.unique` gives one that nobody else has',
      ...client.place,
    });
  }
}

/** Makes topics that are missing. Another worker may make them at the same time. */
export async function createTopics(
  client: KafkaClient,
  topics: Readonly<Record<string, TopicSettings>>,
): Promise<void> {
  const admin = await client.admin();
  const request = {
    topics: Object.entries(topics).map(([topic, settings]) => topicRequest(topic, settings)),
    waitForLeaders: false,
  };
  const start = clock().now();
  for (;;) {
    try {
      await admin.createTopics(request);
      break;
    } catch (error) {
      // A busy machine may take a broker for dead for a moment: there is none to hold a copy then.
      const isMoment =
        Object.values(topics).every(({ replicas = 1 }) => replicas === 1) && clock().now() - start < MOMENT;
      if (!isMoment || !lacksBrokers(error)) throw error;
      await pause(LOOK);
    }
  }
  await until(client, () =>
    Object.entries(topics).every(([topic, { partitions = 1 }]) => {
      const known = client.recorder.partitions(topic);
      return known.length >= partitions && known.every(({ leader }) => leader >= 0);
    }),
  );
  // The leaders are named before they know of it themselves.
  await client.persistently(() => client.recorder.list(Object.keys(topics), '-1'), undefined);
}

function lacksBrokers(error: unknown): boolean {
  const { errors = [] } = error as { errors?: { type?: string }[] };
  return errors.some(({ type }) => type === 'INVALID_REPLICATION_FACTOR');
}

export async function deleteTopic(client: KafkaClient, name: string): Promise<void> {
  const { scope, created, place } = client;
  if (scope.lease === undefined && !created.has(name)) {
    throw new QaError('QA_NOT_OURS', {
      what: `The topic \`${name}\` was not made by this file's \`create()\`, and the broker is not ours`,
      mend: `To delete it all the same, use \`qa.${place.connection}.client.admin()\``,
      ...place,
    });
  }
  await deleteTopics(client, [name], await client.admin());
}

export async function deleteTopics(client: KafkaClient, names: readonly string[], admin: Admin): Promise<void> {
  await admin.deleteTopics({ topics: [...names] });
  client.producers.renew();
  for (const name of names) {
    client.created.delete(name);
    // What comes under the same name is another topic, also where it is made before anybody saw that this one is gone.
    client.recorder.forget(name);
  }
  await until(client, () => names.every((name) => client.recorder.partitions(name).length === 0));
}

async function until({ recorder }: KafkaClient, isSo: () => boolean): Promise<void> {
  for (;;) {
    await recorder.refresh();
    if (isSo()) return;
    await pause(LOOK);
  }
}

function checked(options: CreateOptions, connection: string): CreateOptions {
  try {
    return checkOptions(options, 'create()');
  } catch (error) {
    const { message } = error as Error;
    throw new QaError('QA_MISUSE', { what: message, mend: 'Correct the call', connection, cause: error });
  }
}
