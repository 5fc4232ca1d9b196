/** Which engine a path leads to: asked of the server, once a mount. */
import type { VaultClient } from './client.ts';
import { answerError, isNoMount } from './errors.ts';
import { encoded } from './paths.ts';

export interface Mount {
  /** With a slash at its end: `secret/`. */
  path: string;
  /** `kv`, `database` */
  type: string;
  /** Of a KV: whether it keeps versions. */
  version: 1 | 2 | undefined;
}

export class Mounts {
  readonly #client: VaultClient;
  readonly #known = new Map<string, Mount>();

  constructor(client: VaultClient) {
    this.#client = client;
  }

  /** @throws QaError QA_NOT_FOUND where nothing is mounted, QA_FORBIDDEN where the token has no right below it */
  async of(path: string, signal?: AbortSignal): Promise<Mount> {
    const known = this.known(path);
    if (known !== undefined) return known;
    const doing = `Reading \`${path}\``;
    const question = { signal, asked: { doing, path } };
    const { statusCode, body } = await this.#client.ask('GET', `sys/internal/ui/mounts/${encoded(path)}`, {
      ...question,
      accept: [403, 404],
    });
    if (statusCode !== 200) throw await this.#unknown(path, { statusCode, body }, question);
    const { data } = body as { data: { path: string; type: string; options?: { version?: string } | null } };
    const isKv = data.type === 'kv' || data.type === 'generic';
    const mount: Mount = {
      path: data.path,
      type: isKv ? 'kv' : data.type,
      version: isKv ? (data.options?.version === '2' ? 2 : 1) : undefined,
    };
    this.#known.set(mount.path, mount);
    return mount;
  }

  /** The one that a path leads to, where it has been asked for before. */
  known(path: string): Mount | undefined {
    return [...this.#known.values()].find((mount) => path.startsWith(mount.path));
  }

  /** They are asked for again. */
  forget(mounts: readonly Mount[]): void {
    for (const { path } of mounts) this.#known.delete(path);
  }

  /** The server says the same of a mount that is not there and of one that the token may not see: reading tells more. */
  async #unknown(path: string, answer: { statusCode: number; body: unknown }, question: Question): Promise<Error> {
    const { asked, signal } = question;
    const read = await this.#client.ask('GET', encoded(path), { asked, signal, accept: [400, 403, 404, 405] });
    const told = isNoMount(read.statusCode, read.body) || read.statusCode === 403 ? read : answer;
    return answerError(told, asked, this.#client.place);
  }
}

interface Question {
  signal: AbortSignal | undefined;
  asked: { doing: string; path: string };
}
