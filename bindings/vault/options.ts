/** What a config may say about a Vault, and what is made of it. */
import { type Checked, check, milliseconds, nonEmpty, object, optional } from '../core/check.ts';
import { QaError } from '../core/errors.ts';
import { redactUrl } from '../core/redact.ts';
import type { OrReference } from '../core/reference.ts';
import { type EmbeddedFor, type EmbeddedServer, isServer, SERVER_EXPECTED } from '../core/server.ts';
import { checkTls, type TlsOptions } from '../core/tls.ts';
import { type AuthOptions, checkAuth } from './auth-options.ts';

export interface VaultOptions {
  /** `https://vault.example:8200`. Excludes `server`. */
  address?: OrReference<string>;
  /**
   * How to log in: `{ token }`, `{ approle }`, `{ userpass }`, `{ kubernetes }` or `{ jwt }`. Default: the token in
   * VAULT_TOKEN, else the one in `~/.vault-token`.
   */
  auth?: AuthOptions;
  /** A namespace (Vault Enterprise, OpenBao): `team/shop`. Default: none. */
  namespace?: OrReference<string>;
  /** A throwaway server, `bao` or `vault` in development mode: `embedded({ seed })`. Excludes `address` and `auth`. */
  server?: EmbeddedServer<EmbeddedFor<'binaries' | 'seed'>>;
  /** Authorities to trust (`ca`), a certificate of the client. `true` verifies with those that Node knows: the default. */
  ssl?: boolean | TlsOptions;
  /** Time for the server to answer one request, ms. Default: 10000. */
  requestTimeout?: number;
}

const checkOptions = object({
  address: optional(nonEmpty),
  auth: optional(checkAuth),
  namespace: optional(nonEmpty),
  server: optional(check<object>(SERVER_EXPECTED, isServer)),
  ssl: optional(checkTls),
  requestTimeout: optional(milliseconds(1)),
});

export interface ParsedOptions extends Omit<Checked<typeof checkOptions>, 'address'> {
  /** Without a slash at its end. undefined only with `server`, until the server is there. */
  address?: string;
}

/** @throws QaError QA_CONFIG */
export function parseOptions(input: Readonly<Record<string, unknown>>, path: string): ParsedOptions {
  const { address, ...rest } = checkOptions(input, path);
  const fail = (what: string, mend: string) => new QaError('QA_CONFIG', { what: `\`${path}\` ${what}`, mend });
  if (rest.server !== undefined) {
    const other = (['address', 'auth', 'namespace', 'ssl'] as const).find((key) => input[key] !== undefined);
    if (other === undefined) return rest;
    throw fail(`has both \`server\` and \`${other}\``, 'Keep `server` for a throwaway server, or the address');
  }
  if (address === undefined)
    throw fail('says nothing about where the server is', 'Give `address`, or `server: embedded()`');
  return withAddress(rest, address, `${path}.address`);
}

/** @throws QaError QA_CONFIG */
export function withAddress({ server: _, ...options }: ParsedOptions, address: string, path: string): ParsedOptions {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  const fail = (what: string, mend: string) => new QaError('QA_CONFIG', { what: `\`${path}\` ${what}`, mend });
  if (url === undefined || !/^https?:$/.test(url.protocol))
    throw fail(`is no address of a Vault: ${redactUrl(address)}`, 'Write https://host:8200');
  if (url.username !== '' || url.password !== '')
    throw fail('has a user or a password in it', 'A Vault takes none there: write them as `auth: { userpass: { … } }`');
  if (url.search !== '' || url.hash !== '')
    throw fail('has a query or a fragment', 'Write only the address: https://host:8200');
  if (options.ssl !== undefined && options.ssl !== false && url.protocol === 'http:')
    throw fail('is http://, and `ssl` is given beside it', 'Write https://, or leave `ssl` out');
  return { ...options, address: `${url.origin}${url.pathname.replace(/\/(v1\/?)?$/, '')}` };
}

/** For errors: without secrets. */
export function describeTarget({ address, namespace }: ParsedOptions): string {
  if (address === undefined) return 'vault (a throwaway server)';
  return namespace === undefined ? address : `${address} in the namespace ${namespace}`;
}
