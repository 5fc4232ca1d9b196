import { loadPeer, type PeerUse } from '../../core/peer.ts';
import type { Compressor } from './index.ts';

interface SnappyJs {
  compress(bytes: Buffer): Buffer;
  uncompress(bytes: Buffer): Buffer;
}

/** Java's clients put raw snappy blocks behind this header, each after its length; others write one raw block. */
const HEADER = Buffer.from('82534e415050590000000001' + '00000001', 'hex');
const MAGIC = HEADER.subarray(0, 8);
/** Java's. */
const BLOCK = 32 * 1024;

export function snappy(use: PeerUse): Compressor {
  const { compress, uncompress } = loadPeer<SnappyJs>({ name: 'snappyjs', range: '>=0.6 <1' }, use);
  return {
    compress(bytes) {
      const parts: Buffer[] = [HEADER];
      for (let at = 0; at < bytes.length; at += BLOCK) {
        const block = compress(bytes.subarray(at, at + BLOCK));
        const size = Buffer.alloc(4);
        size.writeInt32BE(block.length);
        parts.push(size, block);
      }
      return Buffer.concat(parts);
    },
    decompress(bytes) {
      if (!bytes.subarray(0, MAGIC.length).equals(MAGIC)) return uncompress(bytes);
      const parts: Buffer[] = [];
      for (let at = HEADER.length; at < bytes.length; ) {
        const size = bytes.readInt32BE(at);
        at += 4;
        if (size <= 0 || at + size > bytes.length) throw new Error('A snappy block is cut off');
        parts.push(uncompress(bytes.subarray(at, at + size)));
        at += size;
      }
      return Buffer.concat(parts);
    },
  };
}
