import { promisify } from 'node:util';
import * as zlib from 'node:zlib';
import { QaError } from '../../core/errors.ts';
import type { PeerUse } from '../../core/peer.ts';
import type { Compressor } from './index.ts';

export function zstd({ by, connection }: Pick<PeerUse, 'by' | 'connection'>): Compressor {
  if (typeof zlib.zstdDecompress !== 'function') {
    throw new QaError('QA_DRIVER_MISSING', {
      what: `${by} needs Node 22.15 or newer; this is ${process.version}`,
      mend: 'Run the tests with a newer Node, or register a codec of your own in `CompressionCodecs` of kafkajs',
      connection,
    });
  }
  return {
    compress: promisify(zlib.zstdCompress as (bytes: Buffer, done: zlib.CompressCallback) => void),
    decompress: promisify(zlib.zstdDecompress as (bytes: Buffer, done: zlib.CompressCallback) => void),
  };
}
