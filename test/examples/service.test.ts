/** The example's service by itself, on a real PostgreSQL: an example that is not honest teaches nothing. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';

const folder = fileURLToPath(new URL('../../examples/shop/', import.meta.url));
let postgres: TestPostgres;
let shop: ChildProcess;
let url: string;

beforeAll(async () => {
  postgres = await startPostgres();
  await postgres.run(readFileSync(`${folder}schema.sql`, 'utf8'));
  ({ shop, url } = await start());
});

afterAll(async () => {
  await stop();
  await postgres?.stop();
});

test('an order is stored, paid and audited', async () => {
  const answer = await post('/orders', { id: 'a-1', total: 42.5 });
  expect(answer).toEqual({ status: 201, body: { id: 'a-1', status: 'PENDING', total: 42.5 } });
  await expect.poll(() => order('a-1')).toEqual({ status: 200, body: { id: 'a-1', status: 'PAID', total: 42.5 } });
  await expect.poll(() => audit('a-1')).toEqual([{ event: 'order paid', details: { by: 'shop', total: 42.5 } }]);
});

test('a dear order is refused', async () => {
  await post('/orders', { id: 'a-2', total: 10_000.01 });
  await expect.poll(() => order('a-2')).toMatchObject({ body: { status: 'REFUSED' } });
});

test('cancelling works once, and only before payment', async () => {
  await postgres.run(`insert into orders (id, total) values ('a-3', 1)`);
  expect(await post('/orders/a-3/cancel')).toMatchObject({ status: 200, body: { status: 'CANCELLED' } });
  expect(await post('/orders/a-3/cancel')).toEqual({
    status: 409,
    body: { error: 'order a-3 is CANCELLED already' },
  });
});

test.each([
  ['no JSON', '{', 400, 'the body is no JSON'],
  ['no id', { total: 1 }, 400, '`id` must be'],
  ['a wrong id', { id: "'; drop", total: 1 }, 400, '`id` must be'],
  ['no total', { id: 'b' }, 400, '`total` must be a number above 0'],
  ['a negative total', { id: 'b', total: -1 }, 400, '`total` must be a number above 0'],
  ['half a cent', { id: 'b', total: 0.005 }, 400, 'two decimals'],
  ['too much', { id: 'b'.repeat(70_000), total: 1 }, 413, 'too large'],
  ['nothing', undefined, 400, '`id` must be'],
])('%s is refused with a reason', async (_, body, status, reason) => {
  expect(await post('/orders', body)).toEqual({ status, body: { error: expect.stringContaining(reason) } });
});

test('what is not there is told apart', async () => {
  expect(await order('none')).toEqual({ status: 404, body: { error: 'there is no order none' } });
  expect(await post('/orders/none/cancel')).toMatchObject({ status: 404 });
  expect(await ask('/nowhere')).toMatchObject({ status: 404 });
  expect(await ask('/orders')).toMatchObject({ status: 405 });
  expect(await ask('/orders/%E0%A4%A')).toMatchObject({ status: 400 });
});

test('the same id twice is a conflict, and only one is paid', async () => {
  const answers = await Promise.all([1, 2, 3].map(() => post('/orders', { id: 'a-4', total: 7 })));
  expect(answers.map(({ status }) => status).sort()).toEqual([201, 409, 409]);
  await expect.poll(() => audit('a-4')).toHaveLength(1);
});

test('a job that fails is tried three times and kept with its error', async () => {
  await postgres.run(`insert into jobs (name, order_id) values ('no such job', 'x')`);
  const look = async () => (await postgres.run(`select attempts, error from jobs where order_id = 'x'`)).rows;
  await expect.poll(look).toEqual([{ attempts: 3, error: expect.stringContaining('not a function') }]);
});

test('what was ordered while no worker ran, and while its database was away, is paid later', async () => {
  await stop();
  await postgres.run(`insert into orders (id, total) values ('a-5', 1);
                      insert into jobs (name, order_id) values ('pay', 'a-5')`);
  ({ shop, url } = await start());
  await expect.poll(() => order('a-5')).toMatchObject({ body: { status: 'PAID' } });

  await postgres.crash();
  expect(await order('a-5')).toMatchObject({ status: 500 });
  await postgres.start();
  expect(await post('/orders', { id: 'a-6', total: 1 })).toMatchObject({ status: 201 });
  await expect.poll(() => order('a-6'), { timeout: 5000 }).toMatchObject({ body: { status: 'PAID' } });
});

async function start() {
  const started = spawn(process.execPath, [`${folder}service/main.mjs`], {
    env: { PATH: process.env.PATH, DATABASE_URL: postgres.url(), PORT: '0' },
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const [line] = await once(started.stdout.setEncoding('utf8'), 'data');
  return { shop: started, url: /http:\S+/.exec(line)![0] };
}

/** A polite end: it must end by itself, with nothing left open. */
async function stop() {
  if (!shop) return;
  const ended = once(shop, 'exit');
  shop.kill('SIGTERM');
  expect(await ended).toEqual([0, null]);
}

async function ask(path: string, init?: RequestInit) {
  const answer = await fetch(url + path, init);
  return { status: answer.status, body: await answer.json() };
}

const order = (id: string) => ask(`/orders/${id}`);

const post = (path: string, body?: unknown) =>
  ask(path, { method: 'POST', body: typeof body === 'string' ? body : (JSON.stringify(body) ?? null) });

async function audit(id: string) {
  const { rows } = await postgres.run(`select event, details from audit where order_id = '${id}'`);
  return rows;
}
