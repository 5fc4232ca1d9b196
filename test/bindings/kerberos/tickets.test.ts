/** Where tickets come from and where they live. */
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { binding } from '../../../bindings/kerberos/index.ts';
import { hasKerberos, KERBEROS_MODULE, startKdc, type TestKdc } from '../../support/kdc.ts';
import { openBinding } from '../../support/scope.ts';
import { failure, open } from './harness.ts';

describe.skipIf(!hasKerberos())('tickets', () => {
  let kdc: TestKdc;
  let keytab: string;
  beforeAll(async () => {
    kdc = await startKdc();
    keytab = kdc.keytab('qa.keytab', ['qa', 'ann', 'brief']);
    kdc.keytab('services.keytab', ['HTTP/localhost', 'HTTP/api.example.test']);
  });
  afterAll(() => kdc?.stop());

  test('by a keytab: of its first principal, or of the one that is named; the folder goes with the connection', async () => {
    const first = await open({ keytab, kdc: kdc.address });
    expect(first.krb.principal).toBe('qa@EXAMPLE.TEST');
    const life = first.krb.expiresAt!.getTime() - Date.now();
    expect(life).toBeGreaterThan(3500_000);
    expect(life).toBeLessThan(3700_000);
    const { folder } = first.client.place;
    expect(statSync(folder).mode & 0o777).toBe(0o700);
    expect(statSync(join(folder, 'tickets')).mode & 0o777).toBe(0o600);
    await binding.close(first.client);
    expect(existsSync(folder)).toBe(false);

    await using ann = await open({ keytab, principal: 'ann', krb5Conf: kdc.conf });
    expect(ann.krb.principal).toBe('ann@EXAMPLE.TEST');
    expect(Buffer.from(await ann.krb.token('HTTP@localhost'), 'base64')[0]).toBe(0x60);
    expect(await ann.krb.token('HTTP/localhost')).not.toBe(await ann.krb.token('HTTP@localhost'));
  });

  test('a cache that is there is used, and stays as it is', async () => {
    const cache = kdc.kinit('qa', keytab);
    const before = readFileSync(cache);
    await using opened = await open({ cache, krb5Conf: kdc.conf });
    expect(opened.krb.principal).toBe('qa@EXAMPLE.TEST');
    await opened.krb.token('HTTP@localhost');
    expect(readFileSync(cache).equals(before)).toBe(true);
    expect(opened.client.renew()).toBe(true);
    // As kinit does when it is run again.
    writeFileSync(cache, readFileSync(kdc.kinit('ann', keytab)));
    expect(opened.client.renew()).toBe(false);
    const other = await failure(open({ cache, principal: 'qa', krb5Conf: kdc.conf }));
    expect(other).toMatchObject({ code: 'QA_AUTH' });
    expect(other.message).toContain(
      `The credential cache ${cache} holds tickets of \`ann@EXAMPLE.TEST\`, not of \`qa@EXAMPLE.TEST\`.`,
    );
  });

  test('which cache: KRB5CCNAME, else what krb5.conf says, else there is none', async () => {
    const cache = kdc.kinit('qa', keytab);
    vi.stubEnv('KRB5CCNAME', `FILE:${cache}`);
    vi.stubEnv('KRB5_CONFIG', kdc.conf);
    try {
      await using opened = await open({});
      expect(opened.krb.principal).toBe('qa@EXAMPLE.TEST');
    } finally {
      vi.unstubAllEnvs();
    }
    const none = await failure(open({ krb5Conf: kdc.conf }));
    expect(none).toMatchObject({ code: 'QA_AUTH' });
    expect(none.message).toContain(
      `There is no ticket: the credential cache ${kdc.folder}/default-cache does not exist. Get one with kinit, or give \`principal\` and \`keytab\``,
    );
    const wrong = await failure(open({ cache: keytab, krb5Conf: kdc.conf }));
    expect(wrong.message).toContain(`The file ${keytab} is no credential cache.`);
  });

  test('a folder of caches: the one that counts', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'qa-test-caches-'));
    try {
      writeFileSync(join(folder, 'tktX'), readFileSync(kdc.kinit('ann', keytab)), { mode: 0o600 });
      writeFileSync(join(folder, 'primary'), 'tktX\n');
      await using opened = await open({ cache: `DIR:${folder}`, krb5Conf: kdc.conf });
      expect(opened.krb.principal).toBe('ann@EXAMPLE.TEST');
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test('a ticket that expires: in a cache it is told, before opening and after; by a keytab there is a new one', async () => {
    const cache = kdc.kinit('brief', keytab, '-l', '3s');
    await using cached = await open({ cache, krb5Conf: kdc.conf });
    kdc.admin('modprinc -maxlife 3s brief');
    await using keyed = await open({ keytab, principal: 'brief', krb5Conf: kdc.conf });
    const ends = keyed.krb.expiresAt!;
    // Kerberos counts whole seconds, and a ticket holds in its last one.
    await expect.poll(() => Date.now(), { timeout: 10_000 }).toBeGreaterThan(ends.getTime() + 1100);

    const late = await failure(cached.krb.token('HTTP@localhost'));
    expect(late).toMatchObject({ code: 'QA_AUTH' });
    expect(late.message).toContain(
      `The ticket of \`brief@EXAMPLE.TEST\` from ${cache} has expired. Get a new one: kinit brief@EXAMPLE.TEST; or give its \`keytab\``,
    );
    expect((await failure(open({ cache, krb5Conf: kdc.conf }))).message).toMatch(/has expired, at 20\d\d-/);

    await keyed.krb.token('HTTP@localhost');
    expect(keyed.krb.expiresAt!.getTime()).toBeGreaterThan(ends.getTime());
  });

  test('many at once, and the same KDC by another krb5.conf', async () => {
    await using opened = await open({ principal: 'qa', keytab, krb5Conf: kdc.conf });
    const services = Array.from({ length: 30 }, (_, index) => `many${index}/localhost`);
    kdc.keytab('services.keytab', services);
    const tokens = await Promise.all(
      services.flatMap((service) => [opened.krb.token(service), opened.krb.token(service)]),
    );
    expect(new Set(tokens).size).toBe(60);
  });

  test('QA_KRB_URL wins over what krb5.conf says of the realm', async () => {
    const elsewhere = join(kdc.folder, 'elsewhere.conf');
    writeFileSync(elsewhere, readFileSync(kdc.conf, 'utf8').replace(kdc.address, '127.0.0.1:1'));
    const input = { principal: 'qa', keytab, krb5Conf: elsewhere };
    expect(await failure(open(input))).toMatchObject({ code: 'QA_CONNECTION_LOST' });
    const moved = binding.withAddress(binding.parse(input, 'connections.krb'), kdc.address, 'QA_KRB_URL');
    await using opened = await openBinding({ ...binding, parse: () => moved }, input, {
      driver: async () => KERBEROS_MODULE,
    });
    expect(binding.describe(moved)).toEqual({ address: `kerberos://${kdc.address}` });
    expect(opened.handle.principal).toBe('qa@EXAMPLE.TEST');
  });
});
