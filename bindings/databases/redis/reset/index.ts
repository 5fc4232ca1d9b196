/** How a connection is reset, and when it may be. */
import type { Proof, Refusal, Resetter, Scope } from '../../../core/binding.ts';
import { QaError } from '../../../core/errors.ts';
import type { RedisClient } from '../client.ts';
import type { ParsedOptions } from '../options.ts';
import { Lock } from './lock.ts';
import { checkMarker, MARKER } from './marker.ts';
import { takeMarks } from './marks.ts';
import { KeysResetter } from './resetter.ts';
import { Territory } from './territory.ts';

/** Of each proof what may be emptied: undefined for the whole server. */
const proved = new WeakMap<Proof, { prefixes: readonly string[] | undefined }>();

/**
 * Whether this server is ours: one that this run started, checked by its password, or one that was lent empty, is; of any
 * other what the config lists and the server's marker allows.
 *
 * @throws QaError QA_NO_MARKER
 */
export async function ownership(
  client: RedisClient,
  { prefixes }: ParsedOptions,
  scope: Scope,
): Promise<Proof | Refusal> {
  const { lease } = scope;
  if (lease !== undefined) {
    const { keys = '0', password } = lease.secret;
    const isOurs = password === undefined || password === client.options.address!.password;
    if (isOurs && keys === '0') return proof({ owned: true, by: 'throwaway', because: lease.because }, undefined);
    return notOurs(
      scope,
      isOurs
        ? `the server held ${keys} keys when it was lent`
        : 'the connection leads to another server than the one it was lent',
    );
  }
  if (prefixes.length === 0) {
    return notOurs(
      scope,
      `${client.place.address} is not a throwaway server of this run, and the config names no prefix of keys that may be emptied (\`reset: { prefix }\`)`,
    );
  }
  await checkMarker(client, prefixes);
  return proof(
    {
      owned: true,
      by: 'marker',
      because: `the server has the user ${MARKER}, which allows to empty ${prefixes.join(', ')}`,
    },
    prefixes,
  );
}

/** @throws QaError QA_RESET_BLOCKED when another run holds the lock of a stand */
export async function reset(client: RedisClient, given: Proof, scope: Scope): Promise<Resetter> {
  if (given.by === 'marks') return marksOnly(client);
  const found = proved.get(given);
  if (found === undefined) {
    throw new QaError('QA_NOT_OURS', {
      what: 'The proof that this server may be emptied is not the one that `ownership` gave',
      mend: 'Pass on the object itself, not a copy',
      connection: scope.connection,
      address: client.place.address,
    });
  }
  const lock = given.by === 'marker' ? new Lock(client) : undefined;
  await lock?.take(scope.signal);
  return new KeysResetter(client, new Territory(client, found.prefixes), lock);
}

function proof(given: Proof, prefixes: readonly string[] | undefined): Proof {
  proved.set(given, { prefixes });
  return given;
}

/** Nothing of it is emptied; where streams and channels end when a test begins is noted all the same. */
function notOurs(scope: Scope, because: string): Proof {
  scope.notice(`nothing is reset: ${because}`);
  return { owned: true, by: 'marks', because, harmless: true };
}

function marksOnly(client: RedisClient): Resetter {
  const mark = async (signal: AbortSignal) => {
    try {
      await takeMarks(client, signal, { keeps: true });
    } catch (error) {
      throw client.told(error, 'Taking the mark that a test starts from');
    }
  };
  return { reset: mark, push: mark, pop: () => undefined, renew: () => true, close: async () => undefined };
}
