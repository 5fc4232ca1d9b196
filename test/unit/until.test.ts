import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { until } from '../../bindings/core/until.ts';

test('the look that is under way when `stays` ends decides, however slow it is', async () => {
  const look = (ok: (elapsed: number) => boolean) => async (signal: AbortSignal, elapsed: number) => {
    await sleep(15, undefined, { signal });
    return { ok: ok(elapsed), seen: elapsed };
  };
  const held = await until(
    look(() => true),
    { within: 1000, stays: 40 },
  );
  expect(held).toMatchObject({ ok: true });
  expect(held.took).toBeGreaterThanOrEqual(39);
  let looks = 0;
  const ended = await until(
    look(() => ++looks === 1),
    { within: 1000, stays: 60_000 },
  );
  expect(ended).toMatchObject({ ok: false, looks: 2 });
});
