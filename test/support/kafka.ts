/**
 * A real broker for our own tests, from jars that Maven brought (test/servers/prepare.mjs); independent of how
 * `servers/kafka` starts one, which is itself under test. Gone when the process that started it is.
 *
 * A broker takes 170–380 MB and a second of two cores: never more than two at once, one for a file where that will do.
 *
 * @example
 * describe.skipIf(!hasKafka())('…', () => {
 *   let broker: TestKafka;
 *   beforeAll(async () => { broker = await startKafka(); });
 *   afterAll(() => broker.stop());
 */
import { type ChildProcess, execFile, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { classPath } from '../../servers/java/maven.ts';
import { findJava } from '../../servers/java/programs.ts';
import { NEWEST } from '../../servers/kafka/jars.ts';
import { jvmOptions, LOGGING, READY, serverProperties } from '../../servers/kafka/properties.ts';
import { kafkaJars } from './kafka-jars.ts';
import { freePort, spaciousFolder } from './postgres.ts';
import { type Watchdog, watchOver } from './watchdog.ts';

export { hasKafka, KAFKA_VERSIONS } from './kafka-jars.ts';

export interface TestKafkaOptions {
  /** Of KAFKA_VERSIONS. Default: the newest. */
  version?: string;
  /** Lines of server.properties; they win over ours. */
  properties?: Readonly<Record<string, string | number | boolean>>;
  /**
   * Adds a TLS listener on `localhost` (certificate in `ca`) with SASL PLAIN, SCRAM-SHA-256, SCRAM-SHA-512 and
   * OAUTHBEARER (unsecured tokens) for `user`, and an authorizer under which `user` may do all that no ACL forbids;
   * who comes to the plaintext listener is superuser and makes the ACLs.
   */
  secure?: boolean;
  /**
   * Adds listeners without TLS on `localhost`: one with GSSAPI, one where kafkajs makes such a login anew each 2 s, and one with PLAIN.
   */
  kerberos?: { conf: string; keytab: string; principal: string };
  /** It becomes the second broker of that one's cluster, which stays its controller. */
  joins?: TestKafka;
  /** What the broker says its plaintext address is: one that cannot be reached, say. */
  advertised?: string;
}

export interface TestKafka extends AsyncDisposable {
  readonly version: string;
  /** `127.0.0.1:port`, without TLS or SASL. */
  readonly broker: string;
  readonly brokers: string[];
  readonly port: number;
  /** Where its controller listens. */
  readonly controller: number;
  /** `localhost:port` of the TLS listener, its certificate's authority as PEM, and whom it knows; with `secure`. */
  readonly secure: { broker: string; ca: string; user: string; password: string };
  /** `localhost:port` of the listeners, with `kerberos`. */
  readonly gssapi: { broker: string; brief: string; plain: string };
  readonly folder: string;
  readonly pid: number;
  /** SIGSTOP: connections are accepted by the kernel, nothing answers. */
  freeze(): void;
  thaw(): void;
  /** SIGKILL, as a crash. The data stays; `restart` brings it back on the same port. */
  kill(): Promise<void>;
  /** Starts it again on its data, after `kill` or from running (it is killed then). Ready when fulfilled: 2–3 s. */
  restart(): Promise<void>;
  /** What it wrote. */
  log(): string;
  /** Stops it and removes its data. Idempotent. */
  stop(): Promise<void>;
}

const USER = 'tester';
const PASSWORD = 'correct-horse-battery';
const CLUSTER = 'MkU3OEVBNTcwNTJENDM2Qk';
const START_TIMEOUT = 40_000;

export async function startKafka(options: TestKafkaOptions = {}): Promise<TestKafka> {
  const { version = NEWEST } = options;
  const java = findJava().path;
  const jars = classPath(kafkaJars(version));
  if (!java || !jars)
    throw new Error('There is no broker here: see the lines of `npm test`, and skip with hasKafka().');
  const folder = mkdtempSync(join(spaciousFolder(), 'qa-test-kafka-'));
  const [port, controller, securePort] = [await freePort(), await freePort(), await freePort()];
  const [briefPort, plainPort] = [await freePort(), await freePort()];
  const config = join(folder, 'server.properties');
  const lines: string[] = [];
  let running: { child: ChildProcess; watchdog: Watchdog } | undefined;

  try {
    const ca = options.secure ? selfSign(folder) : '';
    writeFileSync(config, properties());
    for (const [name, text] of Object.entries(LOGGING)) writeFileSync(join(folder, name), text);
    await format();
    await start();
    return {
      version,
      broker: `127.0.0.1:${port}`,
      brokers: [`127.0.0.1:${port}`],
      port,
      controller,
      get secure() {
        if (!options.secure) throw new Error('Start it with { secure: true }.');
        return { broker: `localhost:${securePort}`, ca, user: USER, password: PASSWORD };
      },
      get gssapi() {
        if (!options.kerberos) throw new Error('Start it with { kerberos }.');
        return {
          broker: `localhost:${securePort}`,
          brief: `localhost:${briefPort}`,
          plain: `localhost:${plainPort}`,
        };
      },
      folder,
      get pid() {
        return running?.child.pid ?? 0;
      },
      freeze: () => running?.child.kill('SIGSTOP'),
      thaw: () => running?.child.kill('SIGCONT'),
      kill: () => end('SIGKILL'),
      async restart() {
        await end('SIGKILL');
        await start();
      },
      log: () => lines.join('\n'),
      stop,
      [Symbol.asyncDispose]: stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }

  function properties(): string {
    const secure = options.secure
      ? {
          listeners: `PLAINTEXT://127.0.0.1:${port},SECURE://127.0.0.1:${securePort},CONTROLLER://127.0.0.1:${controller}`,
          'advertised.listeners': `PLAINTEXT://${options.advertised ?? `127.0.0.1:${port}`},SECURE://localhost:${securePort}`,
          'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SECURE:SASL_SSL',
          'listener.name.secure.sasl.enabled.mechanisms': 'PLAIN,SCRAM-SHA-256,SCRAM-SHA-512,OAUTHBEARER',
          'listener.name.secure.plain.sasl.jaas.config': `org.apache.kafka.common.security.plain.PlainLoginModule required user_${USER}="${PASSWORD}";`,
          'listener.name.secure.scram-sha-256.sasl.jaas.config':
            'org.apache.kafka.common.security.scram.ScramLoginModule required;',
          'listener.name.secure.scram-sha-512.sasl.jaas.config':
            'org.apache.kafka.common.security.scram.ScramLoginModule required;',
          'listener.name.secure.oauthbearer.sasl.jaas.config':
            'org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required;',
          'listener.name.secure.ssl.keystore.type': 'PEM',
          'listener.name.secure.ssl.keystore.location': join(folder, 'keystore.pem'),
          'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
          'super.users': 'User:ANONYMOUS',
          'allow.everyone.if.no.acl.found': true,
        }
      : options.advertised
        ? { 'advertised.listeners': `PLAINTEXT://${options.advertised}` }
        : {};
    const gssapi = options.kerberos && withGssapi(options.kerberos);
    // A restart waits until the registration before it has lapsed; a busy machine must not let it lapse by itself.
    const session = { 'broker.session.timeout.ms': 1500 };
    const member = options.joins && {
      'process.roles': 'broker',
      'node.id': 2,
      'controller.quorum.voters': `1@127.0.0.1:${options.joins.controller}`,
      listeners: `PLAINTEXT://127.0.0.1:${port}`,
    };
    const more = Object.entries({ ...session, ...secure, ...gssapi, ...member, ...options.properties }).map(
      ([name, value]) => `${name}=${value}\n`,
    );
    // The last one of a name counts.
    return serverProperties(folder, { broker: port, controller }) + more.join('');
  }

  function withGssapi({ keytab, principal }: { keytab: string; principal: string }): Record<string, string | number> {
    const all = { GSS: securePort, BRIEF: briefPort, PLAIN: plainPort };
    const each = Object.entries(all);
    const jaas = `com.sun.security.auth.module.Krb5LoginModule required useKeyTab=true storeKey=true keyTab="${keytab}" principal="${principal}";`;
    const login = (name: string) => ({
      [`listener.name.${name}.sasl.enabled.mechanisms`]: 'GSSAPI',
      [`listener.name.${name}.sasl.kerberos.service.name`]: principal.replace(/\/.*/, ''),
      [`listener.name.${name}.gssapi.sasl.jaas.config`]: jaas,
    });
    return {
      listeners: `PLAINTEXT://127.0.0.1:${port},${each.map(([name, at]) => `${name}://127.0.0.1:${at}`)},CONTROLLER://127.0.0.1:${controller}`,
      'advertised.listeners': `PLAINTEXT://127.0.0.1:${port},${each.map(([name, at]) => `${name}://localhost:${at}`)}`,
      'listener.security.protocol.map': `PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,${each.map(([name]) => `${name}:SASL_PLAINTEXT`)}`,
      ...login('gss'),
      ...login('brief'),
      // kafkajs makes a login anew when less than 10 s of it are left.
      'listener.name.brief.gssapi.connections.max.reauth.ms': 12_000,
      'listener.name.plain.sasl.enabled.mechanisms': 'PLAIN',
      'listener.name.plain.plain.sasl.jaas.config': `org.apache.kafka.common.security.plain.PlainLoginModule required user_${USER}="${PASSWORD}";`,
    };
  }

  function virtualMachine(): string[] {
    const { kerberos } = options;
    return [...jvmOptions(folder), ...(kerberos ? [`-Djava.security.krb5.conf=${kerberos.conf}`] : [])];
  }

  async function format(): Promise<void> {
    const users = ['SCRAM-SHA-256', 'SCRAM-SHA-512'].flatMap((mechanism) => [
      '--add-scram',
      `${mechanism}=[name=${USER},password=${PASSWORD}]`,
    ]);
    await promisify(execFile)(java!, [
      ...jvmOptions(folder),
      '-cp',
      jars,
      'kafka.tools.StorageTool',
      'format',
      '-t',
      CLUSTER,
      '-c',
      config,
      ...(options.secure ? users : []),
    ]);
  }

  async function start(): Promise<void> {
    const archive = join(kafkaJars(version), 'tests.jsa');
    const sharing = existsSync(archive)
      ? [`-XX:SharedArchiveFile=${archive}`, '-Xlog:cds=off', '-Xlog:cds+dynamic=off']
      : [`-XX:ArchiveClassesAtExit=${join(folder, 'new.jsa')}`, '-Xlog:cds=off', '-Xlog:cds+dynamic=off'];
    const child = spawn(java!, [...virtualMachine(), ...sharing, '-cp', jars, 'kafka.Kafka', config], {
      cwd: folder,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const watchdog = watchOver(child.pid, folder);
    running = { child, watchdog };
    await new Promise<void>((resolve, reject) => {
      const late = setTimeout(() => reject(failed('was not ready in time')), START_TIMEOUT);
      child.once('exit', (code) => reject(failed(`ended with ${code}`)));
      child.once('error', reject);
      for (const stream of [child.stdout, child.stderr])
        createInterface(stream!).on('line', (line) => {
          lines.push(line);
          if (!line.includes(READY)) return;
          clearTimeout(late);
          resolve();
        });
    });
  }

  function failed(what: string): Error {
    return new Error(`The broker ${what}:\n${lines.slice(-15).join('\n')}`);
  }

  async function end(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    if (!running) return;
    const { child, watchdog } = running;
    running = undefined;
    const isOver = child.exitCode !== null || child.signalCode !== null;
    const exited = isOver ? undefined : once(child, 'exit');
    child.kill('SIGCONT');
    child.kill(signal);
    await exited;
    watchdog.done();
  }

  async function stop(): Promise<void> {
    const archive = join(kafkaJars(version), 'tests.jsa');
    // The first one leaves an archive of its classes, for which it must end in order: later ones start in half the time.
    await end(existsSync(archive) ? 'SIGKILL' : 'SIGTERM');
    if (!existsSync(archive) && existsSync(join(folder, 'new.jsa'))) {
      execFileSync('cp', [join(folder, 'new.jsa'), `${archive}.${process.pid}`]);
      renameSync(`${archive}.${process.pid}`, archive);
    }
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Returns the authority's certificate, which is the server's own. */
function selfSign(folder: string): string {
  const [key, crt] = [join(folder, 'server.key'), join(folder, 'server.crt')];
  execFileSync(
    'openssl',
    `req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost,IP:127.0.0.1 -keyout ${key} -out ${crt}`.split(
      ' ',
    ),
    { stdio: 'pipe' },
  );
  const certificate = readFileSync(crt, 'utf8');
  writeFileSync(join(folder, 'keystore.pem'), readFileSync(key, 'utf8') + certificate);
  return certificate;
}
