/**
 * A small HTTP server that lets in by SPNEGO, with the server side of the module `kerberos`. It is native, so the server
 * runs in a process of its own: this file is that process, too.
 *
 * | path | answer |
 * | --- | --- |
 * | `/` | `{ user }`, with the proof of who the server is; 401 for a token that is not taken |
 * | `/unproven` | the same without proof |
 * | `/stale` | the same with the proof for the request before |
 */
import { spawn } from 'node:child_process';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { KERBEROS_MODULE, type TestKdc } from './kdc.ts';

export interface SpnegoServer extends AsyncDisposable {
  /** `http://127.0.0.1:port` */
  readonly url: string;
  stop(): Promise<void>;
}

/** @param keytab with the keys of its service; default: all of the KDC's services */
export async function startSpnego(kdc: TestKdc, service: string, keytab = kdc.services): Promise<SpnegoServer> {
  const child = spawn(process.execPath, [fileURLToPath(import.meta.url), service], {
    env: { ...process.env, KRB5_CONFIG: kdc.conf, KRB5_KTNAME: `FILE:${keytab}`, KRB5RCACHEDIR: kdc.folder },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const port = await new Promise<string>((resolve, reject) => {
    createInterface(child.stdout).once('line', resolve);
    child.once('exit', (code) => reject(new Error(`The server ended with ${code}.`)));
  });
  const stop = async () => void child.stdin.end();
  return { url: `http://127.0.0.1:${port}`, stop, [Symbol.asyncDispose]: stop };
}

interface Module {
  initializeServer(service: string): Promise<{ username: string; step(token: string): Promise<string> }>;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { initializeServer } = createRequire(import.meta.url)(KERBEROS_MODULE) as Module;
  const [service = ''] = process.argv.slice(2);
  let last = '';
  const server = createServer(async ({ url, headers }, response) => {
    const token = /^Negotiate (.+)$/.exec(headers.authorization ?? '')?.[1] ?? '';
    try {
      const context = await initializeServer(service);
      const proof = await context.step(token);
      const shown = url === '/stale' ? last : proof;
      last = proof;
      if (url !== '/unproven') response.setHeader('WWW-Authenticate', `Negotiate ${shown}`);
      response.end(JSON.stringify({ user: context.username }));
    } catch (error) {
      response.writeHead(401, { 'WWW-Authenticate': 'Negotiate' }).end((error as Error).message);
    }
  });
  server.listen(0, '127.0.0.1', () => console.log((server.address() as AddressInfo).port));
  process.stdin.on('close', () => process.exit()).resume();
}
