/** What a `qa.config` says of the services under test. */
import type { Reference } from '../../bindings/core/reference.ts';
import type { QaBase } from '../qa.ts';
import type { Connections, Handles } from './define.ts';

/** What the functions of a service get: all of `qa`. The connections that they read are open. */
export type ServiceQa<C extends Connections = Connections> = QaBase & Handles<C>;

/** A service under test: a command, a function that starts it, or the address of one that runs already. */
export type Service<C extends Connections = Connections> = CommandService<C> | FunctionService<C> | DeployedService;

/** How it is known that a service can be used. */
export interface ServiceReady<C extends Connections> {
  /**
   * Default: its port takes connections; without a port it is ready as soon as it runs.
   * - a path such as `/health`, or a whole address: a GET of it answers 2xx
   * - any other text, or a RegExp: it prints a line with it
   * - a function: what it returns is true. While it returns something else, or throws, it is called again.
   */
  ready?: string | RegExp | ((qa: ServiceQa<C>) => unknown);
  /** Time from its start until it is ready, ms. Default: 60000. */
  startTimeout?: number;
}

/** A service that the run starts as a process of its own, and that is gone when the run ends, its children too. */
export interface CommandService<C extends Connections = Connections> extends ServiceReady<C> {
  /** A line for the shell, or a program and its arguments. */
  command: string | readonly string[];
  /** Where it runs, from the config's folder. Default: the config's folder. */
  cwd?: string;
  /**
   * Variables on top of those that the tests have; `undefined` takes one away. A function may read addresses of
   * connections (`qa.db.url`) and of other services, which are started before, and take free ports (`qa.port()`).
   */
  env?:
    | Readonly<Record<string, string | undefined>>
    | ((
        qa: ServiceQa<C>,
      ) => Readonly<Record<string, string | undefined>> | Promise<Readonly<Record<string, string | undefined>>>);
  /** Its address. Default: `http://127.0.0.1:` and the first port that `env` took, else its variable PORT. */
  url?: string | ((port: number) => string);
  /**
   * `run`: one for the whole run; one for each worker where it reads what each worker has of its own, as a throwaway
   * database. `worker`: one for each worker. `file`: one for each test file. Default: `run`.
   */
  scope?: 'run' | 'worker' | 'file';
  /**
   * Files and folders, from `cwd`: in watch mode it is started anew when something there has changed. Default: the files
   * that the command names, and all beside those in a folder below `cwd`.
   */
  watch?: readonly string[];
  start?: never;
}

/** A service that runs in the process of the tests: one for each test file. */
export interface FunctionService<C extends Connections = Connections> {
  /** Starts it; when it returns the service is ready. `stop` is called when the file ends. */
  start: (qa: ServiceQa<C>) => StartedService | Promise<StartedService>;
  /** Time for `start` to return, ms. Default: 60000. */
  startTimeout?: number;
  scope?: 'file';
  url?: never;
}

export interface StartedService {
  url?: string;
  stop?: () => unknown;
}

/** A service that runs elsewhere: it is neither started nor ended. */
export interface DeployedService {
  url: string | Reference<string>;
  start?: never;
}
