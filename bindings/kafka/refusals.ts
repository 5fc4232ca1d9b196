/** The broker answered, and refused; or kafkajs itself would not ask. */
import { nearest } from '../core/suggest.ts';
import type { Told } from '../core/told.ts';
import type { Doing, DriverError, KafkaPlace } from './errors.ts';

export function tellRefusal(error: DriverError, place: KafkaPlace, doing: Doing): Told | undefined {
  const type = typeOf(error);
  const topic = doing.topic === undefined ? 'The topic' : `The topic \`${doing.topic}\``;
  const refused = (what: string, mend: string): Told => ['QA_REFUSED', what, mend];
  switch (type) {
    case 'UNKNOWN_TOPIC_OR_PARTITION':
    case 'UNKNOWN_TOPIC_ID':
      return ['QA_NOT_FOUND', `${topic} does not exist`, correction(doing)];
    case 'LEADER_NOT_AVAILABLE':
    case 'NOT_LEADER_FOR_PARTITION':
      return [
        'QA_CONNECTION_LOST',
        `${topic} has a partition that no broker leads now`,
        'Wait until it is led again: it was just made, or a broker is away',
      ];
    case 'INVALID_TOPIC_EXCEPTION':
      return refused(
        `${doing.topic === undefined ? 'The name' : `\`${doing.topic}\``} cannot be a topic's name`,
        'Use letters, digits, `.`, `_` and `-`, at most 249',
      );
    case 'TOPIC_ALREADY_EXISTS':
      return refused(`${topic} exists already`, 'Delete it first, or use it as it is');
    case 'INVALID_PARTITIONS':
      return refused(`${doing.what} failed: the number of partitions cannot be that`, 'Give one from 1 up');
    case 'INVALID_REPLICATION_FACTOR':
      return refused(
        `${doing.what} failed: there are fewer brokers than copies wanted`,
        'Lower the replication factor, or start more brokers',
      );
    case 'INVALID_CONFIG':
      return refused(
        `${doing.what} failed: the broker does not take its configuration`,
        'Correct names and values in `config`',
      );
    case 'POLICY_VIOLATION':
      return refused(`${doing.what} failed: a policy of the broker forbids it`, 'Do as its policy says');
    case 'MESSAGE_TOO_LARGE':
    case 'RECORD_LIST_TOO_LARGE':
      return refused(
        `${topic} does not take messages that large`,
        'Send less at a time, or raise its `max.message.bytes`',
      );
    case 'OFFSET_OUT_OF_RANGE':
      return refused(`${topic} has no such offset`, 'Give one between its first offset and its end');
    case 'INVALID_TIMESTAMP':
      return refused(
        `${topic} does not take that timestamp`,
        'Give one in ms since 1970 that is not too far from now (`message.timestamp.after.max.ms` and `.before.max.ms`)',
      );
    case 'INVALID_RECORD':
      return refused(
        `${topic} refused a message: a compacted topic takes none without a key`,
        'Give it a key, or see which other setting of the topic it violates',
      );
    case 'NOT_ENOUGH_REPLICAS':
      return [
        'QA_TIMEOUT',
        `${topic} has fewer replicas in sync than its \`min.insync.replicas\` wants, and wrote nothing`,
        'Start the missing brokers, or lower `min.insync.replicas`',
      ];
    case 'NOT_ENOUGH_REPLICAS_AFTER_APPEND':
      return [
        'QA_TIMEOUT',
        `${topic} has fewer replicas in sync than its \`min.insync.replicas\` wants: what was sent lies with its leader alone`,
        'Start the missing brokers, or lower `min.insync.replicas`',
      ];
    case 'REQUEST_TIMED_OUT':
      return [
        'QA_TIMEOUT',
        `${doing.what} failed: the broker did not finish it in time`,
        'See how busy it is, and whether all brokers are there',
      ];
    case 'UNSUPPORTED_COMPRESSION_TYPE':
      return refused(`${topic} does not take this compression`, 'Use another `compression`');
    case 'INVALID_PRODUCER_EPOCH':
    case 'PRODUCER_FENCED':
    case 'INVALID_PRODUCER_ID_MAPPING':
      return refused(
        `The producer was shut out: another one uses its transactional id${named(doing.transactionalId)}, or its transaction ran out of time, which aborts it`,
        'Use one transactional id in one place only, or raise `transactionTimeout`',
      );
    case 'INVALID_TXN_STATE':
    case 'TRANSACTION_ABORTABLE':
      return refused('The transaction was aborted by the broker', 'Do all of it again in a new transaction');
    case 'CONCURRENT_TRANSACTIONS':
      return refused(
        `The transactional id${named(doing.transactionalId)} still ends another transaction`,
        'Wait for that one to end, or use an id of its own',
      );
    case 'OUT_OF_ORDER_SEQUENCE_NUMBER':
    case 'UNKNOWN_PRODUCER_ID':
      return refused(
        `${topic} no longer knows the producer's last messages, so that it cannot rule out a doubled or missing one`,
        'See whether the topic was deleted and made again, or its messages deleted, while a producer was in use',
      );
    case 'GROUP_ID_NOT_FOUND':
      return [
        'QA_NOT_FOUND',
        `The group${named(doing.group)} does not exist`,
        'Correct its name: it is the `group.id` of its consumers',
      ];
    case 'NON_EMPTY_GROUP':
      return refused(`The group${named(doing.group)} has members`, 'Stop its consumers first');
    case 'UNSUPPORTED_VERSION':
      return refused(
        `${doing.what} failed: the broker and kafkajs have no version of this request in common`,
        'Use a broker from 2.1 up',
      );
    case 'SECURITY_DISABLED':
      return refused('The broker has no ACLs: no authorizer is set', 'Set its `authorizer.class.name`');
  }
  return forbidden(type, place, doing) ?? tellOwn(error, topic, doing);
}

/** Codes that are newer than kafkajs 2.2.4: its message has the number. */
const NEWER: Readonly<Record<string, string>> = {
  73: 'TOPIC_DELETION_DISABLED',
  90: 'PRODUCER_FENCED',
  100: 'UNKNOWN_TOPIC_ID',
  120: 'TRANSACTION_ABORTABLE',
};

function typeOf({ type, message = '' }: DriverError): string | undefined {
  if (type !== 'KAFKAJS_UNKNOWN_ERROR_CODE') return type;
  return NEWER[/\d+/.exec(message)?.[0] ?? ''] ?? type;
}

const FORBIDDEN: Readonly<Record<string, (doing: Doing) => readonly [resource: string, option: string]>> = {
  TOPIC_AUTHORIZATION_FAILED: ({ topic }) => [`topic${named(topic)}`, `--topic ${topic ?? '…'}`],
  GROUP_AUTHORIZATION_FAILED: ({ group }) => [`group${named(group)}`, `--group ${group ?? '…'}`],
  TRANSACTIONAL_ID_AUTHORIZATION_FAILED: ({ transactionalId }) => [
    `transactional id${named(transactionalId)}`,
    `--transactional-id ${transactionalId ?? '…'}`,
  ],
  CLUSTER_AUTHORIZATION_FAILED: () => ['cluster', '--cluster'],
};

function forbidden(type: string | undefined, { sasl, tls }: KafkaPlace, doing: Doing): Told | undefined {
  const found = FORBIDDEN[type ?? ''];
  if (!found) return undefined;
  const [resource, option] = found(doing);
  const user = sasl?.user ?? (sasl || tls ? undefined : 'ANONYMOUS');
  const right = doing.operation === undefined ? 'the right' : `the right \`${doing.operation}\``;
  return [
    'QA_FORBIDDEN',
    `${doing.what} failed: ${user === undefined ? 'this user' : `the user \`${user}\``} lacks ${right} on the ${resource}`,
    `Allow it: \`kafka-acls.sh --bootstrap-server … --add --allow-principal User:${user ?? '…'} --operation ${doing.operation ?? 'All'} ${option}\`, and remove an ACL that denies it`,
  ];
}

/** What kafkajs says without having asked. */
function tellOwn({ name, message = '' }: DriverError, topic: string, doing: Doing): Told | undefined {
  switch (name) {
    case 'KafkaJSNotImplemented': {
      const codec = /^(\w+) compression/.exec(message)?.[1];
      if (codec === undefined) return undefined;
      return ['QA_REFUSED', `kafkajs has no ${codec} compression`, 'Register a codec for it, or use gzip'];
    }
    case 'KafkaJSMetadataNotLoaded':
    case 'KafkaJSTopicMetadataNotLoaded':
      return ['QA_NOT_FOUND', `${topic} does not exist, as far as kafkajs knows`, correction(doing)];
    case 'KafkaJSServerDoesNotSupportApiKey':
      return ['QA_REFUSED', `${doing.what} failed: the broker does not know this request`, 'Use a newer broker'];
    case 'KafkaJSGroupCoordinatorNotFound': {
      // kafkajs drops the broker's own error here.
      const whose = doing.group ?? doing.transactionalId;
      return [
        'QA_CONNECTION_LOST',
        `${doing.what} failed: no broker tells who coordinates${whose === undefined ? ' it' : named(whose)}`,
        'See whether all brokers run, whether their internal topics could be made, and whether the user has the right `Describe` on it',
      ];
    }
    case 'KafkaJSBrokerNotFound':
      return [
        'QA_CONNECTION_LOST',
        `${doing.what} failed: no broker is there that could do it (${message})`,
        'See whether all brokers run',
      ];
    case 'KafkaJSLockTimeout':
    case 'KafkaJSTimeout':
      return [
        'QA_TIMEOUT',
        `${doing.what} failed: it did not end in time (${message})`,
        'See whether the broker hangs or is busy',
      ];
    default:
      return undefined;
  }
}

function correction({ topic = '', known = [] }: Doing): string {
  const hint = nearest(topic, known);
  return `${hint === undefined ? '' : `Did you mean \`${hint}\`? `}Create it, correct its name, or wait until the system under test has made it`;
}

function named(text: string | undefined): string {
  return text === undefined ? '' : ` \`${text}\``;
}
