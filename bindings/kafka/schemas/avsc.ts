/** The part of the library `avsc` that is used: binary encoding, decoding and the resolution of schemas. */
import { loadPeer, type Peer } from '../../core/peer.ts';
import type { CodecSetup } from '../codec.ts';
import { numberWhereSafe } from '../decoders/plain.ts';
import { toInt64 } from '../encoders/plain.ts';
import { type AvroNode, plainSchema } from './avro.ts';

export const AVSC: Peer = { name: 'avsc', range: '>=5.7 <6' };

export interface AvscType {
  toBuffer(value: unknown): Buffer;
  fromBuffer(bytes: Buffer, resolver?: AvscResolver): unknown;
  createResolver(writer: AvscType, options?: { ignoreNamespaces?: boolean }): AvscResolver;
}
export type AvscResolver = object;

interface Avsc {
  Type: { forSchema(schema: unknown, options: object): AvscType };
  types: { LongType: { __with(methods: object): unknown } };
}

/** @throws Error of the library for a schema that is wrong; QaError QA_DRIVER_MISSING */
export function avscType(node: AvroNode, setup: CodecSetup): AvscType {
  const avsc = loadPeer<Avsc>(AVSC, { from: setup.baseDir, by: 'avro()', connection: setup.connection });
  // avsc's own long refuses what a number cannot hold.
  const long = avsc.types.LongType.__with({
    fromBuffer: (bytes: Buffer) => numberWhereSafe(bytes.readBigInt64LE()),
    toBuffer: (value: number | bigint) => {
      const bytes = Buffer.alloc(8);
      bytes.writeBigInt64LE(BigInt(value));
      return bytes;
    },
    fromJSON: (value: number) => value,
    toJSON: (value: number | bigint) => Number(value),
    isValid: (value: unknown) => toInt64(value) !== undefined,
    compare: (a: number | bigint, b: number | bigint) => (a < b ? -1 : a > b ? 1 : 0),
  });
  return avsc.Type.forSchema(plainSchema(node), {
    // Branches are always named to and by avsc: which one is meant is decided here, not guessed there.
    wrapUnions: true,
    omitRecordMethods: true,
    typeHook: (schema: unknown) => (schema === 'long' ? long : undefined),
  });
}
