/**
 * How brokers' record batches are compressed. kafkajs brings gzip only; here are the other three, in the form that it
 * registers codecs in.
 */
import { QaError } from '../../core/errors.ts';
import type { PeerUse } from '../../core/peer.ts';
import { lz4 } from './lz4.ts';
import { snappy } from './snappy.ts';
import { zstd } from './zstd.ts';

/** kafkajs's form. What it is handed for compressing is an encoder that holds the bytes. */
export interface CompressionCodec {
  compress(encoder: { readonly buffer: Buffer }): Promise<Buffer>;
  decompress(bytes: Buffer): Promise<Buffer>;
}

/** kafkajs's table, by the number that a batch carries. What is not registered throws when it is called. */
export type CompressionTable = Record<number, () => CompressionCodec>;

/** What a codec of ours is: plain functions over bytes, and what it needs. */
export interface Compressor {
  compress(bytes: Buffer): Buffer | Promise<Buffer>;
  decompress(bytes: Buffer): Buffer | Promise<Buffer>;
}

export type CompressionName = 'gzip' | 'snappy' | 'lz4' | 'zstd';

/** Names by the number that a batch carries. */
export const COMPRESSIONS: Readonly<Record<number, CompressionName>> = { 1: 'gzip', 2: 'snappy', 3: 'lz4', 4: 'zstd' };

/** Each loads what it needs when called; it throws QaError QA_DRIVER_MISSING where that is not there. */
const OURS: Readonly<Record<number, (use: PeerUse) => Compressor>> = { 2: snappy, 3: lz4, 4: zstd };

/**
 * Registers snappy, lz4 and zstd with kafkajs, so that both its clients and the recorder read and write them. Nothing
 * is loaded before a message needs it. A codec that a user has registered is left alone.
 */
export function registerCompression(table: CompressionTable, from: string): void {
  for (const [type, make] of Object.entries(OURS)) {
    if (isRegistered(table, Number(type))) continue;
    let made: CompressionCodec | undefined;
    table[Number(type)] = () => {
      made ??= asCodec(make, {
        from,
        by: `reading and writing Kafka messages compressed with ${COMPRESSIONS[Number(type)]}`,
      });
      return made;
    };
  }
}

/**
 * Whether messages can be written with it, before any is: kafkajs would try again and again.
 *
 * @throws QaError QA_DRIVER_MISSING
 */
export function requireCompression(name: CompressionName | 'none', from: string, connection?: string): void {
  const type = Object.keys(COMPRESSIONS).find((key) => COMPRESSIONS[Number(key)] === name);
  OURS[Number(type)]?.({ from, by: `\`compression: '${name}'\``, connection });
}

/** kafkajs's own stand-ins throw this; whatever else happens, somebody has registered it. */
function isRegistered(table: CompressionTable, type: number): boolean {
  try {
    return table[type]?.() !== undefined;
  } catch (error) {
    return (error as Error).name !== 'KafkaJSNotImplemented';
  }
}

function asCodec(make: (use: PeerUse) => Compressor, use: PeerUse): CompressionCodec {
  let loaded: Compressor | undefined;
  const compressor = () => {
    try {
      loaded ??= make(use);
      return loaded;
    } catch (error) {
      // What is not installed will not be there at the next attempt.
      throw error instanceof QaError ? Object.assign(error, { retriable: false }) : error;
    }
  };
  return {
    compress: async ({ buffer }) => compressor().compress(buffer),
    decompress: async (bytes) => compressor().decompress(bytes),
  };
}
