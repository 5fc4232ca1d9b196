/** A thin client of a Confluent-compatible schema registry: what codecs need of its REST contract. */
import { createHash } from 'node:crypto';
import http from 'node:http';
import https from 'node:https';
import { clock } from '../../core/clock.ts';
import { QaError } from '../../core/errors.ts';
import type { SchemaFormat, SchemaText } from '../schemas/message-schema.ts';
import type { RegistryTarget, SchemaReference } from './options.ts';

export interface RegisteredSchema {
  readonly id: number | undefined;
  /** Newer registries give one: the id that headers carry. */
  readonly guid: string | undefined;
  readonly type: string;
  readonly schema: string;
  /** Those that it refers to, each after the ones it needs itself. */
  readonly references: readonly SchemaText[];
}

interface Answer {
  id?: number;
  guid?: string;
  schema?: string;
  schemaType?: string;
  references?: SchemaReference[];
}

export interface NewSchema {
  readonly type: SchemaFormat['type'];
  readonly text: string;
  readonly references: readonly SchemaReference[];
}

/** Ms. */
const FAILURE_KEPT = 1000;

const clients = new Map<string, RegistryClient>();

/** One a process, address and credentials: what it knows serves all files. */
export function registryClient(target: RegistryTarget): RegistryClient {
  const key = createHash('sha256').update(JSON.stringify(target)).digest('hex');
  const client = clients.get(key) ?? new RegistryClient(target);
  clients.set(key, client);
  return client;
}

export class RegistryClient {
  readonly #target: RegistryTarget;
  /** Answers that never change: by id, by version, of a registration. */
  readonly #known = new Map<string, Promise<Answer>>();
  readonly #agent: http.Agent;

  constructor(target: RegistryTarget) {
    this.#target = target;
    const Agent = target.url.protocol === 'https:' ? https.Agent : http.Agent;
    // Few calls, since ids are kept: an idle connection would only be one that the server may have closed.
    this.#agent = new Agent({ keepAlive: false, ...target.tls });
  }

  /** Address without credentials. */
  get address(): string {
    return this.#target.url.href.replace(/\/$/, '');
  }

  async byId(id: number): Promise<RegisteredSchema> {
    return this.#registered(await this.#once('GET', `/schemas/ids/${id}`), { id });
  }

  async byGuid(guid: string): Promise<RegisteredSchema> {
    return this.#registered(await this.#once('GET', `/schemas/guids/${guid}`), { guid });
  }

  /**
   * The newest version of a subject. Never kept, as the system under test may register one; but asked once for all
   * who ask at the same time.
   */
  async latest(subject: string): Promise<RegisteredSchema> {
    const path = `/subjects/${encodeURIComponent(subject)}/versions/latest`;
    const answer = this.#once('GET', path);
    const forget = () => this.#known.delete(keyOf('GET', path));
    answer.then(forget, forget);
    return this.#registered(await answer, {});
  }

  /** The texts of references, each after the ones that it needs itself. */
  references(references: readonly SchemaReference[]): Promise<SchemaText[]> {
    return this.#references(references, new Set());
  }

  /** The id of a schema that the subject has. */
  async lookUp(subject: string, schema: NewSchema): Promise<RegisteredSchema> {
    const answer = await this.#once('POST', `/subjects/${encodeURIComponent(subject)}`, bodyOf(schema));
    return this.#registered({ ...answer, schema: schema.text, references: [] }, {});
  }

  /** Registers a schema; one that is there already keeps its id. */
  async register(subject: string, schema: NewSchema): Promise<RegisteredSchema> {
    const answer = await this.#once('POST', `/subjects/${encodeURIComponent(subject)}/versions`, bodyOf(schema));
    return this.#registered({ ...answer, schema: schema.text, references: [] }, {});
  }

  async #registered(answer: Answer, asked: { id?: number; guid?: string }): Promise<RegisteredSchema> {
    if (typeof answer.schema !== 'string') {
      throw this.#error('gave an answer without a schema', 'See whether the address is a schema registry');
    }
    return {
      id: answer.id ?? asked.id,
      guid: answer.guid ?? asked.guid,
      type: answer.schemaType ?? 'AVRO',
      schema: answer.schema,
      references: await this.#references(answer.references ?? [], new Set()),
    };
  }

  async #references(references: readonly SchemaReference[], seen: Set<string>): Promise<SchemaText[]> {
    const found: SchemaText[] = [];
    for (const { name, subject, version } of references) {
      if (seen.has(name)) continue;
      seen.add(name);
      const answer = await this.#once('GET', `/subjects/${encodeURIComponent(subject)}/versions/${version}`);
      found.push(...(await this.#references(answer.references ?? [], seen)), { name, text: answer.schema ?? '' });
    }
    return found;
  }

  /**
   * Kept for the life of the process. A failure of reading is kept for a second: thousands of messages with one
   * unknown id are one question, not thousands with a timeout each.
   */
  #once(method: string, path: string, body?: string): Promise<Answer> {
    const key = keyOf(method, path, body);
    let answer = this.#known.get(key);
    if (!answer) {
      answer = this.#ask(method, path, body);
      this.#known.set(key, answer);
      const forget = () => this.#known.delete(key);
      answer.catch(() => (method === 'GET' ? clock().setTimeout(forget, FAILURE_KEPT).unref() : forget()));
    }
    return answer;
  }

  async #ask(method: string, path: string, body?: string): Promise<Answer> {
    const { status, text } = await this.#send(method, path, body);
    const answer = parse(text);
    if (status >= 200 && status < 300 && answer) return answer;
    throw this.#refused(method, path, status, answer);
  }

  #send(method: string, path: string, body: string | undefined): Promise<{ status: number; text: string }> {
    const { url, authorization, timeout } = this.#target;
    const { setTimeout, clearTimeout } = clock();
    const { request } = url.protocol === 'https:' ? https : http;
    return new Promise((resolve, reject) => {
      const type = 'application/vnd.schemaregistry.v1+json';
      const headers = {
        accept: `${type}, application/json`,
        ...(authorization ? { authorization } : {}),
        ...(body === undefined ? {} : { 'content-type': type, 'content-length': Buffer.byteLength(body) }),
      };
      const call = request(`${this.address}${path}`, { method, headers, agent: this.#agent }, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', fail);
        response.on('end', () => {
          clearTimeout(timer);
          resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString('utf8') });
        });
      });
      const timer = setTimeout(
        () => call.destroy(Object.assign(new Error(`no answer within ${timeout} ms`), { code: 'ETIMEDOUT' })),
        timeout,
      );
      const fail = (error: NodeJS.ErrnoException) => {
        clearTimeout(timer);
        reject(this.#unreachable(error));
      };
      call.on('error', fail);
      call.end(body);
    });
  }

  #unreachable(cause: NodeJS.ErrnoException): QaError {
    const { code = '' } = cause;
    if (/CERT|SELF_SIGNED|UNABLE_TO_|ALTNAME/.test(code)) {
      return this.#error(
        `has a certificate that is not trusted (${cause.message})`,
        'Give the authority that signed it: registry: { tls: { ca } }',
        cause,
      );
    }
    if (code === 'ETIMEDOUT') {
      return this.#error(
        `did not answer within ${this.#target.timeout} ms`,
        'See whether it is up and not overloaded, or give it more time: registry: { timeout }',
        cause,
      );
    }
    const isWrongProtocol = code === 'EPROTO' || /^HPE_/.test(code);
    return this.#error(
      `cannot be reached (${cause.message || code})`,
      isWrongProtocol
        ? 'The port speaks another protocol: correct `http` or `https` in the address'
        : 'See whether it is up, and whether the address is right',
      cause,
    );
  }

  #refused(method: string, path: string, status: number, answer: (Answer & Refusal) | undefined): QaError {
    const said = answer?.message ? `: ${answer.message}` : '';
    const code = answer?.error_code ?? status;
    const what = `answered ${method} ${path} with ${status}${said}`;
    return this.#error(what, answer ? mendOf(method, status, code) : 'See whether the address is a schema registry');
  }

  #error(what: string, mend: string, cause?: unknown): QaError {
    return new QaError('QA_REGISTRY', { what: `The schema registry ${this.address} ${what}`, mend, cause });
  }
}

interface Refusal {
  error_code?: number;
  message?: string;
}

function mendOf(method: string, status: number, code: number): string {
  if (status === 401) return 'Give it the right `username` and `password`, or `token`';
  if (status === 403) return 'This user may not do that: give it the right, or use another one';
  if (code === 40401)
    return 'No schema is registered under that subject: register one (`register: true`), or correct `subject`';
  if (code === 40403 && method === 'POST')
    return 'Register the schema (`register: true`), or send with one that the subject has';
  if (status === 404) return 'See whether this is the registry that the producer uses';
  if (status === 409)
    return "The schema is not compatible with the versions that the subject has: give new fields a default, or change the subject's compatibility";
  if (status === 422) return 'The registry does not take the schema: correct it';
  return 'See the log of the registry';
}

function keyOf(method: string, path: string, body = ''): string {
  return `${method} ${path} ${body}`;
}

function bodyOf({ type, text, references }: NewSchema): string {
  return JSON.stringify({
    schema: text,
    ...(type === 'AVRO' ? {} : { schemaType: type }),
    ...(references.length > 0 ? { references } : {}),
  });
}

function parse(text: string): (Answer & Refusal) | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    // No JSON: another kind of server answers there. The caller says so.
    return undefined;
  }
}
