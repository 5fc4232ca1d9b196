/** What `aql`, Aerospike's own command line, would be asked to look for oneself. */
import { types } from 'node:util';
import { printSeeds } from './address.ts';
import type { Store } from './store.ts';

/** @param query with `{set}` where namespace and set belong */
export function printQuery(store: Store, query: string, set: string): string {
  const { address } = store.options;
  if (!address) return '';
  const [seed] = address.seeds;
  const [host, port] = [printSeeds([{ ...seed!, port: 0 }]).replace(/:0$/, ''), seed!.port];
  const user = address.user === undefined ? '' : ` -U ${address.user} -P`;
  const text = query.replace('{set}', `${address.namespace}.${set}`);
  return store.scope.redactor.redact(`aql -h ${host} -p ${port}${user} -c "${text}"`);
}

/** A key or a plain value as AQL writes it, and as people read it. */
export function printValue(value: unknown): string {
  if (typeof value === 'string') return `'${value}'`;
  if (types.isUint8Array(value)) return `X'${Buffer.from(value).toString('hex').toUpperCase()}'`;
  return String(value);
}
