import kafkajs from 'kafkajs';

/** Makes topics with so many partitions each, and returns when they can be used. */
export async function makeTopics(brokers: string[], topics: Readonly<Record<string, number>>): Promise<void> {
  const admin = new kafkajs.Kafka({ brokers, logCreator: () => () => undefined }).admin();
  await admin.connect();
  try {
    const wanted = Object.entries(topics).map(([topic, numPartitions]) => ({ topic, numPartitions }));
    await admin.createTopics({ topics: wanted });
  } finally {
    await admin.disconnect();
  }
}
