/** The servers of a run: one for each kind and options, as long as it lives. */
import { startAerospike } from '../aerospike/start.ts';
import { prepareCassandra, startCassandra } from '../cassandra/start.ts';
import { fetchJars } from '../java/fetch.ts';
import { prepareBroker, startKafka } from '../kafka/start.ts';
import { startPostgres } from '../postgres/start.ts';
import type { StartOptions } from '../protocol.ts';
import { startRedis } from '../redis/start.ts';
import { startVault } from '../vault/start.ts';
import { remembered } from './ledger.ts';
import type { Supervised } from './supervise.ts';

/** A server that has started. */
export interface Started {
  process: Supervised;
  /** What the asking processes are told. */
  info: object;
}

/** Starts a server. `onProcess` is told each process before it is ready, so that it can be stopped at any time. */
export type Provider<Options> = (options: Options, onProcess: (process: Supervised) => void) => Promise<Started>;

const PROVIDERS: Readonly<Record<string, Provider<never>>> = {
  postgres: startPostgres,
  kafka: startKafka,
  aerospike: startAerospike,
  cassandra: startCassandra,
  redis: startRedis,
  vault: startVault,
  // What fetches and prepares a server's programs is ended with the run as a server is.
  jars: fetchJars,
  'kafka-prepare': prepareBroker,
  'cassandra-prepare': prepareCassandra,
};

export class Servers {
  readonly #running = new Map<string, Promise<object>>();
  readonly #processes = new Set<Supervised>();
  #isStopped = false;

  start(kind: string, options: StartOptions): Promise<object> {
    const { startTimeout: _, ...identity } = options;
    const key = JSON.stringify([kind, identity]);
    let running = this.#running.get(key);
    if (running === undefined) {
      running = this.#start(kind, options, () => this.#running.delete(key));
      this.#running.set(key, running);
    }
    return running;
  }

  /** Stops all, also those that are about to start. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    await Promise.all(Array.from(this.#processes, (process) => process.stop()));
  }

  async #start(kind: string, options: StartOptions, forget: () => void): Promise<object> {
    const provider = PROVIDERS[kind];
    if (provider === undefined) throw new Error(`There is no throwaway server of the kind ${kind}.`);
    const since = performance.now();
    try {
      const { process, info } = await provider(options as never, (process) => this.#watch(process));
      // A server that dies is started anew for the next one who asks.
      void process.exited.then(forget);
      return info;
    } catch (error) {
      setTimeout(forget, remembered(performance.now() - since)).unref();
      throw error;
    }
  }

  #watch(process: Supervised): void {
    this.#processes.add(process);
    void process.exited.then(() => this.#processes.delete(process));
    if (this.#isStopped) void process.stop();
  }
}
