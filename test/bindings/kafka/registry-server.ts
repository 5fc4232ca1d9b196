/**
 * A schema registry of the tests' own: it keeps the REST contract of Confluent's (ids, guids, subjects, versions,
 * references, error codes, refusal of incompatible Avro), in memory, over real HTTP or HTTPS.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const { Type } = createRequire(import.meta.url)('avsc') as typeof import('avsc');

interface Version {
  id: number;
  guid: string;
  subject: string;
  version: number;
  schema: string;
  schemaType?: string;
  references?: { name: string; subject: string; version: number }[];
}

export interface RegistryServerOptions {
  /** The `authorization` header that is wanted. */
  authorization?: string;
  tls?: { key: string; cert: string };
  /** Leaves guids out, as registries before 8.0 do. */
  isOld?: boolean;
}

export class RegistryServer {
  readonly requests: string[] = [];
  /** While true, requests are taken and never answered. */
  hangs = false;
  readonly #versions: Version[] = [];
  readonly #options: RegistryServerOptions;
  readonly #server: http.Server;

  constructor(options: RegistryServerOptions = {}) {
    this.#options = options;
    const listener: http.RequestListener = (request, response) => this.#take(request, response);
    this.#server = options.tls ? https.createServer(options.tls, listener) : http.createServer(listener);
  }

  async start(port = 0): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(port, '127.0.0.1', resolve));
    return this;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get url(): string {
    return `${this.#options.tls ? 'https' : 'http'}://127.0.0.1:${this.port}`;
  }

  /** Registers without HTTP, with an id of choice. */
  put(subject: string, schema: string, more: Partial<Version> = {}): Version {
    const same = this.#versions.find((known) => known.schema === schema && known.schemaType === more.schemaType);
    const hash = createHash('md5').update(schema).digest('hex');
    const version: Version = {
      id: same?.id ?? Math.max(0, ...this.#versions.map((known) => known.id)) + 1,
      guid: hash.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-'),
      subject,
      version: this.#of(subject).length + 1,
      schema,
      ...more,
    };
    this.#versions.push(version);
    return version;
  }

  #of(subject: string): Version[] {
    return this.#versions.filter((version) => version.subject === subject);
  }

  async #take(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    this.requests.push(`${request.method} ${request.url}`);
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    if (this.hangs) return;
    const [status, body] = this.#answer(request, Buffer.concat(chunks).toString());
    response.writeHead(status, { 'content-type': 'application/vnd.schemaregistry.v1+json' }).end(JSON.stringify(body));
  }

  #answer(request: http.IncomingMessage, body: string): [number, object] {
    const { authorization } = this.#options;
    if (authorization && request.headers.authorization !== authorization) {
      return [401, { error_code: 401, message: 'Unauthorized' }];
    }
    const path = request.url!.split('/').slice(1).map(decodeURIComponent);
    const is = (method: string, ...pattern: string[]) =>
      request.method === method &&
      pattern.length === path.length &&
      pattern.every((part, i) => part === '*' || part === path[i]);
    if (is('GET', 'schemas', 'ids', '*')) return this.#schema((version) => version.id === Number(path[2]), path[2]!);
    if (is('GET', 'schemas', 'guids', '*')) return this.#schema((version) => version.guid === path[2], path[2]!);
    const subject = path[1]!;
    const known = this.#of(subject);
    if (is('GET', 'subjects', '*', 'versions', '*')) {
      if (known.length === 0) return noSubject(subject);
      const found = path[3] === 'latest' ? known.at(-1) : known[Number(path[3]) - 1];
      return found ? [200, this.#shown(found)] : [404, { error_code: 40402, message: `Version ${path[3]} not found.` }];
    }
    const given = JSON.parse(body) as Pick<Version, 'schema' | 'schemaType' | 'references'>;
    const same = known.find((version) => version.schema === given.schema);
    if (is('POST', 'subjects', '*')) {
      if (known.length === 0) return noSubject(subject);
      return same ? [200, this.#shown(same)] : [404, { error_code: 40403, message: 'Schema not found' }];
    }
    if (is('POST', 'subjects', '*', 'versions')) {
      const refusal = same ? undefined : refusalOf(given, known.at(-1));
      return refusal ?? [200, this.#shown(same ?? this.put(subject, given.schema, given))];
    }
    return [404, { error_code: 404, message: 'HTTP 404 Not Found' }];
  }

  #schema(is: (version: Version) => boolean, label: string): [number, object] {
    const found = this.#versions.find(is);
    if (!found) return [404, { error_code: 40403, message: `Schema ${label} not found` }];
    const { schema, schemaType, references } = found;
    return [200, { schema, schemaType, references }];
  }

  #shown(version: Version): Partial<Version> {
    const { guid, ...rest } = version;
    return this.#options.isOld ? rest : { ...rest, guid };
  }
}

function noSubject(subject: string): [number, object] {
  return [404, { error_code: 40401, message: `Subject '${subject}' not found.` }];
}

/** BACKWARD, the default: what the last version wrote must be readable as the new one. Judged for Avro. */
function refusalOf(
  given: Pick<Version, 'schema' | 'schemaType'>,
  last: Version | undefined,
): [number, object] | undefined {
  if ((given.schemaType ?? 'AVRO') !== 'AVRO') return undefined;
  let reader: InstanceType<typeof Type>;
  try {
    reader = Type.forSchema(JSON.parse(given.schema));
  } catch (error) {
    return [422, { error_code: 42201, message: `Input schema is an invalid Avro schema: ${(error as Error).message}` }];
  }
  if (!last) return undefined;
  try {
    reader.createResolver(Type.forSchema(JSON.parse(last.schema)));
  } catch (error) {
    return [409, { error_code: 409, message: `Schema being registered is incompatible: ${(error as Error).message}` }];
  }
  return undefined;
}

/** A certificate of its own authority for 127.0.0.1. */
export function selfSigned(): { key: string; cert: string; file: string } {
  const dir = mkdtempSync(join(tmpdir(), 'qa-registry-'));
  const [key, cert] = [join(dir, 'key.pem'), join(dir, 'cert.pem')];
  const options = `req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=registry -addext subjectAltName=IP:127.0.0.1 -keyout ${key} -out ${cert}`;
  const made = spawnSync('openssl', options.split(' '), { encoding: 'utf8' });
  if (made.status !== 0) throw new Error(`openssl failed: ${made.stderr || made.error}`);
  return { key: readFileSync(key, 'utf8'), cert: readFileSync(cert, 'utf8'), file: cert };
}
