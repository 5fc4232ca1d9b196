/** `qa` as the functions of a service see it: what they read is noted, and opened or planned before they are called again. */
import { types } from 'node:util';
import { isQaError, QaError } from '../../bindings/core/errors.ts';

/** What the functions of a service have read. */
export interface Reads {
  connections: Set<string>;
  services: Set<string>;
  ports: number[];
}

export interface Sight {
  /** Name of the service. */
  name: string;
  qa: object;
  isConnection(name: string): boolean;
  /** The address of another service; undefined: it is not known yet. */
  addressOf(name: string): string | undefined;
  claimPort(): number;
  /** Opens a connection that was read. */
  open(connection: string): Promise<void>;
  /** Makes another service's address known. */
  plan(service: string): Promise<void>;
}

/** Thrown to the function that reads an address which is not known yet. */
class NotPlanned extends Error {
  readonly service: string;

  constructor(service: string) {
    super(`The address of the service ${service} is not known yet.`);
    this.service = service;
  }
}

/**
 * Calls `read` as often as it comes upon something new.
 *
 * @throws QaError QA_CONFIG when it throws for another reason
 */
export async function evaluate<T>(read: (qa: object) => T | Promise<T>, reads: Reads, sight: Sight): Promise<T> {
  const met = new Set<string>();
  for (;;) {
    let ports = 0;
    const port = () => {
      ports += 1;
      reads.ports[ports - 1] ??= sight.claimPort();
      return reads.ports[ports - 1]!;
    };
    try {
      return await read(track(port, reads, sight));
    } catch (error) {
      const missing = missingConnection(error);
      if (error instanceof NotPlanned && !met.has(error.service)) {
        met.add(error.service);
        await sight.plan(error.service);
      } else if (missing !== undefined && !met.has(missing)) {
        met.add(missing);
        await sight.open(missing);
      } else throw failed(error, sight.name);
    }
  }
}

function track(port: () => number, reads: Reads, { qa, isConnection, addressOf }: Sight): object {
  const service = (name: string) => {
    const handle = (Reflect.get(qa, 'service') as (name: string) => object)(name);
    reads.services.add(name);
    return new Proxy(handle, {
      get(target, key) {
        if (key !== 'url') return Reflect.get(target, key);
        const url = addressOf(name);
        if (url === undefined) throw new NotPlanned(name);
        return url;
      },
    });
  };
  const own: Readonly<Record<string, unknown>> = { port, service };
  return new Proxy(qa, {
    get(target, key) {
      if (typeof key === 'string' && isConnection(key)) reads.connections.add(key);
      return typeof key === 'string' && Object.hasOwn(own, key) ? own[key] : Reflect.get(target, key);
    },
  });
}

/** The connection that has to be opened first. */
function missingConnection(error: unknown): string | undefined {
  if (!isQaError(error)) return undefined;
  return error.code === 'QA_NOT_OPEN' || error.code === 'QA_NOT_SELECTED' ? error.connection : undefined;
}

function failed(error: unknown, name: string): QaError {
  if (isQaError(error)) return error;
  const said = types.isNativeError(error) ? error.message : String(error);
  return new QaError('QA_CONFIG', {
    what: `The function \`services.${name}.env\` failed: ${said}`,
    mend: 'Mend what it throws; its own stack is the cause of this error',
    cause: error,
  });
}
