/**
 * The private folder of a connection, and the environment of its helper: tickets live there and nowhere else. A cache of
 * the user's own is copied into it, for GSSAPI writes each service ticket into the cache that it uses.
 */
import { copyFileSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { delimiter, join, resolve } from 'node:path';
import type { Scope } from '../core/binding.ts';
import { companionEnv } from '../core/companion.ts';
import { QaError } from '../core/errors.ts';
import { type CachedTickets, readCache } from './files/credential-cache.ts';
import { principalsOf } from './files/keytab.ts';
import { type Conf, readConf, writeConf } from './files/krb5-conf.ts';
import { describeTarget, type ParsedOptions, realmOf } from './options.ts';

export interface Place {
  readonly connection: string;
  /** `kerberos://127.0.0.1:88/EXAMPLE.TEST` */
  readonly address: string;
  readonly folder: string;
  readonly env: NodeJS.ProcessEnv;
  /** Undefined: the cache is no file, and tells nobody but GSSAPI. */
  readonly principal: string | undefined;
  readonly realm: string | undefined;
  /** Where KDCs are; empty where DNS tells. */
  readonly kdcs: readonly string[];
  readonly keytab: string | undefined;
  /** The cache of the user's own, its file, and when that was written. */
  readonly source: { name: string; file: string | undefined; written: number } | undefined;
  /** The tickets that are there now; undefined where the cache is no file. */
  tickets(): CachedTickets | undefined;
  remove(): void;
}

/** @throws QaError QA_CONFIG, QA_AUTH for what can be known before GSSAPI is asked */
export function preparePlace(options: ParsedOptions, scope: Scope): Place {
  const folder = mkdtempSync(join(tmpdir(), 'qa-krb-'));
  try {
    return prepare(options, scope, folder);
  } catch (error) {
    rmSync(folder, { recursive: true, force: true });
    throw error;
  }
}

function prepare(options: ParsedOptions, { connection, baseDir, redactor }: Scope, folder: string): Place {
  const path = (given: string) => resolve(baseDir, given);
  const files = confFiles(options, path);
  const conf = readConf(files ?? DEFAULT_CONF);
  const keytab = options.keytab === undefined ? undefined : path(options.keytab.replace(/^FILE:/, ''));
  const realm = options.realm ?? conf.defaultRealm ?? realmIn(keytab);
  const kdcs = options.kdc.length > 0 ? options.kdc : realm === undefined ? [] : conf.kdcs(realm);
  const address = describeTarget({ kdc: kdcs, ...(realm === undefined ? {} : { realm }) });
  const fail: Fail = (code, what, mend, cause) => new QaError(code, { what, mend, connection, address, cause });
  const env = privateEnv();

  if (options.krb5Conf !== undefined) readFile(path(options.krb5Conf), 'krb5.conf', fail);
  if (options.kdc.length > 0) {
    if (realm === undefined)
      throw fail(
        'QA_CONFIG',
        'It is said where the KDC is, but not of which realm',
        "Give `realm: 'EXAMPLE.TEST'`, or write the principal with its realm: qa@EXAMPLE.TEST",
      );
    const own = join(folder, 'krb5.conf');
    writeFileSync(own, writeConf(realm, options.kdc));
    env.KRB5_CONFIG = [own, ...(files ?? [])].join(delimiter);
  } else if (files !== undefined) env.KRB5_CONFIG = files.join(delimiter);

  const cache = join(folder, 'tickets');
  env.KRB5CCNAME = `FILE:${cache}`;
  const wanted = options.principal === undefined ? undefined : withRealm(options.principal, realm);
  let principal: string | undefined;
  let source: Place['source'];
  if (keytab !== undefined) {
    env.KRB5_CLIENT_KTNAME = `FILE:${keytab}`;
    principal = principalFrom(keytab, wanted, fail);
  } else {
    source = sourceOf(options.cache, conf, path);
    if (source.file === undefined) {
      env.KRB5CCNAME = source.name;
      principal = wanted;
    } else principal = copyTickets({ ...source, file: source.file }, cache, wanted, fail).principal;
  }
  // It is in many a text, and may be a password's namesake.
  if (principal !== undefined) for (const word of [principal, principal.replace(/@.*/, '')]) redactor.keep(word);

  return {
    connection,
    address,
    folder,
    env,
    principal,
    realm: realm ?? (principal === undefined ? undefined : realmOf(principal)),
    kdcs,
    keytab,
    source,
    tickets: () => (source !== undefined && source.file === undefined ? undefined : ticketsIn(cache)),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** Whether the cache that was copied is still as it was. */
export function isSourceUnchanged({ source }: Place): boolean {
  if (source?.file === undefined) return true;
  return statSync(source.file, { throwIfNoEntry: false })?.mtimeMs === source.written;
}

type Fail = (code: 'QA_CONFIG' | 'QA_AUTH', what: string, mend: string, cause?: unknown) => QaError;

/** Those that MIT's library reads where nobody says otherwise. */
const DEFAULT_CONF = ['/etc/krb5.conf', '/usr/local/etc/krb5.conf'];
/** What the helper must not inherit: where keys and tickets are. */
const OURS = ['KRB5CCNAME', 'KRB5_CLIENT_KTNAME', 'KRB5_CONFIG'];

function privateEnv(): NodeJS.ProcessEnv {
  const env = companionEnv();
  for (const name of OURS) delete env[name];
  return env;
}

/** Undefined: nobody has said; the library's own. */
function confFiles({ krb5Conf, kdc }: ParsedOptions, path: (given: string) => string): string[] | undefined {
  if (krb5Conf !== undefined) return [path(krb5Conf)];
  const inherited = process.env.KRB5_CONFIG;
  if (inherited) return inherited.split(delimiter);
  return kdc.length > 0 ? [] : undefined;
}

function withRealm(principal: string, realm: string | undefined): string {
  return realmOf(principal) !== undefined || realm === undefined ? principal : `${principal}@${realm}`;
}

function principalFrom(keytab: string, wanted: string | undefined, fail: Fail): string {
  const bytes = readFile(keytab, 'keytab', fail);
  let known: string[];
  try {
    known = principalsOf(bytes);
  } catch (cause) {
    throw fail('QA_CONFIG', `The file ${keytab} is no keytab`, 'Give one that ktutil or kadmin has written', cause);
  }
  if (known.length === 0)
    throw fail('QA_CONFIG', `The keytab ${keytab} is empty`, 'Write keys into it, with kadmin: ktadd');
  if (wanted === undefined || known.includes(wanted)) return wanted ?? known[0]!;
  throw fail(
    'QA_CONFIG',
    `The keytab ${keytab} holds no key of \`${wanted}\`, but of ${known.map((name) => `\`${name}\``).join(', ')}`,
    'Correct `principal`, or write its keys into the keytab, with kadmin: ktadd',
  );
}

/** Of the keytab's first principal; where it cannot be read, what reads it next says so. */
function realmIn(keytab: string | undefined): string | undefined {
  try {
    return keytab === undefined ? undefined : realmOf(principalsOf(readFileSync(keytab))[0] ?? '');
  } catch {
    return undefined;
  }
}

/** Where a program without options of its own finds its tickets. */
function sourceOf(
  given: string | undefined,
  conf: Conf,
  path: (given: string) => string,
): NonNullable<Place['source']> {
  const uid = String(userInfo().uid);
  const named = given ?? process.env.KRB5CCNAME ?? conf.defaultCache ?? 'FILE:/tmp/krb5cc_%{uid}';
  const name = named
    .replace(/%\{e?uid\}|%\{USERID\}/g, uid)
    .replace(/%\{username\}/g, userInfo().username)
    .replace(/%\{TEMP\}/g, tmpdir());
  const [, kind = 'FILE', rest = name] = /^([A-Z]\w*):(.*)$/.exec(name) ?? [];
  if (kind !== 'FILE' && kind !== 'DIR') return { name, file: undefined, written: 0 };
  const file = kind === 'FILE' ? path(rest) : primaryOf(path(rest));
  return { name, file, written: statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0 };
}

/** A folder of caches says which of them counts. `DIR::/folder/tktX` names one. */
function primaryOf(folder: string): string {
  if (folder.startsWith(':')) return folder.slice(1);
  try {
    return join(folder, readFileSync(join(folder, 'primary'), 'utf8').trim());
  } catch {
    return join(folder, 'tkt');
  }
}

function copyTickets({ file }: { file: string }, to: string, wanted: string | undefined, fail: Fail): CachedTickets {
  const mend = 'Get one with kinit, or give `principal` and `keytab`';
  let tickets: CachedTickets;
  try {
    copyFileSync(file, to);
    tickets = readCache(readFileSync(to));
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT')
      throw fail('QA_AUTH', `There is no ticket: the credential cache ${file} does not exist`, mend, cause);
    if (code !== undefined && !code.startsWith('ERR_'))
      throw fail('QA_AUTH', `The credential cache ${file} cannot be read (${code})`, mend, cause);
    throw fail('QA_AUTH', `The file ${file} is no credential cache`, mend, cause);
  }
  const { principal, expiresAt } = tickets;
  if (wanted !== undefined && wanted !== principal)
    throw fail(
      'QA_AUTH',
      `The credential cache ${file} holds tickets of \`${principal}\`, not of \`${wanted}\``,
      `Correct \`principal\`, or run: kinit ${wanted}`,
    );
  if (expiresAt !== undefined && expiresAt <= Date.now())
    throw fail(
      'QA_AUTH',
      `The ticket of \`${principal}\` in ${file} has expired, at ${new Date(expiresAt).toISOString()}`,
      `Get a new one: kinit ${principal}; or give its \`keytab\``,
    );
  return tickets;
}

/** None is an answer: there are none yet. */
function ticketsIn(cache: string): CachedTickets | undefined {
  try {
    return readCache(readFileSync(cache));
  } catch {
    // Not there, or just being written: what is asked next sees it whole.
    return undefined;
  }
}

function readFile(file: string, what: string, fail: Fail): Buffer {
  try {
    return readFileSync(file);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT')
      throw fail('QA_CONFIG', `The ${what} ${file} does not exist`, `Correct the path of the ${what}`, cause);
    throw fail(
      'QA_CONFIG',
      `The ${what} ${file} cannot be read (${code})`,
      'Give this user the right to read it',
      cause,
    );
  }
}
