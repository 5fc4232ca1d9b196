/** What the server answers and what the network says, in words that name the connection, its address and the mend. */
import { isQaError, QaError } from '../core/errors.ts';
import { type Told, tellSocketCode, tellUnknownClient, tellUntrusted } from '../core/told.ts';

export interface Place {
  connection: string;
  /** Redacted. */
  address: string;
  host: string;
  redact(text: string): string;
}

/** What an answer is about: none of it secret. */
export interface Asked {
  /** As a sentence's subject: `Reading secret/data/shop/db`. */
  doing: string;
  /** `secret/data/shop/db` */
  path: string;
  /** `secret/`, where it is known. */
  mount?: string | undefined;
}

/** An answer of the server that is none to be had: what a QaError has as its cause. Neither headers nor what was sent. */
export class AnswerError extends Error {
  override readonly name = 'VaultAnswer';
  readonly statusCode: number;

  constructor(statusCode: number, said: string) {
    super(`${statusCode} ${said}`.trim());
    this.statusCode = statusCode;
    // Where it was made says nothing to who reads the error that it caused.
    this.stack = `${this.name}: ${this.message}`;
  }
}

/** What the server says in an answer: its errors, or its warnings. Never its data. */
export function saidIn(body: unknown): string {
  const { errors, warnings } = (typeof body === 'object' && body !== null ? body : {}) as Record<string, unknown>;
  const lines = Array.isArray(errors) && errors.length > 0 ? errors : Array.isArray(warnings) ? warnings : [];
  return lines
    .map((line) =>
      String(line)
        .replace(/^\d+ errors? occurred:/, '')
        .replace(/\s*\*\s*/g, ' ')
        .trim(),
    )
    .join('; ');
}

/** A token that the server does not know, or knows no longer; one that it knows but does not let in is told otherwise. */
export function isUnknownToken(statusCode: number, body: unknown): boolean {
  const { errors } = (body ?? {}) as { errors?: unknown };
  if (statusCode !== 403 || !Array.isArray(errors)) return false;
  return errors.some(
    (line) => line === 'permission denied' || /invalid token|bad token|token (is )?expired/.test(line),
  );
}

/** The server knows no engine where the path points. */
export function isNoMount(statusCode: number, body: unknown): boolean {
  return statusCode === 404 && /no handler for route|unsupported path/.test(saidIn(body));
}

/** A rate limit, a standby, a seal, a failure: nothing that what was sent could mend. */
export function isServersAffair(statusCode: number): boolean {
  return statusCode === 429 || statusCode >= 472;
}

/** A QaError for an answer that is not the one asked for. */
export function answerError(
  { statusCode, body }: { statusCode: number; body: unknown },
  asked: Asked,
  { connection, address, redact }: Place,
): QaError {
  const said = redact(saidIn(body));
  const [code, what, mend] = tellAnswer(statusCode, { said, body }, asked);
  return new QaError(code, { what, mend, connection, address, cause: new AnswerError(statusCode, said) });
}

function tellAnswer(statusCode: number, { said, body }: { said: string; body: unknown }, asked: Asked): Told {
  const { doing, path, mount } = asked;
  const about = mount === undefined ? '' : ` (mount \`${mount}\`)`;
  const words = said === '' ? `status ${statusCode}` : said;
  if (isUnknownToken(statusCode, body))
    return [
      'QA_AUTH',
      `${doing} failed: the server does not know the token, or it has expired or was revoked`,
      'Give a valid token, or let the connection log in by itself (`auth: { approle: { … } }`)',
    ];
  if (statusCode === 403)
    return [
      'QA_FORBIDDEN',
      `${doing} is not allowed: the policies of this token do not grant it \`${path}\`${about}`,
      `Give a policy of it the capability: path "${path}" { capabilities = ["read"] }; or correct the path`,
    ];
  if (isNoMount(statusCode, body))
    return [
      'QA_NOT_FOUND',
      `${doing} failed: no secrets engine is mounted where \`${path}\` points`,
      'Correct the path (`vault secrets list` tells the mounts), or enable an engine there',
    ];
  if (statusCode === 404 && /versioned K\/V/.test(said))
    return [
      'QA_NOT_FOUND',
      `${doing} failed: the mount keeps versions (KV version 2), and \`${path}\` is a path of version 1${about}`,
      `Put \`data/\` behind the mount: \`${path.replace(/^([^/]+)\//, '$1/data/')}\``,
    ];
  if (statusCode === 404)
    return ['QA_NOT_FOUND', `${doing} failed: there is nothing at \`${path}\`${about}`, 'Correct the path'];
  if (statusCode === 429)
    return [
      'QA_REFUSED',
      `${doing} failed: the server has a rate limit, and it is exceeded (429)`,
      'Run fewer workers, or raise the quota (`vault read sys/quotas/rate-limit/<name>`)',
    ];
  if (statusCode === 503 && (/sealed/i.test(said) || isSealed(body)))
    return [
      'QA_CONNECTION_LOST',
      `${doing} failed: the server is sealed, so it gives nothing to anybody`,
      'Unseal it: `vault operator unseal`',
    ];
  if ([472, 473].includes(statusCode) || /standby|not active|active cluster node not found|no active/i.test(said))
    return [
      'QA_CONNECTION_LOST',
      `${doing} failed: this node is a standby and cannot hand the request to the active one (${words})`,
      'Give `address` of the active node or of the load balancer before them, or wait until one is active',
    ];
  if (statusCode === 502 || statusCode === 504 || statusCode === 503)
    return [
      'QA_CONNECTION_LOST',
      `${doing} failed: the server cannot answer now (${statusCode}${said === '' ? '' : `: ${said}`})`,
      'See whether it or what stands before it (a proxy, its storage) is up, and run again',
    ];
  if (statusCode >= 500)
    return [
      'QA_REFUSED',
      `${doing} failed inside the server (${statusCode}): ${words}`,
      "See the server's log; where the engine stands before a database, see whether that one is up",
    ];
  return ['QA_REFUSED', `${doing} was refused (${statusCode}): ${words}`, 'Correct what is asked for'];
}

/** As `sys/health` says it, which has no errors. */
function isSealed(body: unknown): boolean {
  return typeof body === 'object' && body !== null && (body as { sealed?: unknown }).sealed === true;
}

/** A page instead of an answer: a proxy's, or another server's. */
export function notVault({ doing }: Asked, { connection, address }: Place): QaError {
  return new QaError('QA_CONNECTION_LOST', {
    what: `${doing} failed: what answers there is no Vault`,
    mend: 'Correct `address`, or see what stands before the server',
    connection,
    address,
    cause: new AnswerError(200, 'an answer that is no JSON'),
  });
}

/** A redirect is never followed: the token would go where it points. */
export function redirected(location: string, from: URL, { connection, address }: Place): QaError {
  const to = URL.canParse(location, from.href) ? new URL(location, from.href) : undefined;
  const where = to === undefined ? 'somewhere else' : to.origin;
  return new QaError('QA_REFUSED', {
    what: `The server answered with a redirect to ${where}, which is not followed: the token would be sent there`,
    mend:
      to && to.origin !== from.origin
        ? `If that is the active node, give it as \`address: '${to.origin}'\`; else see what stands before the server`
        : 'Correct `address`: it must be the server itself, with the right scheme and path',
    connection,
    address,
    cause: new AnswerError(307, 'redirect'),
  });
}

/** A QaError for what the network or TLS said; one of ours is handed on as it is. */
export function networkError(error: unknown, place: Place): QaError {
  if (isQaError(error)) return error;
  const { connection, address, host, redact } = place;
  const cause = flattened(error);
  const said = redact(cause.message ?? String(error));
  const [code, what, mend] = tellNetwork(cause, said, host) ?? [
    'QA_CONNECTION_LOST' as const,
    `The request failed: ${said}`,
    'See whether the server is up and the address is right',
  ];
  return new QaError(code, { what, mend, connection, address, cause: error });
}

function tellNetwork({ code = '', message = '' }: NodeJS.ErrnoException, said: string, host: string): Told | undefined {
  const unreachable = tellSocketCode(code, { host, address: '`address`' });
  if (unreachable) return unreachable;
  const untrusted = tellUntrusted(code, said);
  if (untrusted) return untrusted;
  if (code === 'EPROTO' || /wrong version number|packet length too long/i.test(message))
    return [
      'QA_AUTH',
      'The TLS handshake failed: that port does not speak TLS',
      'Write http:// in `address`, or correct the port',
    ];
  const unnamed = tellUnknownClient(message, said);
  if (unnamed) return unnamed;
  if (code === 'ECONNRESET' || code === 'EPIPE' || /socket hang up|aborted/i.test(message))
    return [
      'QA_CONNECTION_LOST',
      `The connection broke: ${said}`,
      'See whether the server was stopped or restarted, or wants TLS on that port (https://)',
    ];
  if (code.startsWith('HPE_'))
    return [
      'QA_CONNECTION_LOST',
      'What answers there does not speak HTTP as a Vault does',
      'Correct `address`: it may be another server, or want https://',
    ];
  return undefined;
}

/** A host with several addresses fails with one error for each. */
function flattened(error: unknown): NodeJS.ErrnoException {
  const { errors } = (error ?? {}) as AggregateError;
  return (Array.isArray(errors) && errors.length > 0 ? errors[0] : error) as NodeJS.ErrnoException;
}
