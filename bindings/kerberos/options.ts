/** What a config may say about Kerberos, and what is made of it. */
import { type Checked, either, list, milliseconds, nonEmpty, object, optional } from '../core/check.ts';
import { QaError } from '../core/errors.ts';
import type { OrReference } from '../core/reference.ts';

export interface KerberosOptions {
  /**
   * Who we are: `qa@EXAMPLE.TEST`. Without a realm it is of `realm`, or of the default realm of krb5.conf. Default: whom
   * the keytab or the credential cache is for.
   */
  principal?: OrReference<string>;
  /** File with the principal's keys, from the config's folder on. Without it the tickets are used that are there. */
  keytab?: OrReference<string>;
  /**
   * The credential cache to begin with where there is no keytab: a path, or `FILE:/path`. Default: as for every program,
   * `KRB5CCNAME`, or what krb5.conf says. It is copied and never written to.
   */
  cache?: OrReference<string>;
  /** Path of a krb5.conf, from the config's folder on. Default: as for every program, `KRB5_CONFIG`, or /etc/krb5.conf. */
  krb5Conf?: OrReference<string>;
  /** Where the KDC is, `host:port`, or several of them: a krb5.conf is made from it. Excludes `krb5Conf`. */
  kdc?: OrReference<string> | readonly OrReference<string>[];
  /** Default: the principal's, or the default realm of krb5.conf. */
  realm?: OrReference<string>;
  /** Time for the KDC to answer, ms. Default: 5000. */
  requestTimeout?: number;
}

const checkOptions = object({
  principal: optional(nonEmpty),
  keytab: optional(nonEmpty),
  cache: optional(nonEmpty),
  krb5Conf: optional(nonEmpty),
  kdc: optional(either(nonEmpty, list(nonEmpty))),
  realm: optional(nonEmpty),
  requestTimeout: optional(milliseconds(1)),
});

export interface ParsedOptions extends Omit<Checked<typeof checkOptions>, 'kdc' | 'requestTimeout'> {
  /** `host:port` each; empty: krb5.conf tells. */
  readonly kdc: readonly string[];
  readonly requestTimeout: number;
}

/** @throws QaError QA_CONFIG */
export function parseOptions(input: Readonly<Record<string, unknown>>, path: string): ParsedOptions {
  const { kdc, requestTimeout = 5000, ...rest } = checkOptions(input, path);
  const { principal, keytab, cache, krb5Conf, realm } = rest;
  const fail = (what: string, mend: string) => new QaError('QA_CONFIG', { what: `\`${path}\` ${what}`, mend });
  if (keytab !== undefined && cache !== undefined)
    throw fail('has both `keytab` and `cache`', 'Keep the keytab to get tickets, or the cache to use those in it');
  if (kdc !== undefined && krb5Conf !== undefined)
    throw fail('has both `kdc` and `krb5Conf`', 'Keep `kdc` to have a krb5.conf made, or the path of yours');
  const own = principal === undefined ? undefined : realmOf(principal);
  if (own !== undefined && realm !== undefined && own !== realm)
    throw fail(`has a principal of the realm ${own}, and \`realm: '${realm}'\``, 'Leave `realm` out, or make them one');
  const known = realm ?? own;
  return {
    ...rest,
    ...(known === undefined ? {} : { realm: known }),
    kdc: kdc === undefined ? [] : parseKdcs([kdc].flat(), `${path}.kdc`).kdc,
    requestTimeout,
  };
}

/** The same with another KDC, whatever krb5.conf says: `host:port`, or `kerberos://host:port/REALM`. */
export function withAddress(options: ParsedOptions, address: string, path: string): ParsedOptions {
  const { kdc, realm } = parseKdcs([address], path);
  return { ...options, kdc, ...(realm === undefined ? {} : { realm }) };
}

/** `kerberos://kdc.example.test:88/EXAMPLE.TEST` */
export function describeTarget({ kdc, realm }: Pick<ParsedOptions, 'kdc' | 'realm'>): string {
  if (kdc.length > 0) return `kerberos://${kdc.join(',')}${realm === undefined ? '' : `/${realm}`}`;
  return realm === undefined ? 'kerberos (as krb5.conf says)' : `kerberos:///${realm}`;
}

/** `EXAMPLE.TEST` of `qa@EXAMPLE.TEST`; a backslash quotes. */
export function realmOf(principal: string): string | undefined {
  return /^(?:[^\\@]|\\.)*@(.+)$/.exec(principal)?.[1];
}

function parseKdcs(given: readonly string[], path: string): { kdc: string[]; realm: string | undefined } {
  const text = given.join(',');
  const [, listed = text, realm] = /^kerberos:\/\/([^/]*)(?:\/(.+)?)?$/.exec(text) ?? [];
  const hosts = listed.split(',').map((part) => part.trim());
  if (hosts.every(isHost)) return { kdc: hosts.map((host) => (/:\d+$/.test(host) ? host : `${host}:88`)), realm };
  throw new QaError('QA_CONFIG', {
    what: `\`${path}\` is no address of a KDC`,
    mend: 'Write host:port, several with commas between them: kdc.example.test:88; with its realm kerberos://host:88/EXAMPLE.TEST',
  });
}

function isHost(text: string): boolean {
  const [whole, port] = /^(?:[\w.-]+|\[[\da-f:.]+\])(?::(\d+))?$/i.exec(text) ?? [];
  return whole !== undefined && (port === undefined || (Number(port) >= 1 && Number(port) <= 65_535));
}
