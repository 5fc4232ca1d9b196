/** The matcher of secrets: what matches, how it waits, what a failure and a misuse say, and that they tell no value. */
import { inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
import { QaError } from '../../bindings/core/errors.ts';
import { waitForRow } from '../../matchers/wait-for.ts';
import { asTest, failureOf, RUNNERS } from './harness.ts';
import { NONE, secretStore } from './secret-source.ts';

const fast = { within: 30 };
const SECRET = {
  there: true as const,
  version: 3,
  data: { user: 'qa', password: 'canary-password', config: { key: 'canary-key-1', list: ['a'] } },
};

async function passes(body: () => unknown): Promise<boolean> {
  const { failures, thrown } = await asTest(body);
  if (thrown !== undefined) throw thrown;
  return failures.length === 0;
}

describe('what matches', () => {
  test.each([
    ['version and data', { version: 3, data: { user: 'qa' } }, true],
    ['the version alone', { version: 3 }, true],
    ['another version', { version: 2 }, false],
    ['bounds of the version', { version: { atLeast: 2, atMost: 3 } }, true],
    ['a version that is too old', { version: { atLeast: 4 } }, false],
    ['a version by a matcher', { version: expect.any(Number) }, true],
    ['a value', { data: { password: 'canary-password' } }, true],
    ['another value', { data: { password: 'canary-passwore' } }, false],
    ['a nested value, partial', { data: { config: { key: 'canary-key-1' } } }, true],
    ['a nested one that differs', { data: { config: { list: ['b'] } } }, false],
    ['a key that is not there', { data: { pasword: 'canary-password' } }, false],
    ['a matcher within', { data: { password: expect.stringMatching(/^canary/) } }, true],
    ['a matcher of all', { data: expect.objectContaining({ user: 'qa' }) }, true],
    ['any data', { data: expect.anything() }, true],
  ])('%s', async (_, expected, matches) => {
    const { source } = secretStore(SECRET);
    expect(await passes(() => expect(source).toHaveSecret(expected as never, fast))).toBe(matches);
    expect(await passes(() => expect(source).not.toHaveSecret(expected as never, fast))).toBe(!matches);
  });

  test('exactly: no other key', async () => {
    const { source } = secretStore({ there: true, version: 1, data: { a: '1', b: '2' } });
    const exactly = { exactly: true, ...fast };
    expect(await passes(() => expect(source).toHaveSecret({ data: { a: '1' } }, exactly))).toBe(false);
    expect(await passes(() => expect(source).toHaveSecret({ data: { a: '1', b: '2' } }, exactly))).toBe(true);
  });

  test('a version that is gone is not there', async () => {
    const { source } = secretStore({ there: false, version: 2, why: 'the version was deleted' });
    expect(await passes(() => expect(source).toHaveSecret({ data: expect.anything() } as never, fast))).toBe(false);
    expect(await passes(() => expect(source).not.toHaveSecret({ version: 2 }, fast))).toBe(true);
  });
});

describe('how it waits', () => {
  test('until it is rotated, and with .not until it is gone', async () => {
    const store = secretStore(SECRET);
    setTimeout(() => (store.secret = { there: true, version: 4, data: { user: 'qa' } }), 60);
    expect(await passes(() => expect(store.source).toHaveSecret({ version: 4 }))).toBe(true);
    setTimeout(() => (store.secret = NONE), 60);
    expect(await passes(() => expect(store.source).not.toHaveSecret({ data: { user: 'qa' } }))).toBe(true);
  });

  test('through an outage', async () => {
    const store = secretStore(SECRET);
    store.broken = new QaError('QA_CONNECTION_LOST', { what: 'The vault is sealed', mend: 'Unseal it' });
    setTimeout(() => (store.broken = undefined), 60);
    expect(await passes(() => expect(store.source).toHaveSecret({ version: 3 }))).toBe(true);
    store.broken = new QaError('QA_FORBIDDEN', { what: 'No policy allows it', mend: 'Give it one' });
    await expect(passes(() => expect(store.source).toHaveSecret({ version: 3 }))).rejects.toMatchObject({
      code: 'QA_FORBIDDEN',
    });
  });

  test('waitFor gives the data, and throws when the time is up', async () => {
    const { source } = secretStore(SECRET);
    const wait = () => undefined;
    expect(await waitForRow(source, { version: 3 }, undefined, wait)).toBe(SECRET.data);
    await expect(waitForRow(source, { data: { user: 'x' } }, fast, wait)).rejects.toMatchObject({
      code: 'QA_WAIT_FAILED',
    });
  });
});

describe('what a failure says', () => {
  test('keys that differ, are missing, were not expected, and how that changed', async () => {
    const store = secretStore();
    setTimeout(() => (store.secret = SECRET), 150);
    const wanted = {
      version: 4,
      data: { user: 'root', password: 'canary-passwore', config: { key: 7 }, url: 'canary-url' },
    };
    expect(
      await failureOf(() => expect(store.source).toHaveSecret(wanted as never, { exactly: true, within: 400 })),
    ).toMatchInlineSnapshot(`
      "expect(qa.vault.secret('secret/data/shop')).toHaveSecret({ version: 4, data: { user: ‹redacted›, password: ‹redacted›, config: { key: ‹redacted› }, url: ‹redacted› } }, { exactly: true })

      The secret is not as expected.

      Looked in  secret secret/data/shop of qa.vault (memory)
                 for ‹time›, ‹n› times
      Saw        version 3: user, password, config
                 missing: url
                 differs (- expected, + received)
                 - version: 4
                 + version: 3
                 - user: text of 4 characters
                 + user: text of 2 characters
                 - password: text of 15 characters
                 + password: another text of 15 characters
                 - config.key: a number
                 + config.key: text of 12 characters
      History    there is no such secret until ‹time›
                 version 3, user, password, config.key not as expected, url missing since ‹time›
      Look with  vault kv get -mount=secret shop"
    `);
  });

  test('there is none', async () => {
    const { source } = secretStore();
    expect(
      await failureOf(() => expect(source).toHaveSecret({ version: { atLeast: 2 } }, fast)),
    ).toMatchInlineSnapshot(`
      "expect(qa.vault.secret('secret/data/shop')).toHaveSecret({ version: { atLeast: 2 } })

      There is no such secret.

      Looked in  secret secret/data/shop of qa.vault (memory)
                 for ‹time›, ‹n› times
      Saw        near to it: secret/data/shop/db
      History    there is no such secret, all the time
      Look with  vault kv get -mount=secret shop"
    `);
  });

  test('its version is gone', async () => {
    const { source } = secretStore({ there: false, version: 2, why: 'the version was deleted' });
    expect(await failureOf(() => expect(source).toHaveSecret({ data: { user: 'qa' } }, fast))).toMatchInlineSnapshot(`
      "expect(qa.vault.secret('secret/data/shop')).toHaveSecret({ data: { user: ‹redacted› } })

      The version was deleted.

      Looked in  secret secret/data/shop of qa.vault (memory)
                 for ‹time›, ‹n› times
      Saw        version 2
                 near to it: secret/data/shop/db
      History    the version was deleted, all the time
      Look with  vault kv get -mount=secret shop"
    `);
  });

  test('it still matches', async () => {
    const { source } = secretStore({ there: true, version: undefined, data: { user: 'qa' } });
    expect(
      await failureOf(() => expect(source).not.toHaveSecret({ data: { user: expect.any(String) } } as never, fast)),
    ).toMatchInlineSnapshot(`
      "expect(qa.vault.secret('secret/data/shop')).not.toHaveSecret({ data: { user: Any<String> } })

      The secret still matches.

      Looked in  secret secret/data/shop of qa.vault (memory)
                 for ‹time›, ‹n› times
      Saw        user
      History    it matches, all the time
      Look with  vault kv get -mount=secret shop"
    `);
  });

  test.each(['jest', 'vitest'] as const)('in %s: no value, wherever one looks', async (runner) => {
    const runs = RUNNERS[runner]();
    const { source } = secretStore(SECRET);
    const data = {
      password: 'canary-other-1',
      config: { key: runs.stringContaining('canary-other-2'), list: ['canary'] },
    };
    for (const soft of [true, false]) {
      for (const body of [
        () => runs(source).toHaveSecret({ data } as never, { soft, ...fast }),
        () => runs(source).not.toHaveSecret({ data: { password: 'canary-password' } }, { soft, ...fast }),
      ]) {
        const { failures, thrown } = await asTest(body);
        const error = soft ? failures[0] : thrown;
        expect((error as Error).message).toContain("secret('secret/data/shop')");
        expect(inspect(error, { depth: 9, showHidden: true })).not.toContain('canary');
        expect(JSON.stringify(error)).not.toContain('canary');
      }
    }
  });
});

describe('misuse', () => {
  const misuse = async (...args: unknown[]) => {
    const { source } = secretStore(SECRET);
    const call = () => (expect(source).not.toHaveSecret as (...args: unknown[]) => unknown)(...args);
    const { thrown } = await asTest(call);
    expect(thrown).toMatchObject({ code: 'QA_MISUSE' });
    expect((thrown as Error).message).not.toContain('canary');
    return (thrown as Error).message.replace(/^QA_MISUSE: /, '');
  };

  test.each([
    [[], 'toHaveSecret() takes an object, but got undefined. Write `{ version: 3 }`'],
    [['canary-password'], 'takes an object, but got a string'],
    [[{}], 'the expected secret is empty, which every secret matches'],
    [[{ password: 'canary' }], 'a secret has no `password`. Its values stand in `data`: `{ data: { password: … } }`'],
    [[{ version: 1, dta: {} }], 'a secret has no `dta`. Did you mean `data`?'],
    [[{ version: 0 }], '`version` must be a whole number from 1 or bounds, but is the number 0'],
    [[{ version: 'canary' }], '`version` must be a whole number from 1 or bounds, but is a string'],
    [[{ version: { min: 1 } }], '`version` must be a whole number from 1 or bounds, but is an object'],
    [[{ data: 'canary' }], '`data` must be an object of keys, but is a string'],
    [[{ data: {} }], '`data` is empty, which every secret matches'],
    [[{ data: { a: { b: undefined } } }], '`a.b` of `data` is undefined, which no secret can hold'],
    [[{ version: 1 }, { withn: 1 }], 'unknown option `withn`. Did you mean `within`?'],
  ])('%j', async (args, text) => {
    expect(await misuse(...args)).toContain(text);
  });

  test('what is no source of a secret', async () => {
    for (const [received, text] of [
      [{ password: 'canary' }, 'needs a source of a secret, but received an object'],
      ['canary', 'but received a string'],
      [Promise.resolve({ password: 'canary' }), 'give it the source, without `.read()`'],
    ] as const) {
      const { thrown } = await asTest(() => expect(received).toHaveSecret({ version: 1 } as never));
      expect((thrown as Error).message).toContain(text);
      expect((thrown as Error).message).not.toContain('canary');
    }
  });

  test('a version of a store that keeps none', async () => {
    const { source } = secretStore({ there: true, version: undefined, data: { a: '1' } });
    const { thrown } = await asTest(() => expect(source).not.toHaveSecret({ version: 1 }));
    expect(thrown).toMatchObject({ code: 'QA_MISUSE', message: expect.stringContaining('keeps no versions') });
  });
});
