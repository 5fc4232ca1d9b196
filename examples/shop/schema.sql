-- The database as it stands before the shop starts: the schema of its first version. The shop's own migrations,
-- which it runs at its start, bring the rest.
create table migrations (version int primary key, at timestamptz not null default now());
insert into migrations (version) values (1);

create table orders (
  id text primary key,
  status text not null default 'PENDING' check (status in ('PENDING', 'PAID', 'REFUSED', 'CANCELLED')),
  total numeric(12, 2) not null check (total > 0),
  created_at timestamptz not null default now()
);

create table audit (
  id bigint generated always as identity primary key,
  order_id text not null references orders,
  event text not null,
  details jsonb not null,
  at timestamptz not null default now()
);
