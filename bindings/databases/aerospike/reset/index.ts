/** How an Aerospike namespace is reset, and when it may be. */
import type { Client } from 'aerospike';
import type { Proof, Resetter, Scope } from '../../../core/binding.ts';
import { type Driver, optionsOf } from '../client.ts';
import { Store } from '../store.ts';
import { Lock } from './lock.ts';
import { type OwnProof, ownership as prove } from './ownership.ts';
import { AerospikeResetter } from './resetter.ts';

export async function ownership(client: Client, scope: Scope) {
  return prove(await storeOf(client, scope));
}

/**
 * @throws QaError QA_RESET_BLOCKED when another run holds the lock of a marked namespace
 */
export async function reset(client: Client, proof: Proof, scope: Scope): Promise<Resetter> {
  const store = await storeOf(client, scope);
  const { by, sets } = proof as OwnProof;
  const resetter = new AerospikeResetter(store, sets, by === 'marker' ? new Lock(store) : undefined);
  try {
    await resetter.open(scope.signal);
    return resetter;
  } catch (error) {
    await resetter.close();
    throw error;
  }
}

async function storeOf(client: Client, scope: Scope): Promise<Store> {
  const driver = (await scope.driver()) as Driver;
  return new Store(() => ({ client, driver, options: optionsOf(client) }), scope);
}
