/**
 * A request to a broker over a connection of kafkajs. Its own requests give too little away: one partition that has
 * no leader, or may not be read, fails the whole answer; of an emptied batch nothing is left; topics have no ids.
 */
import type { Broker } from 'kafkajs';
import { Reader, type Writer } from './wire.ts';

/** What kafkajs does not declare of its broker. */
export interface WireBroker extends Broker {
  readonly connectionPool: { send<T>(protocol: Protocol<T>): Promise<T> };
  readonly versions: Readonly<Record<number, { minVersion: number; maxVersion: number }>> | null;
}

/** What kafkajs takes for an encoder of its own. */
interface Encoded {
  readonly buf: Buffer;
  readonly buffer: Buffer;
}

interface Protocol<T> {
  request: { apiKey: number; apiVersion: number; apiName: string; encode(): Promise<Encoded> };
  response: { decode(bytes: Buffer): Promise<T>; parse(answer: T): Promise<T> };
  logResponseError: boolean;
}

export interface Call<T> {
  readonly api: { readonly key: number; readonly name: string };
  readonly version: number;
  /** Whether the version is one of the flexible ones. */
  readonly compact: boolean;
  readonly writer: Writer;
  read(reader: Reader): T;
}

export async function call<T>(broker: WireBroker, { api, version, compact, writer, read }: Call<T>): Promise<T> {
  const encoded: Encoded = { buf: writer.buffer, buffer: writer.buffer };
  try {
    return await broker.connectionPool.send<T>({
      request: { apiKey: api.key, apiVersion: version, apiName: api.name, encode: async () => encoded },
      response: { decode: async (bytes) => read(new Reader(bytes, compact)), parse: async (answer) => answer },
      logResponseError: false,
    });
  } catch (error) {
    // As kafkajs does: the broker's other connection is most likely broken too.
    if ((error as Error).name === 'KafkaJSConnectionClosedError') await broker.disconnect();
    throw error;
  }
}

/** Highest version that the broker has of an API. */
export function newest(broker: WireBroker, { key }: { readonly key: number }): number {
  return broker.versions?.[key]?.maxVersion ?? 0;
}
