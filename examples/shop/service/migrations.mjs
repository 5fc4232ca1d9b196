/** Brings the database to the version that this shop needs. Each step runs once, in a transaction. */
import { transaction } from './transaction.mjs';

const STEPS = [
  `create table if not exists orders (
     id text primary key,
     status text not null default 'PENDING' check (status in ('PENDING', 'PAID', 'REFUSED', 'CANCELLED')),
     total numeric(12, 2) not null check (total > 0),
     created_at timestamptz not null default now()
   );
   create table if not exists audit (
     id bigint generated always as identity primary key,
     order_id text not null references orders,
     event text not null,
     details jsonb not null,
     at timestamptz not null default now()
   )`,
  `create table jobs (
     id bigint generated always as identity primary key,
     name text not null,
     order_id text not null,
     attempts int not null default 0,
     error text
   );
   create function announce_job() returns trigger language plpgsql as $$
     begin
       perform pg_notify('jobs', new.name);
       return null;
     end $$;
   create trigger announce after insert on jobs for each row execute function announce_job()`,
  `create table outbox (
     id bigint generated always as identity primary key,
     topic text not null,
     key text not null,
     value jsonb not null
   );
   create function announce_outbox() returns trigger language plpgsql as $$
     begin
       perform pg_notify('outbox', '');
       return null;
     end $$;
   create trigger announce after insert on outbox for each statement execute function announce_outbox()`,
];

/** Any number, the same in each shop: two that start at once migrate one after the other. */
const LOCK = 7_340_012;

/** @param {import('pg').Pool} pool */
export async function migrate(pool) {
  await transaction(pool, async (client) => {
    await client.query('select pg_advisory_xact_lock($1)', [LOCK]);
    await client.query(
      'create table if not exists migrations (version int primary key, at timestamptz not null default now())',
    );
    const { rows } = await client.query('select coalesce(max(version), 0) as version from migrations');
    for (let version = rows[0].version; version < STEPS.length; version += 1) {
      await client.query(STEPS[version]);
      await client.query('insert into migrations (version) values ($1)', [version + 1]);
    }
  });
}
