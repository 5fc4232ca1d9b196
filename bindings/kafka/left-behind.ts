/** What tests have made by the real client and not disconnected: it would try to come back for ever. */
import type { Kafka } from 'kafkajs';
import { clock } from '../core/clock.ts';

/** Time to leave groups in order, ms: a broker that hangs must not hold the file's end. */
const PATIENCE = 500;

interface Disconnectable {
  disconnect(): Promise<void>;
}

/** Watches the client's own factories; the function returned disconnects all that they have made. */
export function watchFactories(kafka: Kafka): () => Promise<void> {
  const made = new Set<Disconnectable>();
  for (const name of ['consumer', 'producer', 'admin'] as const) {
    const make = kafka[name].bind(kafka) as (config?: never) => Disconnectable;
    Object.defineProperty(kafka, name, {
      configurable: true,
      writable: true,
      value: (config?: never) => {
        const one = make(config);
        made.add(one);
        return one;
      },
    });
  }
  return async () => {
    if (made.size === 0) return;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = clock().setTimeout(resolve, PATIENCE);
    });
    // What fails to disconnect loses its sockets next.
    await Promise.race([Promise.allSettled([...made].map((one) => one.disconnect())), late]);
    clock().clearTimeout(timer);
  };
}
