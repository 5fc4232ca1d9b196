/** Whose tickets a credential cache (a file of version 4) holds, and until when. Keys and tickets are passed over. */
import { Reader, writePrincipal } from './reader.ts';

export interface CachedTickets {
  principal: string;
  /** Of the newest ticket for getting tickets, ms since 1970; undefined where there is none. */
  expiresAt: number | undefined;
}

/** @throws RangeError, Error where it is no credential cache */
export function readCache(bytes: Buffer): CachedTickets {
  const reader = new Reader(bytes);
  if (reader.uint16() !== 0x0504) throw new Error('It does not begin as a credential cache does.');
  reader.skip(reader.uint16());
  const owner = principalIn(reader);
  const own = `krbtgt/${owner.realm}@${owner.realm}`;
  let expiresAt: number | undefined;
  while (!reader.isAtEnd) {
    const { server, end } = credentialIn(reader);
    if (server === own) expiresAt = Math.max(expiresAt ?? 0, end * 1000);
  }
  return { principal: owner.name, expiresAt };
}

function credentialIn(reader: Reader): { server: string; end: number } {
  principalIn(reader);
  const server = principalIn(reader).name;
  // The session key.
  reader.skip(2);
  skipData(reader);
  // When it was asked for, and when it begins.
  reader.skip(8);
  const end = reader.uint32();
  // Until when it can be renewed, a mark, its flags.
  reader.skip(9);
  for (let list = 0; list < 2; list += 1) {
    for (let left = reader.uint32(); left > 0; left -= 1) {
      reader.skip(2);
      skipData(reader);
    }
  }
  skipData(reader);
  skipData(reader);
  return { server, end };
}

function principalIn(reader: Reader): { name: string; realm: string } {
  reader.skip(4);
  const count = reader.uint32();
  const realm = reader.text(reader.uint32());
  const parts = Array.from({ length: count }, () => reader.text(reader.uint32()));
  return { name: writePrincipal(parts, realm), realm };
}

function skipData(reader: Reader): void {
  reader.skip(reader.uint32());
}
