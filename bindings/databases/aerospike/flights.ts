/**
 * Commands under way. Closing the client while one is ends the whole process, and one that may last for ever can never
 * be waited for: each is counted, each has an end, and closing waits for them.
 */
import type { Client } from 'aerospike';
import { clock } from '../../core/clock.ts';
import { takeLog } from './log.ts';

/** Time that closing waits for commands, ms; then it goes on in the background. */
const DRAIN = 500;
/** Between two looks, ms: the client tells nobody when its last command has ended. */
const LOOK = 5;
/** What stands for "for ever", ms: the client's 0. */
const LONGEST = 30_000;

/** Commands that answer record by record; the client knows of all but the last one. */
const STREAMS = new Set(['scanAsync', 'scanPages', 'queryAsync', 'queryPages', 'queryForeach']);
const POLICY_OF_STREAM = 3;

/** The client's own parts: no part of its types. All of its commands pass through `asExec`. */
interface Inner {
  as_client: { hasPendingAsyncCommands(): boolean };
  asExec(command: string, args: unknown[]): unknown;
  isConnected(checkTenderErrors?: boolean): boolean;
  close(releaseEventLoop?: boolean): void;
}

type Callback = (error: unknown, ...results: unknown[]) => unknown;

interface Flights {
  count: number;
  ending: Promise<void> | undefined;
  isEnded: boolean;
  end(): void;
  tell(line: string): void;
}

const flights = new WeakMap<Client, Flights>();

/** From now on commands are counted, and `close()` of a test waits for them as ours does. */
export function tame(client: Client, tell: (line: string) => void): void {
  const inner = client as unknown as Inner;
  const close = inner.close.bind(client);
  const state: Flights = { count: 0, ending: undefined, isEnded: false, tell, end: close };
  flights.set(client, state);
  const execute = inner.asExec.bind(client);
  inner.asExec = (command, args) => {
    const callback = args.at(-1) as Callback;
    if (state.ending) return callback({ code: -1, message: 'Not connected.' });
    const isStream = STREAMS.has(command);
    let isOver = false;
    const over = () => {
      if (!isOver) state.count -= 1;
      isOver = true;
    };
    const counted: Callback = (error, ...results) => {
      if (error || !isStream || !results[0]) over();
      return callback(error, ...results);
    };
    state.count += 1;
    try {
      const bounded = args.slice(0, -1).map((arg, i) => withEnd(arg, isStream && i === POLICY_OF_STREAM));
      const result = execute(command, [...bounded, counted]);
      // An aborted one calls nobody back; the client itself knows how long it lasts.
      if (isStream && command !== 'queryForeach') over();
      return result;
    } catch (error) {
      over();
      throw error;
    }
  };
  // What a test closes in passing must not end the process, nor the event loop that the next file needs.
  inner.close = () => void endInOrder(client);
}

/** Resolves when the client is closed, or after DRAIN, when it will be as soon as it can. */
export async function endInOrder(client: Client): Promise<void> {
  const state = flights.get(client);
  if (!state) return;
  state.ending ??= drain(client, state);
  const { setTimeout, clearTimeout } = clock();
  let timer: NodeJS.Timeout | undefined;
  const patience = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, DRAIN);
  });
  await Promise.race([state.ending, patience]);
  clearTimeout(timer);
  for (const line of takeLog()) state.tell(line);
}

async function drain(client: Client, state: Flights): Promise<void> {
  const { as_client: native } = client as unknown as Inner;
  while (state.count > 0 || native.hasPendingAsyncCommands()) {
    await new Promise<void>((resolve) => {
      clock().setTimeout(resolve, LOOK);
    });
  }
  state.isEnded = true;
  state.end();
}

/** A policy with an end; an object that is none is left as it is. */
function withEnd(arg: unknown, isStreamPolicy: boolean): unknown {
  if (typeof arg !== 'object' || arg === null) return arg;
  const { totalTimeout } = arg as { totalTimeout?: unknown };
  const isEndless = isStreamPolicy ? !totalTimeout : totalTimeout === 0;
  return isEndless ? { ...arg, totalTimeout: LONGEST } : arg;
}
