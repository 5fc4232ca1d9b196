/** Kafka's primitive types, as requests are written and answers read. `compact`: of the flexible versions. */

export class Writer {
  readonly #compact: boolean;
  #bytes = Buffer.allocUnsafe(512);
  #at = 0;

  constructor(compact: boolean) {
    this.#compact = compact;
    // The header's tags: kafkajs writes the rest of the header.
    this.tags();
  }

  get buffer(): Buffer {
    return this.#bytes.subarray(0, this.#at);
  }

  int8(value: number): this {
    this.#at = this.#room(1).writeInt8(value, this.#at);
    return this;
  }

  int16(value: number): this {
    this.#at = this.#room(2).writeInt16BE(value, this.#at);
    return this;
  }

  int32(value: number): this {
    this.#at = this.#room(4).writeInt32BE(value, this.#at);
    return this;
  }

  int64(value: bigint): this {
    this.#at = this.#room(8).writeBigInt64BE(value, this.#at);
    return this;
  }

  /** 16 bytes, in hex. */
  uuid(value: string): this {
    this.#at += this.#room(16).write(value, this.#at, 'hex');
    return this;
  }

  string(value: string): this {
    const length = Buffer.byteLength(value);
    if (this.#compact) this.#unsigned(length + 1);
    else this.int16(length);
    this.#at += this.#room(length).write(value, this.#at);
    return this;
  }

  array<T>(values: readonly T[] | null, write: (value: T) => void): this {
    if (this.#compact) this.#unsigned(values === null ? 0 : values.length + 1);
    else this.int32(values === null ? -1 : values.length);
    for (const value of values ?? []) write(value);
    return this;
  }

  /** None: where the version has tags at all. */
  tags(): this {
    return this.#compact ? this.int8(0) : this;
  }

  #unsigned(value: number): void {
    let rest = value;
    while (rest > 0x7f) {
      this.#at = this.#room(1).writeUInt8((rest & 0x7f) | 0x80, this.#at);
      rest >>>= 7;
    }
    this.#at = this.#room(1).writeUInt8(rest, this.#at);
  }

  #room(bytes: number): Buffer {
    if (this.#at + bytes > this.#bytes.length) {
      const more = Buffer.allocUnsafe(Math.max(this.#bytes.length * 2, this.#at + bytes));
      this.#bytes.copy(more, 0, 0, this.#at);
      this.#bytes = more;
    }
    return this.#bytes;
  }
}

export class Reader {
  readonly #bytes: Buffer;
  readonly #compact: boolean;
  #at = 0;

  constructor(bytes: Buffer, compact: boolean) {
    this.#bytes = bytes;
    this.#compact = compact;
    this.tags();
  }

  boolean(): boolean {
    return this.#bytes.readInt8(this.#move(1)) !== 0;
  }

  int8(): number {
    return this.#bytes.readInt8(this.#move(1));
  }

  int16(): number {
    return this.#bytes.readInt16BE(this.#move(2));
  }

  int32(): number {
    return this.#bytes.readInt32BE(this.#move(4));
  }

  int64(): bigint {
    return this.#bytes.readBigInt64BE(this.#move(8));
  }

  /** In hex; undefined: none. */
  uuid(): string | undefined {
    const at = this.#move(16);
    const text = this.#bytes.toString('hex', at, at + 16);
    return /[^0]/.test(text) ? text : undefined;
  }

  string(): string | null {
    const length = this.#compact ? this.#unsigned() - 1 : this.int16();
    if (length < 0) return null;
    const at = this.#move(length);
    return this.#bytes.toString('utf8', at, at + length);
  }

  bytes(): Buffer | null {
    const length = this.#compact ? this.#unsigned() - 1 : this.int32();
    if (length < 0) return null;
    const at = this.#move(length);
    return this.#bytes.subarray(at, at + length);
  }

  /** One that is null is empty. */
  array<T>(read: () => T): T[] {
    const length = this.#compact ? this.#unsigned() - 1 : this.int32();
    const values: T[] = [];
    for (let i = 0; i < length; i += 1) values.push(read());
    return values;
  }

  /** Skips them. */
  tags(): void {
    if (!this.#compact) return;
    for (let left = this.#unsigned(); left > 0; left -= 1) {
      this.#unsigned();
      this.#move(this.#unsigned());
    }
  }

  #unsigned(): number {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = this.#bytes.readUInt8(this.#move(1));
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value >>> 0;
    }
  }

  /** Where it was. */
  #move(bytes: number): number {
    const at = this.#at;
    this.#at += bytes;
    return at;
  }
}
