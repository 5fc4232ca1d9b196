/** `@qa/jest-preset/globals`, in each runner's world. */
import { afterAll, beforeAll, describe, expect, it, qa, test } from '@qa/jest-preset/globals';
import { orders } from './order.ts';

beforeAll(async () => {});
afterAll(() => {}, 1000);
describe('group', { tags: ['smoke'] }, () => {
  test('tagged', { tags: ['smoke'] }, async () => {
    await expect(orders).toHaveRowMatching({ id: 'o-1' });
    await expect(orders).not.toHaveRowCount(2);
    // @ts-expect-error a column that is not there
    await expect(orders).toHaveRowMatching({ statsu: 'PAID' });
    expect.soft(1).toBe(1);
    await expect.soft.poll(() => 1).toBe(1);
    expect({ a: 1 }).toEqual({ a: expect.any(Number) });
    // @ts-expect-error a matcher that is not there
    expect(1).toBee(1);
    qa.state.set('a', qa.unique('order'));
  });
  it.skip('skipped', () => {});
  test.each([1, 2])('each %i', (n: number) => void n);
});
