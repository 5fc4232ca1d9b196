import { loadPeer, type PeerUse } from '../../core/peer.ts';
import type { Compressor } from './index.ts';

interface Lz4Js {
  decompress(frame: Uint8Array): Uint8Array;
  compressBound(size: number): number;
  /** Length of what it wrote; 0: nothing could be saved. */
  compressBlock(from: Uint8Array, to: Uint8Array, at: number, length: number, table: Uint32Array): number;
}

/** Magic number; version 1 with independent blocks, as Java demands; blocks of at most 64 KiB; checksum of these two. */
const HEADER = Buffer.from('04224d18' + '60' + '40' + '82', 'hex');
const MAGIC = HEADER.subarray(0, 4);
const END = Buffer.alloc(4);
const BLOCK = 64 * 1024;
/** In a block's length: it is stored as it was. */
const STORED = 0x80000000;

export function lz4(use: PeerUse): Compressor {
  const library = loadPeer<Lz4Js>({ name: 'lz4js', range: '>=0.2 <1' }, use);
  return {
    // The library's own frames have blocks that depend on each other, which Java's clients and brokers refuse.
    compress(bytes) {
      const parts: Buffer[] = [HEADER];
      for (let at = 0; at < bytes.length; at += BLOCK) {
        const raw = bytes.subarray(at, at + BLOCK);
        const room = Buffer.allocUnsafe(library.compressBound(raw.length));
        const length = library.compressBlock(raw, room, 0, raw.length, new Uint32Array(1 << 16));
        const isSmaller = length > 0 && length < raw.length;
        const size = Buffer.alloc(4);
        size.writeUInt32LE(isSmaller ? length : raw.length + STORED);
        parts.push(size, isSmaller ? room.subarray(0, length) : raw);
      }
      return Buffer.concat([...parts, END]);
    },
    decompress(bytes) {
      if (!bytes.subarray(0, MAGIC.length).equals(MAGIC)) throw new Error('These bytes are no LZ4 frame');
      const { buffer, byteOffset, byteLength } = library.decompress(bytes);
      return Buffer.from(buffer, byteOffset, byteLength);
    },
  };
}
