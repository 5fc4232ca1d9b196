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
  const ended = await until(
    look((elapsed) => elapsed < 20),
    { within: 1000, stays: 200 },
  );
  expect(ended).toMatchObject({ ok: false });
  expect(ended.took).toBeLessThan(180);
});
