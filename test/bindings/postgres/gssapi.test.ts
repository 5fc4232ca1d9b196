/** Kerberos is left out, for pg has no GSSAPI: a server that asks for it, and a config that does, are told so. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, existsSync, globSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect, test } from 'vitest';
import { binding } from '../../../bindings/databases/postgres/index.ts';
import { freePort } from '../../support/postgres.ts';
import { openBinding } from '../../support/scope.ts';
import { watchOver } from '../../support/watchdog.ts';

/** Debian's: the one from npm is built without GSSAPI. */
const programs = globSync('/usr/lib/postgresql/*/bin').find((folder) => existsSync(join(folder, 'initdb')));

test.skipIf(programs === undefined)('a server that asks for a ticket', async () => {
  const folder = mkdtempSync('/tmp/qa-test-pg-gss-');
  const isRoot = process.getuid?.() === 0;
  const uid = isRoot ? Number(execFileSync('id', ['-u', 'postgres'])) : process.getuid!();
  if (isRoot) chownSync(folder, uid, uid);
  const data = join(folder, 'data');
  execFileSync(join(programs!, 'initdb'), ['-D', data, '-A', 'trust', '--no-sync'], {
    uid,
    cwd: folder,
    stdio: 'pipe',
  });
  writeFileSync(join(data, 'pg_hba.conf'), 'host all all 127.0.0.1/32 gss\n');
  const port = await freePort();
  const settings = ['listen_addresses=127.0.0.1', 'unix_socket_directories=', `port=${port}`, 'fsync=off'];
  const server = spawn(join(programs!, 'postgres'), ['-D', data, ...settings.flatMap((one) => ['-c', one])], {
    ...{ uid, cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] },
  });
  const watchdog = watchOver(server.pid, folder);
  try {
    await new Promise<void>((resolve, reject) => {
      createInterface(server.stderr!).on('line', (line) => line.includes('ready to accept') && resolve());
      server.once('exit', (code) => reject(new Error(`It ended with ${code}.`)));
    });
    const opening = openBinding(binding, { url: `postgres://qa@127.0.0.1:${port}/postgres` });
    await expect(opening).rejects.toMatchObject({
      code: 'QA_AUTH',
      message: `qa.db (postgres://qa@127.0.0.1:${port}/postgres): The server asks the user \`qa\` for a Kerberos ticket (GSSAPI), which the driver \`pg\` cannot give. Let this user in by a password (scram-sha-256) or a certificate: see the server's pg_hba.conf.`,
    });
  } finally {
    const ended = once(server, 'exit');
    server.kill('SIGQUIT');
    await ended;
    watchdog.done();
    rmSync(folder, { recursive: true, force: true });
  }
});

test.each(['sasl', 'gssapi', 'gssencmode', 'krbsrvname'])('a config with `%s`', (name) => {
  expect(() => binding.parse({ host: '127.0.0.1', [name]: {} }, 'connections.db')).toThrow(
    `\`connections.db.${name}\` asks for Kerberos (GSSAPI), which the driver \`pg\` does not have. Log in with`,
  );
});
