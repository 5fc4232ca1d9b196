/** What goes wrong, made on a real KDC, and told as a user reads it. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hasKerberos, startKdc, type TestKdc } from '../../support/kdc.ts';
import { failure, open } from './harness.ts';

describe.skipIf(!hasKerberos())('what goes wrong', () => {
  let kdc: TestKdc;
  let good: { principal: string; keytab: string; kdc: string };
  beforeAll(async () => {
    kdc = await startKdc();
    good = { principal: `qa@${kdc.realm}`, keytab: kdc.keytab('qa.keytab', ['qa']), kdc: kdc.address };
  });
  afterAll(() => kdc?.stop());

  /** Of a principal that is made so, and changed so after its keytab was written. */
  const principal = (name: string, attributes = '', ...changes: string[]) => {
    const keytab = kdc.keytab(`${name}.keytab`, [name], attributes);
    if (changes.length > 0) kdc.admin(...changes);
    return { ...good, principal: `${name}@${kdc.realm}`, keytab };
  };

  test.each([
    [
      'an unknown one',
      'gone',
      '',
      ['delprinc -force gone'],
      'QA_AUTH',
      'does not know the principal `gone@EXAMPLE.TEST`. Correct `principal`, or register it, with kadmin: addprinc.',
    ],
    [
      'a key of before',
      'old',
      '',
      ['cpw -randkey old'],
      'QA_AUTH',
      'is not the one that the KDC of EXAMPLE.TEST at ADDRESS has for `old@EXAMPLE.TEST`: it was changed since (Decrypt integrity check failed). Write the keytab anew, with kadmin: ktadd.',
    ],
    [
      'a key of before, with preauthentication',
      'older',
      '+requires_preauth',
      ['cpw -randkey older'],
      'QA_AUTH',
      'it was changed since (Preauthentication failed). Write the keytab anew, with kadmin: ktadd.',
    ],
    [
      'a locked one',
      'locked',
      '-allow_tix',
      [],
      'QA_AUTH',
      'The principal `locked@EXAMPLE.TEST` is locked at the KDC of EXAMPLE.TEST at ADDRESS. Unlock it, with kadmin',
    ],
    [
      'one that has expired',
      'late',
      '-expire 2020-01-01',
      [],
      'QA_AUTH',
      'The principal `late@EXAMPLE.TEST` has expired at the KDC',
    ],
  ])('a principal: %s', async (_what, name, attributes, changes, code, text) => {
    const error = await failure(open(principal(name, attributes, ...changes)));
    expect(error.message).toContain(text.replace('ADDRESS', kdc.address));
    expect(error).toMatchObject({ code, connection: 'krb', address: `kerberos://${kdc.address}/${kdc.realm}` });
    expect(error.cause).toBeInstanceOf(Error);
  });

  test.each([
    [
      'is not there',
      { keytab: './no.keytab' },
      'The keytab FOLDER/no.keytab does not exist. Correct the path of the keytab.',
    ],
    [
      'is none',
      { keytab: './krb5.conf' },
      'The file FOLDER/krb5.conf is no keytab. Give one that ktutil or kadmin has written.',
    ],
    [
      'is for others',
      { principal: 'ann@EXAMPLE.TEST' },
      'The keytab FOLDER/qa.keytab holds no key of `ann@EXAMPLE.TEST`, but of `qa@EXAMPLE.TEST`. Correct `principal`',
    ],
  ])('a keytab that %s', async (_what, change, text) => {
    const error = await failure(open({ ...good, ...change }, { baseDir: kdc.folder }));
    expect(error).toMatchObject({ code: 'QA_CONFIG', connection: 'krb' });
    expect(error.message).toContain(text.replace('FOLDER', kdc.folder));
  });

  test('a krb5.conf that is not there, is none, or does not know the realm', async () => {
    const { kdc: _, ...rest } = good;
    const missing = await failure(open({ ...rest, krb5Conf: './no.conf' }, { baseDir: kdc.folder }));
    expect(missing.message).toContain(`The krb5.conf ${kdc.folder}/no.conf does not exist.`);
    writeFileSync(join(kdc.folder, 'bad.conf'), '[libdefaults\n default_realm = EXAMPLE.TEST\n');
    const bad = await failure(open({ ...rest, krb5Conf: './bad.conf' }, { baseDir: kdc.folder }));
    expect(bad).toMatchObject({ code: 'QA_CONFIG' });
    expect(bad.message).toContain(
      'krb5.conf cannot be read: Improper format of Kerberos configuration file. Correct it',
    );
    writeFileSync(join(kdc.folder, 'empty.conf'), '[libdefaults]\n dns_lookup_kdc = false\n');
    const empty = await failure(open({ ...rest, krb5Conf: './empty.conf' }, { baseDir: kdc.folder }));
    expect(empty).toMatchObject({ code: 'QA_CONFIG' });
    expect(empty.message).toContain('Nothing says where a KDC of the realm EXAMPLE.TEST is');
    expect(empty.message).toMatch(/Give `kdc`, or name it under \[realms\] in krb5\.conf\.$/);
  });

  test('a service that nobody knows, and one whose name is written as no service is', async () => {
    await using opened = await open(good);
    const { krb } = opened;
    const unknown = await failure(krb.token('kafka@broker.example.test'));
    expect(unknown).toMatchObject({ code: 'QA_NOT_FOUND', connection: 'krb' });
    expect(unknown.message).toContain(
      `The KDC of EXAMPLE.TEST at ${kdc.address} knows no service \`kafka/broker.example.test@EXAMPLE.TEST\`. Correct its name and its host`,
    );
    expect((await failure(krb.negotiate('http@localhost'))).message).toContain(
      'Write it in capitals: `HTTP@localhost`',
    );
    expect(await failure(krb.token('HTTP'))).toMatchObject({ code: 'QA_MISUSE' });
    expect((await failure(krb.token('HTTP/localhost@OTHER.TEST'))).message).toContain('Write `HTTP@localhost`');
  });

  test('the clocks of this machine and of the KDC', async () => {
    await using other = await startKdc({ clock: '+20m', libdefaults: 'kdc_timesync = 0' });
    const keytab = other.keytab('qa.keytab', ['qa']);
    const error = await failure(open({ principal: 'qa', keytab, krb5Conf: other.conf }));
    expect(error).toMatchObject({ code: 'QA_AUTH' });
    expect(error.message).toMatch(
      /The clocks of this machine and of the KDC .* are more than five minutes apart; this one says 20\d\d-/,
    );
    expect(error.message).toMatch(/Set both clocks by a time server\.$/);
  });

  test('a KDC that hangs: a call ends with its time, others go on, the process is replaced', async () => {
    kdc.keytab('services.keytab', ['HTTP/localhost']);
    await using opened = await open({ ...good, requestTimeout: 400 });
    const { krb } = opened;
    const context = await krb.client.initializeClient('HTTP@localhost');
    await context.step('');
    kdc.freeze();
    try {
      const start = performance.now();
      const [hung, ready] = await Promise.all([failure(krb.token('fresh@localhost')), krb.token('HTTP@localhost')]);
      expect(performance.now() - start).toBeLessThan(5000);
      expect(ready).not.toBe('');
      expect(hung).toMatchObject({ code: 'QA_TIMEOUT', connection: 'krb' });
      expect(hung.message).toContain(
        `Getting a ticket for \`fresh@localhost\` did not end within 400 ms: the KDC of EXAMPLE.TEST at ${kdc.address} does not answer.`,
      );
      // Another process, the same tickets.
      expect(await krb.token('HTTP@localhost')).not.toBe('');
      const lost = await failure(context.wrap('YQ=='));
      expect(lost).toMatchObject({ code: 'QA_CONNECTION_LOST' });
    } finally {
      kdc.thaw();
    }
  });
});
