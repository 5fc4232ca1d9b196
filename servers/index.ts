/** How a run gets servers of its own. */
import type { Lease, Namespace } from '../bindings/core/binding.ts';
import { QaError } from '../bindings/core/errors.ts';

export interface LeaseRequest {
  kind: string;
  /** `embedded(…)`, or a started testcontainers object. */
  server: unknown;
  connection: string;
  namespace: Namespace;
  baseDir: string;
  driver: unknown;
  notice(line: string): void;
}

export async function lease(request: LeaseRequest): Promise<Lease> {
  throw new QaError('QA_SERVER_START', {
    what: `No throwaway server of kind \`${request.kind}\` can be started yet`,
    mend: 'Give the connection an address instead',
    connection: request.connection,
  });
}
