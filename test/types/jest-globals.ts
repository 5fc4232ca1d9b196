/** Jest with `@jest/globals`, and without @types/jest. */
import { expect, test } from '@jest/globals';
import { anything, cached, key, login, orders, secret } from './order.ts';

test('rows', async () => {
  await expect(orders).toHaveRowMatching({ id: 'o-1', status: 'PAID', total: 42, paidAt: null });
  await expect(orders).toHaveRowMatching(
    { items: [{ sku: 'a' }], paidAt: expect.any(Date) },
    { within: 10, stays: 5, soft: false },
  );
  await expect(orders).not.toHaveRowMatching({ status: expect.stringMatching(/P/) });
  await expect(orders).toHaveRowsMatching([{ id: 'o-1' }, { id: expect.anything() }], { exactly: true, inOrder: true });
  await expect(orders).toHaveRowCount(3);
  await expect(anything).toHaveRowMatching({ whatever: 1, deep: { er: [1, null] } });
  await expect.soft(orders).toHaveRowMatching({ id: 'o-1' });
  await expect.soft(orders).not.toHaveRowCount(1);
  expect.soft(1).not.toBe(2);
  await expect.soft(Promise.resolve(1)).resolves.toBe(1);

  // @ts-expect-error a column that is not there
  await expect(orders).toHaveRowMatching({ statsu: 'PAID' });
  // @ts-expect-error a value that the column cannot have
  await expect(orders).toHaveRowMatching({ status: 'PAYED' });
  // @ts-expect-error a key deep inside
  await expect(orders).toHaveRowMatching({ items: [{ suk: 'a' }] });
  // @ts-expect-error an option that is not there
  await expect(orders).toHaveRowMatching({ id: 'o-1' }, { timeout: 10 });
  // @ts-expect-error a list where one row is meant
  await expect(orders).toHaveRowMatching([{ id: 'o-1' }]);
  // @ts-expect-error one row where a list is meant
  await expect(orders).toHaveRowsMatching({ id: 'o-1' });
  // @ts-expect-error not a source
  await expect([{ id: 'o-1' }]).toHaveRowMatching({ id: 'o-1' });
  // @ts-expect-error rows and no source
  await expect(orders.all()).toHaveRowCount(1);
  // @ts-expect-error not a number
  await expect(orders).toHaveRowCount('1');

  const wait: Promise<void> = expect(orders).toHaveRowCount(1);
  await wait;
});

test('entries', async () => {
  await expect(cached).toHaveEntry({ id: 'o-1', items: [{ sku: 'a' }] }, { as: 'json', ttl: { atMost: 60_000 } });
  await expect(cached).not.toHaveEntry(expect.objectContaining({ status: 'PAID' }), { ttl: 'none', stays: 10 });
  await expect(key).toHaveEntry('42', { generation: { atLeast: 1 } });
  await expect(key).toHaveEntry({ total: '42' });
  await expect.soft(key).toHaveEntry(expect.anything());
  // @ts-expect-error a field that is not there
  await expect(cached).toHaveEntry({ statsu: 'PAID' });
  // @ts-expect-error a bound that is not there
  await expect(key).toHaveEntry('42', { ttl: { max: 1 } });
  // @ts-expect-error rows are no entry
  await expect(orders).toHaveEntry({ id: 'o-1' });
});

test('secrets', async () => {
  await expect(login).toHaveSecret(
    { version: 3, data: { user: 'qa', password: expect.any(String) } },
    { exactly: true },
  );
  await expect(login).not.toHaveSecret({ version: { atLeast: 4 } }, { stays: 10 });
  await expect(secret).toHaveSecret({ data: { anything: 'qa' }, version: expect.any(Number) });
  await expect.soft(secret).toHaveSecret({ data: expect.anything() });
  // @ts-expect-error a key that is not there
  await expect(login).toHaveSecret({ data: { usr: 'qa' } });
  // @ts-expect-error keys stand in `data`
  await expect(login).toHaveSecret({ user: 'qa' });
  // @ts-expect-error rows are no secret
  await expect(orders).toHaveSecret({ version: 1 });
});

test('polling', async () => {
  await expect.poll(async () => 200, { within: 2000, interval: 10, message: 'up' }).toBe(200);
  await expect.poll(({ signal }) => signal.aborted).not.toBe(true);
  await expect.poll(() => orders).toHaveRowMatching({ status: 'PAID' });
  await expect.poll(() => 1, { soft: true }).toEqual(expect.any(Number));
  // @ts-expect-error an option that is not there
  await expect.poll(() => 1, { whithin: 1 }).toBe(1);
  // @ts-expect-error no function
  await expect.poll(1).toBe(1);
  await expect.soft.poll(() => 1).toBe(1);
  const wait: Promise<void> = expect.poll(() => 1).toBe(1);
  await wait;
});
