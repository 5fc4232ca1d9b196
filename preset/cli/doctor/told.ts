/** Errors as findings: what happened apart from the mend, without the name that stands beside it anyway. */
import { isQaError } from '../../../bindings/core/errors.ts';
import type { Finding, FindingTopic } from '../../../bindings/core/finding.ts';

/** What anything that was thrown means to the reader. */
export function troubleOf(error: unknown, about: FindingTopic): Finding {
  if (!isQaError(error)) {
    const what = error instanceof Error ? error.message : String(error);
    return {
      about,
      level: 'trouble',
      what,
      mend: 'Nothing here knows this error: see the documentation of the driver.',
    };
  }
  const { message, connection, address, mend } = error;
  const subject = connection === undefined ? '' : `qa.${connection}${address ? ` (${address})` : ''}: `;
  const start = message.startsWith(subject) ? subject.length : 0;
  const end = message.endsWith(mend) ? message.length - mend.length : message.length;
  const topic = TOPICS[error.code] ?? about;
  return { about: topic, level: 'trouble', what: message.slice(start, end).trim(), mend };
}

const TOPICS: Readonly<Record<string, FindingTopic>> = {
  QA_DRIVER_MISSING: 'driver',
  QA_DRIVER_RANGE: 'driver',
  QA_NO_MARKER: 'reset',
  QA_RESET_FAILED: 'reset',
  QA_FORBIDDEN: 'rights',
  QA_MESSAGE_SCHEMA: 'schema',
  QA_REGISTRY: 'schema',
  QA_SCHEMA_FAILED: 'schema',
};
