/** What an order is, and what may happen to it. */
import { HttpError } from './http.mjs';
import { transaction } from './transaction.mjs';

/** The payment provider refuses what is dearer. */
const LIMIT = 10_000;

/**
 * Stores a new order and, in the same transaction, the job that has it paid.
 *
 * @param {import('pg').Pool} pool
 * @param {unknown} body
 */
export async function createOrder(pool, body) {
  const { id, total } = checkOrder(body);
  return transaction(pool, async (client) => {
    const { rows } = await client.query(
      'insert into orders (id, total) values ($1, $2) on conflict do nothing returning id, status, total::float8',
      [id, total],
    );
    if (rows.length === 0) throw new HttpError(409, `there is an order ${id} already`);
    await client.query(`insert into jobs (name, order_id) values ('pay', $1)`, [id]);
    return rows[0];
  });
}

/**
 * @param {import('pg').Pool} pool
 * @param {string} id
 */
export async function findOrder(pool, id) {
  const { rows } = await pool.query('select id, status, total::float8 from orders where id = $1', [id]);
  if (rows.length === 0) throw new HttpError(404, `there is no order ${id}`);
  return rows[0];
}

/**
 * @param {import('pg').Pool} pool
 * @param {string} id
 */
export async function cancelOrder(pool, id) {
  return transaction(pool, async (client) => {
    const { rows } = await client.query('select status from orders where id = $1 for update', [id]);
    if (rows.length === 0) throw new HttpError(404, `there is no order ${id}`);
    // Its job stays and will find nothing to pay.
    if (rows[0].status !== 'PENDING') throw new HttpError(409, `order ${id} is ${rows[0].status} already`);
    const cancelled = await client.query(
      `update orders set status = 'CANCELLED' where id = $1 returning id, status, total::float8`,
      [id],
    );
    return cancelled.rows[0];
  });
}

/** @type {Readonly<Record<string, import('./jobs.mjs').Job>>} */
export const jobs = {
  async pay(client, orderId) {
    const { rows } = await client.query(
      `update orders set status = case when total <= $2 then 'PAID' else 'REFUSED' end
       where id = $1 and status = 'PENDING' returning id, status, total::float8`,
      [orderId, LIMIT],
    );
    if (rows.length === 0) return;
    await client.query(`insert into jobs (name, order_id) values ('audit', $1)`, [orderId]);
    await client.query(`insert into outbox (topic, key, value) values ('orders', $1, $2)`, [orderId, rows[0]]);
  },
  async audit(client, orderId) {
    await client.query(
      `insert into audit (order_id, event, details)
       select id, 'order ' || lower(status), jsonb_build_object('total', total, 'by', 'shop') from orders where id = $1`,
      [orderId],
    );
  },
};

/**
 * @param {unknown} body
 * @returns {{ id: string, total: number }}
 */
function checkOrder(body) {
  const { id, total } = /** @type {Record<string, unknown>} */ (typeof body === 'object' && body ? body : {});
  if (typeof id !== 'string' || !/^[\w-]{1,64}$/.test(id))
    throw new HttpError(400, '`id` must be 1 to 64 letters, digits, _ or -');
  if (typeof total !== 'number' || !(total > 0) || total >= 1e10)
    throw new HttpError(400, '`total` must be a number above 0');
  if (Math.abs(total * 100 - Math.round(total * 100)) > 1e-6)
    throw new HttpError(400, '`total` must not have more than two decimals');
  return { id, total };
}
