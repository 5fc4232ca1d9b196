/** The numbers and texts that keytabs and credential caches are made of, most significant byte first. */
export class Reader {
  readonly #bytes: Buffer;
  #at: number;

  constructor(bytes: Buffer, at = 0) {
    this.#bytes = bytes;
    this.#at = at;
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#bytes.length;
  }

  uint8(): number {
    return this.#bytes.readUInt8(this.#step(1));
  }

  uint16(): number {
    return this.#bytes.readUInt16BE(this.#step(2));
  }

  uint32(): number {
    return this.#bytes.readUInt32BE(this.#step(4));
  }

  int32(): number {
    return this.#bytes.readInt32BE(this.#step(4));
  }

  /** A part of its own, which is left behind. */
  part(length: number): Reader {
    const start = this.#step(length);
    return new Reader(this.#bytes.subarray(start, start + length));
  }

  text(length: number): string {
    const start = this.#step(length);
    return this.#bytes.toString('utf8', start, start + length);
  }

  skip(length: number): void {
    this.#step(length);
  }

  #step(length: number): number {
    const start = this.#at;
    if (length < 0 || start + length > this.#bytes.length) throw new RangeError('It ends too early.');
    this.#at += length;
    return start;
  }
}

/** `HTTP/api.example.test@EXAMPLE.TEST`, with what is special in a part quoted. */
export function writePrincipal(parts: readonly string[], realm: string): string {
  const quoted = parts.map((part) => part.replace(/[\\/@]/g, '\\$&'));
  return `${quoted.join('/')}@${realm}`;
}
