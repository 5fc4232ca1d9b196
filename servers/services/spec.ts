/** What is said of services between a run's processes: all of it travels as JSON. */

/** How it is known that a service can be used. */
export type Readiness =
  /** Its port takes connections. */
  | { by: 'port' }
  /** A GET of this address succeeds. */
  | { by: 'http'; address: string }
  /** It prints a line that has this text. */
  | { by: 'text'; text: string }
  /** It prints a line that this expression matches. */
  | { by: 'pattern'; source: string; flags: string }
  /** The worker that asked for it says so. */
  | { by: 'judge' }
  /** As soon as it runs. */
  | { by: 'none' };

export interface ServiceSpec {
  /** In the config. */
  name: string;
  /** There is one service for each: the name, and with it the worker where each has its own. */
  slot: string;
  /** Ends with the process that asked for it. */
  isOfFile: boolean;
  /** A line for the shell, or a program and its arguments. */
  command: string | readonly string[];
  /** Absolute. */
  cwd: string;
  /** All of its environment. */
  env: Readonly<Record<string, string>>;
  /** What its `env` gave, with ports handed out replaced by their number: what tells one service from another. */
  own: Readonly<Record<string, string>>;
  /** Those that were handed out for it. */
  ports: readonly number[];
  /** Where it listens. */
  port?: number;
  url?: string;
  ready: Readiness;
  /** ms */
  startTimeout: number;
  /** Absolute paths: when something below them is newer than the service, it is started anew. */
  watch: readonly string[];
}

export type ServiceCall =
  /** What runs. */
  | { do: 'look'; slots: readonly string[] }
  /** Starts it, or gives the running one. */
  | { do: 'start'; spec: ServiceSpec }
  /** Answers `judge`: it is ready, or why it never will be. */
  | { do: 'judged'; slot: string; id: string; trouble?: string }
  | { do: 'restart'; slot: string; onlyEnded?: boolean }
  /** Ends it for good. */
  | { do: 'stop'; slot: string }
  | { do: 'kill'; slot: string; signal: string }
  /** What was printed from a moment on. */
  | { do: 'output'; slot: string; since: number; most: number }
  /** Remembers what a worker's targets hold; gives what was remembered before. */
  | { do: 'ground'; worker: string; state: GroundState };

export interface GroundState {
  /** Nothing but what services wrote at their start is there. */
  isClean: boolean;
  /** Which process of each slot wrote it. */
  services: Readonly<Record<string, string>>;
}

/** Answer to `start` and `restart`. */
export type StartAnswer =
  | { running: Running }
  /** The asker judges whether it is ready. */
  | { judge: Running }
  /** Somebody else took a port that was handed out for it: give it others. */
  | { portTaken: true };

export interface Running {
  /** Of this process of the service: another one has another. */
  id: string;
  slot: string;
  url?: string;
  /** Tells whether it is the very service that is asked for. */
  fingerprint: string;
  /** How it ended; undefined while it runs. */
  ended?: Ended;
}

export interface Ended {
  code: number | null;
  signal: string | null;
  /** On the clock of `machineTime`. */
  at: number;
  /** A test ended it. */
  onPurpose: boolean;
}

export interface Printed {
  lines: string[];
  /** There were more before them. */
  isCut: boolean;
  /** How it last ended since, though it may run again by now. */
  ended?: Ended;
}

/** The same for the services that are the same: ports differ from one attempt to the next. */
export function fingerprintOf({ command, cwd, own, ready }: ServiceSpec): string {
  return JSON.stringify([command, cwd, own, ready.by]);
}

const hrtime = process.hrtime.bigint.bind(process.hrtime);

/** Milliseconds on a clock that all processes of a machine share, and that fake timers cannot stop. */
export function machineTime(): number {
  return Number(hrtime() / 1000n) / 1000;
}
