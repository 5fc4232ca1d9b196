/** The redactor: every form of a secret, at any place of a text, and nothing else. */
import { inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
import { connection } from '../../bindings/core/connection.ts';
import { HIDDEN, Redactor, redactUrl } from '../../bindings/core/redact.ts';
import { redactError, redactValue } from '../../bindings/core/redact-value.ts';
import { fromEnv, resolveReferences } from '../../bindings/core/reference.ts';
import { hideSecrets, secret } from '../../bindings/core/secret.ts';

const SECRET = `ca/nary+ä"s' \\x&1`;

function redactorOf(...secrets: string[]): Redactor {
  const redactor = new Redactor();
  for (const one of secrets) redactor.add(one);
  return redactor;
}

/** As a session does when a connection opens. */
async function opened(input: Record<string, unknown>, env: NodeJS.ProcessEnv = {}): Promise<Redactor> {
  const redactor = new Redactor();
  hideSecrets(redactor, input, await resolveReferences(input, { env, path: 'connections.db' }));
  return redactor;
}

describe('forms', () => {
  const base64 = (text: string) => Buffer.from(text).toString('base64');
  const forms: Record<string, string> = {
    verbatim: SECRET,
    'an URL': encodeURIComponent(SECRET),
    'an URL in lower case': encodeURIComponent(SECRET).replace(/%../g, (code) => code.toLowerCase()),
    'a form': new URLSearchParams({ a: SECRET }).toString().slice(2),
    'the password of a URL': Object.assign(new URL('http://u@h'), { password: SECRET }).password,
    JSON: JSON.stringify({ a: SECRET }),
    'JSON in JSON': JSON.stringify({ a: JSON.stringify({ b: SECRET }) }),
    inspect: inspect({ a: SECRET }),
    SQL: `'${SECRET.replaceAll("'", "''")}'`,
    shell: `'${SECRET.replaceAll("'", `'\\''`)}'`,
    base64: base64(SECRET),
    'base64 of user:secret': base64(`user:${SECRET}`),
    'base64 of a:secret:more': base64(`a:${SECRET}:more`),
    'base64 of it at a third alignment': base64(`ab${SECRET}cd`),
    'base64 for URLs': Buffer.from(`{"a":"${SECRET}"}`).toString('base64url'),
    hex: Buffer.from(SECRET).toString('hex'),
    'hex in capitals': Buffer.from(SECRET).toString('hex').toUpperCase(),
    'an inspected Buffer': inspect(Buffer.from(SECRET)),
    'a Buffer as JSON': JSON.stringify(Buffer.from(SECRET)),
    'a Buffer as pretty JSON': JSON.stringify(Buffer.from(SECRET), null, 2),
    'an inspected Uint8Array': inspect(new Uint8Array(Buffer.from(SECRET))),
  };

  test.each(Object.entries(forms))('%s', (_, form) => {
    const text = `before ${form} after`;
    const shown = redactorOf(SECRET).redact(text);
    expect(shown).toContain(HIDDEN);
    expect(shown).toMatch(/^before .*after$/s);
    expect(shown).not.toContain(form);
    expect(shown.length).toBeLessThan(80);
  });

  test('bytes that are cut when they are inspected', () => {
    const long = 'x'.repeat(3) + SECRET.repeat(4);
    expect(redactorOf(long).redact(inspect(Buffer.from(long)))).toBe(
      `<Buffer ${HIDDEN} ... ${long.length + 1} more bytes>`.replace(
        /\d+ more/,
        `${Buffer.byteLength(long) - 50} more`,
      ),
    );
  });

  test('of several lines: each by itself, as a diff shows it', () => {
    const redactor = redactorOf('first-canary-line\n  second-canary-line\nshort');
    expect(redactor.redact('- first-canary-line\n+   second-canary-line\n  short')).toBe(
      `- ${HIDDEN}\n+   ${HIDDEN}\n  short`,
    );
  });

  test('the longest first: a secret that holds another', () => {
    expect(redactorOf('secret-part', 'secret-part-and-more').redact('a secret-part-and-more b secret-part c')).toBe(
      `a ${HIDDEN} b ${HIDDEN} c`,
    );
  });

  test('a lone half of a surrogate pair does no harm', () => {
    expect(redactorOf('broken \uD800 text').redact('a broken \uD800 text b')).toBe(`a ${HIDDEN} b`);
  });

  test('coloured within, as a diff colours what differs', () => {
    const text = '\u001B[31m- "canary-\u001B[7msec\u001B[27mret-1"\u001B[39m and \u001B[32mcanary-secret-1\u001B[39m';
    expect(redactorOf('canary-secret-1').redact(text)).toBe(
      `\u001B[31m- "${HIDDEN}\u001B[7m\u001B[27m"\u001B[39m and \u001B[32m${HIDDEN}\u001B[39m`,
    );
  });

  test.each([
    `${base64('a:canary-secret-1').slice(0, 16)}…`,
    'canary-se…',
    "'canary-se'... 12 more characters",
    'canary-secret-…',
  ])('cut by others: %s', (text) => {
    expect(redactorOf('canary-secret-1').redact(`is ${text}`)).toContain(HIDDEN);
  });
});

describe('what stays', () => {
  test.each([
    ['shop', { user: 'shop', password: 'shop' }],
    ['postgres', { url: 'postgres://app:postgres@127.0.0.1/shop' }],
    ['keyspace', { keyspace: 'events', password: 'keyspace' }],
    ['service-account', { user: 'service-account', password: 'service-account' }],
    ['warehouse-main', { url: 'postgres://app:warehouse-main@127.0.0.1/warehouse-main' }],
    ['db.example.test', { host: 'db.example.test:5432', password: 'db.example.test' }],
  ])('%s, though it is a password too', async (word, input) => {
    const redactor = await opened(input);
    const text = `The database ${word} of ${word} is not there: "${word}", '${word}' (${word}).`;
    expect(redactor.redact(text)).toBe(text);
    expect(redactor.redact(`{ password: '${word}' }`)).toBe(`{ password: '${HIDDEN}' }`);
    expect(redactor.redact(`at scheme://app:${word}@host`)).toBe(`at scheme://app:${HIDDEN}@host`);
  });

  test('short secrets, but in their own place', async () => {
    const redactor = await opened({ password: 's3cr' });
    expect(redactor.redact('s3cr and s3crets')).toBe('s3cr and s3crets');
    expect(redactor.redact('{"password":"s3cr"} password=s3cr, password: s3crets')).toBe(
      `{"password":"${HIDDEN}"} password=${HIDDEN}, password: s3crets`,
    );
  });

  test('numbers that hold the bytes of a secret within longer ones', () => {
    const list = [...Buffer.from('canary-1')].join(', ');
    expect(redactorOf('canary-1').redact(`1${list}, 7`)).toBe(`1${list}, 7`);
  });
});

describe('where secrets of a config are', () => {
  test.each<[string, Record<string, unknown>]>([
    ['an option', { password: 'canary-secret-1' }],
    ['an option of a driver', { ioredis: { sentinelPassword: 'canary-secret-1' } }],
    ['a deep one, in a list', { hosts: [{ auth: { apiKey: 'canary-secret-1' } }] }],
    ['a URL', { url: 'postgres://app:canary-secret-1@127.0.0.1/shop' }],
    ['an address that is no URL', { url: 'postgres//app:canary-secret-1@127.0.0.1/shop' }],
    ['a broker with a login', { brokers: ['app:canary-secret-1@127.0.0.1:9092'] }],
    ['a parameter of a URL', { url: 'postgres://127.0.0.1/shop?user=app&sslpassword=canary-secret-1' }],
    ['a URL in a list of them', { cluster: 'redis://a:canary-secret-1@one:1,redis://b:other-secret@two:2' }],
    ['an option of any name, as secret()', { tenant: secret('canary-secret-1') }],
    ['secret() of a reference', { tenant: secret(fromEnv('TENANT')) }],
    ['a variable', { password: fromEnv('TENANT') }],
    ['bytes', { passphrase: Buffer.from('canary-secret-1') }],
  ])('%s', async (_, input) => {
    const redactor = await opened(input, { TENANT: 'canary-secret-1' });
    expect(redactor.redact('it is canary-secret-1.')).toBe(`it is ${HIDDEN}.`);
  });

  test('a URL whose password is not encoded', async () => {
    const redactor = await opened({ url: 'postgres://app:canary@sec/ret-1@127.0.0.1/shop' });
    expect(redactor.redact('canary@sec/ret-1')).toBe(HIDDEN);
    expect((await opened({ url: 'postgres://app:can%40ary-1@h/d' })).redact('can@ary-1, can%40ary-1')).toBe(
      `${HIDDEN}, ${HIDDEN}`,
    );
  });

  test('a private key, however its lines are wrapped', async () => {
    const line = 'MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7';
    const pem = `-----BEGIN PRIVATE KEY-----\n${line}\nABCDEFGHIJKLMNOP\n-----END PRIVATE KEY-----\n`;
    const redactor = await opened({ ssl: { key: pem, ca: 'a certificate, public' } });
    for (const text of [pem, JSON.stringify(pem), inspect(pem)]) expect(redactor.redact(text)).not.toMatch(/MIIE|ABCD/);
    expect(redactor.redact('a certificate, public')).toBe('a certificate, public');
  });

  test('nothing of a config that is printed', () => {
    const made = connection({ kind: 'store' } as never, {
      url: 'store://app:canary-secret-1@host',
      password: 'pw',
      token: fromEnv('TOKEN'),
      tenant: secret('canary-secret-2'),
    });
    for (const text of [inspect(made, { depth: 9, showHidden: true }), JSON.stringify(made)]) {
      expect(text).not.toMatch(/canary|'pw'|"pw"/);
      expect(text).toContain('store://app@host');
    }
    expect(inspect(made)).toContain(`tenant: secret('${HIDDEN}')`);
  });

  test('an address without its password', () => {
    expect(redactUrl('postgres://u:p@h/d?sslmode=on&password=x')).toBe(
      `postgres://u@h/d?sslmode=on&password=${HIDDEN}`,
    );
    expect(redactUrl('postgres://u:a@b/c@h/d')).toBe('postgres://u@h/d');
    expect(redactUrl('postgres://u:a@b@h/d')).toBe('postgres://u@h/d');
    expect(redactUrl('postgres//u:p@h/d')).toBe('postgres//u@h/d');
    expect(redactUrl('u:p@h:1')).toBe('u@h:1');
  });
});

describe('values and errors', () => {
  const redactor = redactorOf('canary-secret-1');

  test('what holds no secret stays the very same value', () => {
    const value = { a: [1, { b: new Map([['c', new Date(0)]]) }] };
    expect(redactValue(value, redactor)).toBe(value);
  });

  test('what does is copied, with its circles, and stays as it was', () => {
    const value: Record<string, unknown> = {
      a: ['canary-secret-1'],
      b: new Map([['k', new Set(['canary-secret-1'])]]),
    };
    value.self = value;
    value.bytes = Buffer.from('x canary-secret-1');
    value.list = [...Buffer.from('x canary-secret-1')];
    value.url = new URL('http://u:canary-secret-1@host');
    const shown = redactValue(value, redactor);
    expect(inspect(shown, { depth: 9 })).not.toContain('canary');
    expect(shown.self).toBe(shown);
    expect(shown.list).toBe(HIDDEN);
    expect(value.a).toEqual(['canary-secret-1']);
  });

  test('an error: message, stack, cause, all its properties; what they refer to stays', () => {
    const config = { headers: { authorization: 'Bearer canary-secret-1' } };
    const cause = Object.assign(new Error('cause canary-secret-1'), { config });
    const error = new AggregateError([new Error('one canary-secret-1'), cause], 'all canary-secret-1', { cause });
    Object.defineProperty(error, 'hidden', { value: 'canary-secret-1', configurable: true });
    expect(redactError(error, redactor)).toBe(error);
    expect(inspect(error, { depth: 9, showHidden: true })).not.toContain('canary');
    expect(error.cause).toBe(cause);
    expect(config.headers.authorization).toBe('Bearer canary-secret-1');
  });

  test('an error that cannot be changed has a stand-in', () => {
    const frozen = Object.freeze(new Error('canary-secret-1'));
    const shown = redactError(frozen, redactor) as Error;
    expect(shown).not.toBe(frozen);
    expect(`${shown.message}${shown.stack}`).not.toContain('canary');
    expect(redactError('canary-secret-1', redactor)).toBe(HIDDEN);
  });
});

test('it costs nothing without secrets, and little with many', () => {
  const text = `${'the quick brown fox '.repeat(5000)}`;
  expect(new Redactor().redact(text)).toBe(text);
  const many = redactorOf(
    ...Array.from({ length: 50 }, (_, index) => `canary-secret-${index}-${'x'.repeat(index % 7)}`),
  );
  many.redact(text);
  const start = performance.now();
  expect(many.redact(text)).toBe(text);
  // 20 ms on a quiet machine: what grows with the square of either would take seconds.
  expect(performance.now() - start).toBeLessThan(500);
});
