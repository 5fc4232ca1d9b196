/** Logging in: what is sent where, and what its refusal means. */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { QaError } from '../core/errors.ts';
import type { ParsedAuth } from './auth-options.ts';
import { AnswerError, answerError, isNoMount, isServersAffair, type Place, saidIn } from './errors.ts';
import type { ParsedOptions } from './options.ts';
import { encoded, trimmed } from './paths.ts';
import type { Answer } from './transport.ts';

/** What a login gives; it travels between the processes of a run, and never further. */
export interface Login {
  token: string;
}

type LoginAuth = Exclude<ParsedAuth, { method: 'token' }>;

/** One request before there is a token. */
export type Ask = (method: 'POST' | 'GET', path: string, options: { json?: object; token?: string }) => Promise<Answer>;

export interface LoginContext {
  ask: Ask;
  place: Place;
  baseDir: string;
  /** Told each secret before it is sent, so that no text shows it. */
  hide(secret: string): void;
  /** A value that is made once a run; see Scope. */
  once<T>(key: string, make: () => Promise<T>): Promise<T>;
}

const SERVICE_ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount/token';

/** Tells the logins of a run from each other, without a secret in it. */
export function loginKey({ address, namespace, auth }: ParsedOptions): string {
  return createHash('sha256')
    .update(JSON.stringify([address, namespace, auth]))
    .digest('hex')
    .slice(0, 24);
}

/**
 * The token that is there without logging in: of the config, of VAULT_TOKEN, of `~/.vault-token`.
 *
 * @throws QaError QA_CONFIG where there is none
 */
export async function givenToken(auth: ParsedAuth | undefined, { connection, address }: Place): Promise<string> {
  if (auth?.method === 'token') return auth.with;
  const { VAULT_TOKEN } = process.env;
  if (VAULT_TOKEN) return VAULT_TOKEN;
  const file = join(homedir(), '.vault-token');
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '';
    throw new QaError('QA_CONFIG', {
      what: `${file} could not be read: ${error.code}`,
      mend: 'Make it readable, or say in the config how to log in: `auth: { … }`',
      connection,
      address,
      cause: error,
    });
  });
  if (text.trim() !== '') return text.trim();
  throw new QaError('QA_CONFIG', {
    what: 'There is no token: the config has no `auth`, VAULT_TOKEN is not set, and ~/.vault-token is not there',
    mend: 'Say how to log in, for example `auth: { approle: { roleId: fromEnv(…), secretId: fromEnv(…) } }`, or run `vault login`',
    connection,
    address,
  });
}

/** Logs in. @throws QaError QA_AUTH, QA_CONFIG, and what the network says */
export async function logIn(auth: LoginAuth, options: ParsedOptions, context: LoginContext): Promise<Login> {
  const { path, json } = await requestOf(auth, options, context);
  const answer = await context.ask('POST', path, { json });
  if (isServersAffair(answer.statusCode)) throw answerError(answer, { doing: 'Logging in', path }, context.place);
  const { auth: given } = (answer.body ?? {}) as { auth?: { client_token?: string; mfa_requirement?: unknown } | null };
  if (answer.statusCode !== 200 || !given?.client_token) {
    if (given?.mfa_requirement)
      throw refused(auth, answer, 'a second factor is asked for, which tests do not have', context);
    throw refused(auth, answer, undefined, context);
  }
  context.hide(given.client_token);
  return { token: given.client_token };
}

async function requestOf(
  auth: LoginAuth,
  options: ParsedOptions,
  context: LoginContext,
): Promise<{ path: string; json: object }> {
  const path = `auth/${mountOf(auth)}/login`;
  switch (auth.method) {
    case 'approle': {
      const { roleId, secretId, wrapped } = auth.with;
      if (secretId === undefined) return { path, json: { role_id: roleId } };
      context.hide(secretId);
      const secret = wrapped ? await unwrap(secretId, options, context) : secretId;
      return { path, json: { role_id: roleId, secret_id: secret } };
    }
    case 'userpass': {
      const { username, password } = auth.with;
      context.hide(password);
      return { path: `${path}/${encodeURIComponent(username)}`, json: { password } };
    }
    default: {
      const { role, jwt, jwtFile = SERVICE_ACCOUNT } = auth.with;
      const token = jwt ?? (await tokenIn(jwtFile, auth.method, context));
      context.hide(token);
      return { path, json: { ...(role !== undefined && { role }), jwt: token } };
    }
  }
}

/** A wrapping token can be used once: what it held is kept for the whole run. */
async function unwrap(wrapping: string, options: ParsedOptions, context: LoginContext): Promise<string> {
  const { secretId } = await context.once(`vault unwrap ${loginKey(options)}`, async () => {
    const path = 'sys/wrapping/unwrap';
    const answer = await context.ask('POST', path, { token: wrapping });
    if (isServersAffair(answer.statusCode))
      throw answerError(answer, { doing: 'Unwrapping `secretId`', path }, context.place);
    const { data } = (answer.body ?? {}) as { data?: { secret_id?: unknown } | null };
    const { connection, address } = context.place;
    const cause = new AnswerError(answer.statusCode, context.place.redact(saidIn(answer.body)));
    if (answer.statusCode !== 200) {
      throw new QaError('QA_AUTH', {
        what: 'The wrapping token in `secretId` has been used already, or has expired',
        mend: 'Make a new one (`vault write -wrap-ttl=5m -f auth/approle/role/<role>/secret-id`); where nobody of yours has used it, take the secret id for stolen and destroy it',
        connection,
        address,
        cause,
      });
    }
    if (typeof data?.secret_id === 'string') return { secretId: data.secret_id };
    throw new QaError('QA_AUTH', {
      what: 'The wrapping token in `secretId` holds something else than a secret id',
      mend: 'Wrap the answer of auth/approle/role/<role>/secret-id',
      connection,
      address,
      cause,
    });
  });
  context.hide(secretId);
  return secretId;
}

async function tokenIn(file: string, method: string, { baseDir, place }: LoginContext): Promise<string> {
  const path = resolve(baseDir, file);
  const { connection, address } = place;
  const fail = (what: string, cause?: unknown) =>
    new QaError('QA_CONFIG', {
      what: `\`auth.${method}\` reads its token from ${path}, ${what}`,
      mend: 'Give the right `jwtFile`, or the token itself as `jwt`',
      connection,
      address,
      cause,
    });
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw fail(error.code === 'ENOENT' ? 'which is not there' : `which could not be read: ${error.code}`, error);
  });
  if (text.trim() === '') throw fail('which is empty');
  return text.trim();
}

function mountOf({ method, with: { mount = method } }: LoginAuth): string {
  return encoded(trimmed(mount));
}

/** Whose login it is, without a secret. */
function subjectOf(auth: LoginAuth): readonly [who: string, mend: string] {
  switch (auth.method) {
    case 'approle':
      return [
        `the role id \`${auth.with.roleId}\` or its secret id`,
        'Correct `roleId` and `secretId`; a secret id may also have expired, or been used as often as it may be',
      ];
    case 'userpass':
      return [`the user \`${auth.with.username}\` or its password`, 'Correct `username` and `password`'];
    default:
      return [
        `the token of \`auth.${auth.method}\`${auth.with.role === undefined ? '' : ` for the role \`${auth.with.role}\``}`,
        'See whether the role exists and is bound to what the token says (audience, subject, service account), and whether the token has expired',
      ];
  }
}

function refused(
  auth: LoginAuth,
  { statusCode, body }: Answer,
  because: string | undefined,
  { place: { connection, address, redact } }: LoginContext,
): QaError {
  const said = redact(because ?? saidIn(body));
  const [who, mend] = subjectOf(auth);
  const mount = mountOf(auth);
  const isMissing = isNoMount(statusCode, body);
  // To who has no token the server does not tell what is mounted.
  const orMissing = statusCode === 403 ? `, or nothing is mounted at auth/${mount}` : '';
  return new QaError('QA_AUTH', {
    what: isMissing
      ? `Nothing is mounted at auth/${mount}, where \`auth.${auth.method}\` logs in`
      : `The server refused ${who}${said === '' ? ` (status ${statusCode})` : `: ${said}`}${orMissing}`,
    mend: isMissing ? `Enable it (\`vault auth enable ${auth.method}\`), or give its \`mount\`` : mend,
    connection,
    address,
    cause: new AnswerError(statusCode, said),
  });
}
