/** Addresses of Aerospike clusters: seeds, of which one that answers names the others. */
import { QaError } from '../../core/errors.ts';
import { redactUrl } from '../../core/redact.ts';

export interface Seed {
  host: string;
  port: number;
}

export interface Address {
  seeds: readonly Seed[];
  namespace: string;
  user: string | undefined;
  password: string | undefined;
}

const PORT = 3000;

/**
 * `127.0.0.1:3000`, `db-1, db-2:3100`, `[::1]:3000`.
 *
 * @throws QaError QA_CONFIG
 */
export function parseSeeds(hosts: string | readonly string[], path: string): Seed[] {
  const list = typeof hosts === 'string' ? hosts.split(',') : hosts;
  return list.map((text) => {
    const [, bracketed, plain, port = String(PORT)] =
      /^\s*(?:\[([^\]]+)\]|([^\s:@/]+))(?::(\d+))?\s*$/.exec(text) ?? [];
    const host = bracketed ?? plain;
    if (host !== undefined && Number(port) >= 1 && Number(port) <= 65535) return { host, port: Number(port) };
    throw new QaError('QA_CONFIG', {
      what: `\`${path}\` names no host: \`${redactUrl(text).replace(/^.*@/, '')}\``,
      mend: "Write host:port, several with commas: '10.0.0.1:3000,10.0.0.2:3000'; an IPv6 address in brackets",
    });
  });
}

/**
 * `aerospike://user:password@host:port,host:port/namespace`
 *
 * @throws QaError QA_CONFIG, without the password
 */
export function parseUrl(url: string, path: string): Address {
  const [, login, hosts, namespace] = /^aerospike:\/\/(?:([^/]*)@)?([^/@]+)\/([^/?#]+)\/?$/i.exec(url.trim()) ?? [];
  if (hosts === undefined || namespace === undefined) {
    throw new QaError('QA_CONFIG', {
      what: `\`${path}\` is no address of an Aerospike cluster: ${redactUrl(url).replace(/:[^:@/]*@/, ':…@')}`,
      mend: 'Write aerospike://host:port,host:port/namespace; encode special characters of a password (encodeURIComponent)',
    });
  }
  const [user, password] = (login ?? '').split(/:(.*)/s).map((part) => decodeURIComponent(part) || undefined);
  return { seeds: parseSeeds(hosts, path), namespace: decodeURIComponent(namespace), user, password };
}

/** `127.0.0.1:3000,127.0.0.1:3001` */
export function printSeeds(seeds: readonly Seed[]): string {
  return seeds.map(({ host, port }) => `${host.includes(':') ? `[${host}]` : host}:${port}`).join(',');
}

/** `aerospike://app@127.0.0.1:3000/test` */
export function printAddress({ seeds, namespace, user }: Address): string {
  return `aerospike://${user === undefined ? '' : `${user}@`}${printSeeds(seeds)}/${namespace}`;
}
