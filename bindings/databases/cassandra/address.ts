/** Addresses of Cassandra clusters as URLs. */
import { QaError } from '../../core/errors.ts';
import { redactUrl } from '../../core/redact.ts';

export interface Address {
  /** `host:port`; at least one. */
  contactPoints: readonly string[];
  localDataCenter: string | undefined;
  keyspace: string | undefined;
  user: string | undefined;
  password: string | undefined;
}

const PORT = 9042;

/**
 * `cassandra://user:password@host:9042,host:9042/keyspace?dc=datacenter1`
 *
 * @throws QaError QA_CONFIG, without the URL's password
 */
export function parseAddress(url: string, path: string): Address {
  const parts = /^cassandra:\/\/(?:([^@/?#]*)@)?([^@/?#]+)(?:\/([^/?#]*))?(?:\?([^#]*))?$/i.exec(url);
  const fail = (what: string, mend: string) => new QaError('QA_CONFIG', { what: `\`${path}\` ${what}`, mend });
  const shape = 'Write cassandra://user:password@host:9042,host:9042/keyspace?dc=datacenter1';
  if (!parts) {
    const shown = redactUrl(url).replace(/:[^:@/]*@/, ':…@');
    throw fail(
      `is no address of a Cassandra cluster: ${shown}`,
      `${shape}; encode special characters of the password (encodeURIComponent)`,
    );
  }
  const [, login = '', hosts = '', keyspace = '', query = ''] = parts;
  const parameters = new URLSearchParams(query);
  const unknown = [...parameters.keys()].find((name) => name !== 'dc');
  if (unknown !== undefined) throw fail(`has the parameter \`${unknown}\`, which means nothing here`, shape);
  const colon = login.indexOf(':');
  const [user, password] = colon < 0 ? [login, ''] : [login.slice(0, colon), login.slice(colon + 1)];
  return {
    contactPoints: hosts.split(',').map((host) => contactPoint(host, path)),
    localDataCenter: parameters.get('dc') || undefined,
    keyspace: decodeURIComponent(keyspace) || undefined,
    user: decodeURIComponent(user) || undefined,
    password: decodeURIComponent(password) || undefined,
  };
}

/** With its port: `host` → `host:9042`. @throws QaError QA_CONFIG */
export function contactPoint(text: string, path: string): string {
  const [, host, port = PORT] = /^(\[[\da-f:.]+\]|[^\s:[\]/@]+)(?::(\d{1,5}))?$/i.exec(text.trim()) ?? [];
  if (host !== undefined && Number(port) >= 1 && Number(port) <= 65535) return `${host}:${port}`;
  throw new QaError('QA_CONFIG', {
    what: `\`${path}\` names \`${text}\`, which is no contact point`,
    mend: "Write 'host' or 'host:9042', and '[::1]:9042' for an IPv6 address",
  });
}

/** `cassandra://app@127.0.0.1:9042/shop` */
export function printAddress({ contactPoints, keyspace = '', user }: Address): string {
  return `cassandra://${user === undefined ? '' : `${encodeURIComponent(user)}@`}${contactPoints.join(',')}/${keyspace}`;
}

/** With password and data centre: what `parseAddress` reads. */
export function writeUrl({ contactPoints, keyspace = '', user, password, localDataCenter }: Address): string {
  const secret = password === undefined ? '' : `:${encodeURIComponent(password)}`;
  const login = user === undefined ? '' : `${encodeURIComponent(user)}${secret}@`;
  const dc = localDataCenter === undefined ? '' : `?dc=${encodeURIComponent(localDataCenter)}`;
  return `cassandra://${login}${contactPoints.join(',')}/${encodeURIComponent(keyspace)}${dc}`;
}
