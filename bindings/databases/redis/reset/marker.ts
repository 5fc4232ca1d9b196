/**
 * The marker that says: keys below these prefixes may be emptied. It is a user of the server's access control list, who
 * can do nothing (`off`), and whose key patterns are the prefixes. Neither a dump nor replication carries it: a copy of
 * the data elsewhere is not marked.
 */
import { QaError } from '../../../core/errors.ts';
import type { RedisClient } from '../client.ts';
import { isUnsupported } from '../errors.ts';
import { globOf, literalPrefix } from '../scan.ts';

export const MARKER = 'qa-may-empty';

/** @throws QaError QA_NO_MARKER where the server does not say that all of `prefixes` may be emptied */
export async function checkMarker(client: RedisClient, prefixes: readonly string[]): Promise<void> {
  const { connection, address } = client.place;
  const refuse = (what: string, mend: string, cause?: unknown) =>
    new QaError('QA_NO_MARKER', { what: `\`reset.prefix\` is set, but ${what}`, mend, connection, address, cause });
  let user: unknown;
  try {
    user = await client.redis.call('ACL', 'GETUSER', MARKER);
  } catch (error) {
    if (!isUnsupported(error)) throw client.told(error, 'Asking for the marker');
    throw refuse(
      'this user may not ask for the marker, or the server has no access control list',
      `Let its administrator run: ACL SETUSER ${client.options.address!.user ?? 'default'} +acl|getuser`,
      error,
    );
  }
  const marked = patternsOf(user);
  const missing = prefixes.filter((prefix) => !marked.some((pattern) => covers(pattern, prefix)));
  if (missing.length === 0) return;
  const patterns = [...new Set([...marked, ...missing.map((prefix) => `${globOf(prefix)}*`)])];
  const what =
    user === null
      ? 'the server does not carry the marker that says it may be emptied'
      : `its marker says that only ${marked.join(', ') || 'nothing'} may be emptied, not ${missing.join(', ')}`;
  throw refuse(
    what,
    `Only if this is a throw-away stand, whose data nobody will miss, let its administrator run: ACL SETUSER ${MARKER} off resetkeys ${patterns.map((pattern) => `~${pattern}`).join(' ')} (and ACL SAVE or CONFIG REWRITE, so that it outlives a restart)`,
  );
}

/** Patterns of keys in an answer to ACL GETUSER: a text in Redis 7, a list before. */
function patternsOf(user: unknown): string[] {
  if (!Array.isArray(user)) return [];
  const keys: unknown = user[user.indexOf('keys') + 1];
  const words = Array.isArray(keys) ? keys.map(String) : String(keys).split(' ');
  return words.map((word) => word.replace(/^(?:%[RW]+)?~/, '')).filter((word) => word !== '');
}

function covers(pattern: string, prefix: string): boolean {
  const literal = literalPrefix(pattern);
  return pattern === `${globOf(literal)}*` && prefix.startsWith(literal);
}
