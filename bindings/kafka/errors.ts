/** What kafkajs and the broker say, in words that name the connection, its address and the mend. */
import { type ErrorCode, isQaError, QaError } from '../core/errors.ts';
import type { Told } from '../core/told.ts';
import { ticketError } from './gssapi.ts';
import { tellRefusal } from './refusals.ts';
import { tellUnreachable } from './unreachable.ts';

export interface KafkaPlace {
  connection: string;
  /** Redacted: `kafka://127.0.0.1:9092`. */
  address: string;
  /** `host:port`, as configured: an address that is not among them came from a broker. */
  brokers: readonly string[];
  tls: boolean;
  sasl: { mechanism: string; user: string | undefined } | undefined;
  /** `host:port` of whatever has answered once: see Sockets. */
  answered: ReadonlySet<string>;
  redact(text: string): string;
}

/** What was being done when it failed. */
export interface Doing {
  /** A sentence's beginning: `Sending to the topic \`orders\``. */
  what: string;
  topic?: string | undefined;
  group?: string | undefined;
  transactionalId?: string | undefined;
  /** As ACLs call it: `Write`, `Describe`. */
  operation?: string | undefined;
  /** Topics that exist, to name the nearest. */
  known?: readonly string[] | undefined;
  /** Messages are on their way: where an answer is missing, nobody knows whether they were written. */
  isWrite?: boolean | undefined;
}

/** What a kafkajs error may carry. */
export interface DriverError {
  name?: string;
  message?: string;
  type?: string;
  code?: string | number;
  broker?: string;
  topic?: string;
  cause?: unknown;
  errors?: unknown[];
  /** Of KafkaJSDeleteTopicRecordsError. */
  partitions?: { error?: unknown }[];
}

/** A QaError for whatever kafkajs threw; an error of ours is handed on as it is. */
export function kafkaError(error: unknown, place: KafkaPlace, doing: Doing | string): QaError {
  if (isQaError(error)) return error;
  const task = typeof doing === 'string' ? { what: doing } : doing;
  const root = rootOf(error);
  if (isQaError(root)) return root;
  const tickets = ticketError(root);
  if (tickets)
    return new QaError(tickets.code, {
      what: 'The login by GSSAPI failed',
      mend: tickets.message,
      connection: place.connection,
      address: place.address,
      cause: tickets,
    });
  const [code, told, mend] = tell(root, place, root.topic === undefined ? task : { topic: root.topic, ...task });
  const isUnknown = task.isWrite === true && UNKNOWN.has(code) && !isUnsent(root, place);
  const what = isUnknown ? `${told}. It is unknown whether the messages were written` : told;
  return new QaError(code, {
    what: place.redact(what),
    mend: place.redact(mend),
    connection: place.connection,
    address: place.address,
    cause: error,
  });
}

/** Without an answer nobody knows: a rejected send is not an unwritten one. */
const UNKNOWN: ReadonlySet<ErrorCode> = new Set(['QA_TIMEOUT', 'QA_CONNECTION_LOST']);

function isUnsent({ type, broker }: DriverError, { answered }: KafkaPlace): boolean {
  if (type === 'NOT_ENOUGH_REPLICAS' || type === 'LEADER_NOT_AVAILABLE') return true;
  return broker === undefined ? answered.size === 0 : !answered.has(broker);
}

/** kafkajs wraps what it has given up on, and what it will not try again. */
function rootOf(error: unknown): DriverError {
  const { name = '', cause, errors, partitions } = (error ?? {}) as DriverError;
  if (errors && errors.length > 0) return rootOf(errors[0]);
  const failed = partitions?.find((partition) => partition.error);
  if (failed) return rootOf(failed.error);
  if (WRAPPERS.has(name) && typeof cause === 'object' && cause !== null) return rootOf(cause);
  return (error ?? {}) as DriverError;
}

const WRAPPERS = new Set(['KafkaJSNumberOfRetriesExceeded', 'KafkaJSNonRetriableError', 'KafkaJSError']);

function tell(error: DriverError, place: KafkaPlace, doing: Doing): Told {
  const told = tellUnreachable(error, place) ?? tellRefusal(error, place, doing);
  if (told) return told;
  const { name = '', message = '', type } = error;
  return [
    'QA_REFUSED',
    `${doing.what} failed: ${message || name || 'kafkajs gave no reason'}${type ? ` (${type})` : ''}`,
    'See the cause, and what the broker writes to its log',
  ];
}
