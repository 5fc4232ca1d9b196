/** The shop's way to Kafka. */
import kafkajs from 'kafkajs';

/** @param {{ brokers: string[], clientId: string }} options */
export function connectTo({ brokers, clientId }) {
  return new kafkajs.Kafka({
    brokers,
    clientId,
    logLevel: kafkajs.logLevel.ERROR,
    logCreator: () => (entry) => console.error(`${clientId}: kafka: ${entry.log.message} ${entry.log.error ?? ''}`),
  });
}

/** @param {kafkajs.Kafka} kafka */
export function producerOf(kafka) {
  // Named, so that kafkajs does not warn of a change that is years old.
  return kafka.producer({ createPartitioner: kafkajs.Partitioners.DefaultPartitioner });
}
