/**
 * The one loop of looks, with one deadline: woken by changes where the system tells of them, else polling. A look tells whether the wanted state is there; it must become true
 * within `within` ms and then stay true for `stays` ms.
 */
import { Changes, type Watch } from './changes.ts';
import { clock } from './clock.ts';

export interface UntilOptions {
  /** Time to become true, ms. */
  within: number;
  /** Time it must then hold, ms. */
  stays: number;
  signal?: AbortSignal | undefined;
  /** Asked only when one look was not enough. Without it, it polls. */
  watch?: Watch | undefined;
}

export interface UntilResult<T> {
  /** Whether it became true in time and stayed so. */
  ok: boolean;
  /** What the last look saw. */
  last: T;
  looks: number;
  /** Duration of the whole wait, ms. */
  took: number;
  /** When it first became true, ms since the start. */
  since: number | undefined;
}

export interface Look<T> {
  ok: boolean;
  seen: T;
}

/**
 * Looks at once, then again until true. A look that is still under way when the time is up is aborted through
 * its signal; when no look at all has ended by then, its error is thrown.
 */
export async function until<T>(
  look: (signal: AbortSignal, elapsed: number) => Promise<Look<T>>,
  { within, stays, signal, watch }: UntilOptions,
): Promise<UntilResult<T>> {
  const { now, setTimeout, clearTimeout } = clock();
  const start = now();
  let deadline = start + within;
  let since: number | undefined;
  let looks = 0;
  let last: Look<T> | undefined;
  const changes = new Changes(watch);
  const result = (ok: boolean): UntilResult<T> => ({
    ok,
    last: last!.seen,
    looks,
    took: now() - start,
    since,
  });

  try {
    for (;;) {
      const abort = new AbortController();
      const stop = () => abort.abort(signal?.reason);
      signal?.addEventListener('abort', stop, { once: true });
      // The first look may always end: a check that can pass at once must not fail for want of time. So may one that
      // finds out whether what came true still holds: cut off, it would say that it does not.
      const timer = setTimeout(
        () => abort.abort(new DOMException('The wait is over.', 'TimeoutError')),
        Math.max(deadline - now(), looks === 0 || since !== undefined ? 1000 : 1),
      );
      const lookStart = now();
      try {
        last = await look(abort.signal, lookStart - start);
        looks += 1;
      } catch (error) {
        if (looks > 0 && abort.signal.aborted && !signal?.aborted) return result(false);
        throw error;
      } finally {
        clearTimeout(timer);
        signal?.removeEventListener('abort', stop);
      }
      const at = now();
      if (last.ok) {
        if (since === undefined) {
          since = lookStart - start;
          if (stays > 0) deadline = lookStart + stays;
        }
        if (stays <= 0 || at >= deadline) return result(true);
      } else {
        if (since !== undefined) return result(false);
        if (at >= deadline) return result(false);
      }
      changes.begin();
      await changes.next({ took: at - lookStart, left: Math.max(deadline - at, 1), signal });
    }
  } finally {
    changes.end();
  }
}
