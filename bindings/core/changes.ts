/** The pause between two looks: a change ends it, where the system tells of changes. */
import { clock } from './clock.ts';

/** Between two looks at least this long, in ms; a look that takes longer than that is given as long a pause. */
const PAUSE = 12;
/** The same where the system tells of changes: a look without one finds what no change announces. */
const WATCHED_PAUSE = 250;

/**
 * From when it resolves, `changed` is called after each change, until `signal` aborts; to false where the system
 * cannot tell. See `StateObserver.watch`.
 */
export type Watch = (changed: () => void, signal: AbortSignal) => Promise<boolean>;

export class Changes {
  readonly #watch: Watch | undefined;
  #isWatched = false;
  /** Made when it begins: what is true at once must not pay for an abort, whose reason costs more than a look. */
  #ended: AbortController | undefined;
  #changed = false;
  #wake: (() => void) | undefined;

  constructor(watch: Watch | undefined) {
    this.#watch = watch;
  }

  /** Idempotent. */
  begin(): void {
    if (this.#ended || this.#watch === undefined) return;
    this.#ended = new AbortController();
    // What changed before it was watched is found by a look as soon as it is. Where it cannot be, looks go on as
    // before: they meet the same trouble and report it.
    this.#watch(() => this.#tell(), this.#ended.signal).then(
      (isWatched) => {
        this.#isWatched = isWatched;
        if (isWatched) this.#tell();
      },
      () => undefined,
    );
  }

  /** Resolves after a change, or when the pause is over. */
  async next({ took, left, signal }: { took: number; left: number; signal: AbortSignal | undefined }): Promise<void> {
    // Even a system that changes all the time is looked at only half of the time.
    const least = took > PAUSE ? took : 0;
    if (this.#changed && least === 0) {
      this.#changed = false;
      signal?.throwIfAborted();
      return;
    }
    const longest = Math.max(this.#isWatched ? WATCHED_PAUSE : PAUSE, took);
    await this.#pause(Math.min(this.#changed ? least : longest, left), { least, signal });
    this.#changed = false;
  }

  #pause(ms: number, { least, signal }: { least: number; signal: AbortSignal | undefined }): Promise<void> {
    const { now, setTimeout, clearTimeout } = clock();
    const start = now();
    return new Promise<void>((resolve, reject) => {
      const end = (settle: () => void) => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', cancel);
        this.#wake = undefined;
        settle();
      };
      const cancel = () => end(() => reject(signal?.reason));
      let timer = setTimeout(() => end(resolve), ms);
      if (signal?.aborted) return cancel();
      signal?.addEventListener('abort', cancel, { once: true });
      this.#wake = () => {
        clearTimeout(timer);
        const rest = least - (now() - start);
        if (rest > 0) timer = setTimeout(() => end(resolve), rest);
        else end(resolve);
      };
    });
  }

  end(): void {
    this.#ended?.abort();
  }

  #tell(): void {
    this.#changed = true;
    this.#wake?.();
  }
}
