/** `server: embedded(…)` and `server: started`: how a config asks for a throwaway server. */
const SERVER: unique symbol = Symbol.for('@qa/jest-preset/server') as never;

export type Schema = string | readonly string[] | ((address: { url: string }) => unknown);

export interface EmbeddedOptions {
  /**
   * Fills the server once a run: a file, several, a folder of migrations (in order of their names), or a function
   * that gets the address. Relative paths start from the config's folder.
   */
  schema?: Schema;
  /** `worker`: a target for each worker. `run`: one that all workers share. Default: `worker`, and `run` for Kafka. */
  isolation?: 'worker' | 'run';
  /**
   * Folder of the server's own programs. PostgreSQL: instead of the npm package that brings them. Dragonfly, Valkey and
   * Redis: instead of PATH.
   */
  binaries?: string;
  /**
   * Kafka, Cassandra: the server's version, fetched by Maven once. Default: the newest that we test with and the Java
   * here runs.
   */
  version?: string;
  /** Kafka, Cassandra: the folder of your own (with `libs` or `lib`), instead of jars that Maven fetches. */
  home?: string;
  /** Vault: the secrets that it holds from the start, by path: `{ 'secret/shop/db': { user: 'qa' } }`. */
  seed?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  /** Time to start, ms; a first download is not counted. Default: 60000. */
  startTimeout?: number;
}

/** Those of them that mean something for one system. */
export type EmbeddedFor<Key extends keyof EmbeddedOptions> = Pick<EmbeddedOptions, Key | 'isolation' | 'startTimeout'>;

export interface EmbeddedServer<Options extends EmbeddedOptions = EmbeddedOptions> {
  readonly [SERVER]: 'embedded';
  readonly options: Options;
}

/** A server that the user started for the run: given as it is, as a promise, or as a function that starts it. */
export type Lent<T> = T | PromiseLike<T> | (() => T | PromiseLike<T>);

/**
 * A throwaway server that the run starts when a selected test first needs it, and that is gone when the run ends.
 *
 * @example
 * postgres({ server: embedded({ schema: './schema.sql' }) })
 * kafka({ server: embedded() })
 */
export function embedded<Options extends EmbeddedOptions = EmbeddedOptions>(
  // What may be given follows from the connection it is written in, never from what is given.
  options?: NoInfer<Options>,
): EmbeddedServer<Options> {
  return { [SERVER]: 'embedded', options: options ?? ({} as Options) };
}

/** In words, for errors. */
export const SERVER_EXPECTED = 'embedded(…), a started server, or a function that starts one';

/** Whether `value` can be what `server` of a connection is; what is lent is looked at when it is needed. */
export function isServer(value: unknown): value is EmbeddedServer | Lent<object> {
  return (typeof value === 'object' && value !== null) || typeof value === 'function';
}

export function isEmbedded(value: unknown): value is EmbeddedServer {
  return typeof value === 'object' && value !== null && (value as { [SERVER]?: string })[SERVER] === 'embedded';
}
