/** The client: opened after a look at the nodes, closed only when nothing of it is under way. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { rootCertificates } from 'node:tls';
import type aerospike from 'aerospike';
import type { Client, ConfigOptions } from 'aerospike';
import type { Scope } from '../../core/binding.ts';
import { QaError } from '../../core/errors.ts';
import { didYouMean } from '../../core/suggest.ts';
import type { TlsOptions } from '../../core/tls.ts';
import { printAddress, type Seed } from './address.ts';
import { dial } from './dial.ts';
import { commandError, type DriverError, type Place, said } from './errors.ts';
import { endInOrder, tame } from './flights.ts';
import { captureLog, takeLog } from './log.ts';
import { type ParsedOptions, POLICY_KINDS } from './options.ts';

export type Driver = typeof aerospike;

/** Longest time of a command where nothing is said, ms. Scans and queries have none of their own. */
const TOTAL_TIMEOUT = 10_000;
/** Time for a node to answer the first look, which holds nobody up, ms. */
const PATIENCE = 5000;
/** Time for each of the client's own connections, ms: opening and closing may hold the process up so long. */
const CONNECT_TIMEOUT = 1000;
/** How often the client looks after its nodes, ms: so fast it finds one that is back. */
const TEND_INTERVAL = 250;

/** What each client was opened with. */
const opened = new WeakMap<Client, ParsedOptions>();

export function optionsOf(client: Client): ParsedOptions {
  return opened.get(client)!;
}

/** @throws QaError that says why it could not be opened */
export async function openClient(options: ParsedOptions, scope: Scope): Promise<Client> {
  const driver = (await scope.driver()) as Driver;
  const { address } = options;
  if (!address) {
    throw new QaError('QA_CONFIG', {
      what: 'The connection has no address: its server has not been started',
      mend: 'Give `hosts` and `namespace`, or `server: embedded()`',
      connection: scope.connection,
    });
  }
  const place = placeOf(options, scope);
  const { tls, connectTimeout: timeout = PATIENCE } = options;
  const seeds = await dial({ seeds: address.seeds, tls, timeout, signal: scope.signal }, place, scope);
  captureLog(driver);
  const client = await connected(driver, options, seeds, place);
  opened.set(client, options);
  tame(client, (line) => scope.log.warn(line));
  try {
    await findNamespace(client, place);
    scope.signal.throwIfAborted();
    return client;
  } catch (error) {
    await closeClient(client);
    throw error;
  }
}

/** Idempotent. A client with commands that a hung server holds up ends in the background, when their time is over. */
export async function closeClient(client: Client): Promise<void> {
  await endInOrder(client);
}

export function placeOf({ address }: ParsedOptions, scope: Scope): Place {
  return {
    connection: scope.connection,
    address: address ? printAddress(address) : '',
    namespace: address?.namespace,
    user: address?.user,
    redact: (text) => scope.redactor.redact(text),
  };
}

/** What the nodes say of themselves: `{ build: '8.1.0.1' }`. */
export async function info(client: Client, names: readonly string[]): Promise<Record<string, string>> {
  const answer = await client.infoAny(names.join('\n'));
  return Object.fromEntries(
    answer
      .trim()
      .split('\n')
      .map((line) => [line.split('\t')[0], line.slice(line.indexOf('\t') + 1).trim()]),
  );
}

async function connected(driver: Driver, options: ParsedOptions, seeds: Seed[], place: Place): Promise<Client> {
  const files = tlsFiles(options.tls);
  let client: Client | undefined;
  try {
    client = new driver.Client(configOf(options, seeds, files?.paths));
    // It has what it needs; each of its errors carries the client, and runners write errors out with all they hold.
    delete (client.config as { password?: string }).password;
    return await client.connect();
  } catch (cause) {
    release(client);
    const lines = takeLog();
    const error = cause as DriverError;
    if (client !== undefined) throw commandError(error, place, 'Connecting');
    throw new QaError('QA_CONFIG', {
      what: `Aerospike's client does not take this configuration: ${[said(error, place), ...lines.map(place.redact)].join('; ')}`,
      mend: 'Correct `policies` and `client`',
      connection: place.connection,
      address: place.address,
      cause,
    });
  } finally {
    files?.remove();
  }
}

/** One that did not connect has freed what it had, but still keeps the process alive. */
function release(client: Client | undefined): void {
  try {
    client?.close();
  } catch {
    // Not even its event loop was there: nothing keeps the process alive, and why is being told.
  }
}

function configOf(options: ParsedOptions, seeds: Seed[], tls: Record<string, string> | undefined): ConfigOptions {
  const { address, policies, client, connectTimeout = CONNECT_TIMEOUT } = options;
  const { user, password } = address!;
  const servername = typeof options.tls === 'object' ? options.tls.servername : undefined;
  const config: Record<string, unknown> = {
    tenderInterval: TEND_INTERVAL,
    ...client,
    hosts: seeds.map(({ host, port }) => ({ addr: host, port, ...(tls ? { tlsname: servername ?? host } : {}) })),
    connTimeoutMs: connectTimeout,
    policies: Object.fromEntries(
      POLICY_KINDS.map((kind) => [kind, { totalTimeout: TOTAL_TIMEOUT, ...policies[kind] }]),
    ),
    ...(user === undefined ? {} : { user }),
    ...(password === undefined ? {} : { password }),
    ...(tls ? { tls } : {}),
  };
  return config as ConfigOptions;
}

/** The client takes certificates as files only, and reads them when it connects. */
function tlsFiles(
  tls: boolean | TlsOptions | undefined,
): { paths: Record<string, string>; remove(): void } | undefined {
  if (!tls) return undefined;
  const { ca = [...rootCertificates], cert, key, passphrase } = typeof tls === 'object' ? tls : {};
  const folder = mkdtempSync(join(tmpdir(), 'qa-aerospike-tls-'));
  const write = (name: string, content: unknown) => {
    const path = join(folder, name);
    writeFileSync(path, [content].flat().map(String).join('\n'), { mode: 0o600 });
    return path;
  };
  const paths: Record<string, string> = { cafile: write('ca.pem', ca) };
  if (cert !== undefined) paths.certfile = write('cert.pem', cert);
  if (key !== undefined) paths.keyfile = write('key.pem', key);
  if (passphrase !== undefined) paths.keyfilePassword = String(passphrase);
  return { paths, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

/** The client connects whatever the namespace is called; its first command would fail. */
async function findNamespace(client: Client, place: Place): Promise<void> {
  let names: string[];
  try {
    names = ((await info(client, ['namespaces'])).namespaces ?? '').split(';');
  } catch (error) {
    throw commandError(error, place, 'Asking for its namespaces');
  }
  if (names.includes(place.namespace ?? '')) return;
  throw new QaError('QA_NOT_FOUND', {
    what: `The namespace \`${place.namespace}\` does not exist. There are: ${names.join(', ')}`,
    mend: didYouMean(place.namespace ?? '', names),
    connection: place.connection,
    address: place.address,
    cause: Object.assign(new Error('AEROSPIKE_ERR_NAMESPACE_NOT_FOUND'), { code: 20 }),
  });
}
