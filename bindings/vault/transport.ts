/**
 * How requests reach the server. node-vault sends through axios unless it is given something else: axios waits for ever,
 * ignores an AbortSignal, follows a redirect to another host with the token, asks a proxy for a server on this machine,
 * and its errors carry the token and what was sent. This does none of that.
 */
import { Agent as HttpAgent, type IncomingMessage, request as requestHttp } from 'node:http';
import { Agent as HttpsAgent, request as requestHttps } from 'node:https';
import { clock } from '../core/clock.ts';
import { QaError } from '../core/errors.ts';
import type { TlsOptions } from '../core/tls.ts';
import { networkError, type Place, redirected } from './errors.ts';

/** What node-vault hands over for one request. */
export interface Outgoing {
  method: string;
  uri: string;
  headers?: Readonly<Record<string, string>>;
  /** What is sent, as JSON; `true` and undefined send nothing. */
  json?: unknown;
  /** ms, instead of the connection's own. */
  timeout?: number;
  signal?: AbortSignal | undefined;
}

export interface Answer {
  statusCode: number;
  /** Parsed JSON, else the text. */
  body: unknown;
  request: { path: string };
}

export interface TransportOptions {
  /** ms */
  timeout: number;
  ssl: boolean | TlsOptions | undefined;
  place: () => Place;
}

/** A secret has 1 MB at most, a list of them a few. */
const LONGEST_BODY = 64 * 1024 ** 2;

export class Transport {
  readonly #options: TransportOptions;
  readonly #http = new HttpAgent({ keepAlive: true });
  readonly #https: HttpsAgent;

  constructor(options: TransportOptions) {
    this.#options = options;
    this.#https = new HttpsAgent({
      keepAlive: true,
      ...(typeof options.ssl === 'object' ? (options.ssl as object) : {}),
    });
  }

  /**
   * One request and its answer, of whatever status but a redirect.
   *
   * @throws QaError QA_CONNECTION_LOST, QA_AUTH for a certificate, QA_TIMEOUT, QA_REFUSED for a redirect; the reason of
   *   `signal`
   */
  async send(outgoing: Outgoing): Promise<Answer> {
    const { place } = this.#options;
    const url = new URL(outgoing.uri);
    try {
      const { response, text } = await this.#sendOnce(url, outgoing).catch((error) => {
        // The server had closed a connection that was kept; nothing of a question that only reads is lost.
        if (error instanceof Stale && ['GET', 'LIST'].includes(outgoing.method)) return this.#sendOnce(url, outgoing);
        throw error;
      });
      const { statusCode = 0, headers } = response;
      if (statusCode >= 300 && statusCode < 400 && headers.location !== undefined)
        throw redirected(headers.location, url, place());
      return { statusCode, body: parsed(text), request: { path: url.pathname } };
    } catch (error) {
      if (outgoing.signal?.aborted && error === outgoing.signal.reason) throw error;
      throw networkError(error instanceof Stale ? error.cause : error, place());
    }
  }

  /** Idempotent; requests under way end. */
  close(): void {
    this.#http.destroy();
    this.#https.destroy();
  }

  #sendOnce(url: URL, { method, headers, json, timeout, signal }: Outgoing): Promise<Received> {
    if (signal?.aborted) return Promise.reject(signal.reason);
    const { timeout: longest, place } = this.#options;
    const isTls = url.protocol === 'https:';
    const body = typeof json === 'object' && json !== null ? JSON.stringify(json) : undefined;
    const { setTimeout, clearTimeout } = clock();
    return new Promise<Received>((resolve, reject) => {
      const request = (isTls ? requestHttps : requestHttp)(url, {
        method,
        agent: isTls ? this.#https : this.#http,
        headers: {
          accept: 'application/json',
          ...(body !== undefined && {
            'content-type': 'application/json',
            'content-length': String(Buffer.byteLength(body)),
          }),
          ...headers,
        },
      });
      const ms = timeout || longest;
      const timer = setTimeout(() => end(late(ms, place())), ms);
      const abort = () => end(signal!.reason);
      const settle = () => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', abort);
      };
      const end = (error: unknown) => {
        settle();
        reject(error);
        request.destroy();
      };
      signal?.addEventListener('abort', abort, { once: true });
      request.on('error', (error: NodeJS.ErrnoException) => {
        const isStale = request.reusedSocket && (error.code === 'ECONNRESET' || error.code === 'EPIPE');
        end(isStale ? new Stale(error) : error);
      });
      request.on('response', (response) => {
        readAll(response).then((text) => {
          settle();
          resolve({ response, text });
        }, end);
      });
      request.end(body);
    });
  }
}

interface Received {
  response: IncomingMessage;
  text: string;
}

/** A kept connection that the server had closed when it was used again. */
class Stale extends Error {
  constructor(cause: Error) {
    super(cause.message, { cause });
  }
}

async function readAll(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of response) {
    chunks.push(chunk as Buffer);
    length += (chunk as Buffer).length;
    if (length > LONGEST_BODY) throw new Error('The answer is longer than 64 MB');
  }
  return Buffer.concat(chunks).toString();
}

function parsed(text: string): unknown {
  try {
    return text === '' ? '' : JSON.parse(text);
  } catch {
    // Not the server's own: a page of a proxy.
    return text;
  }
}

function late(ms: number, { connection, address }: Place): QaError {
  return new QaError('QA_TIMEOUT', {
    what: `The server did not answer within ${ms} ms`,
    mend: 'See whether it hangs or the address is right, or give it more time with `requestTimeout`',
    connection,
    address,
    cause: new DOMException('The request took too long.', 'TimeoutError'),
  });
}
