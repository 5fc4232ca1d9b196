/**
 * Walks over Avro bytes before avsc reads them. avsc trusts every count and length: bytes that are something else
 * (a topic declared with the wrong codec) could make it loop for ever or fill the memory, and stop the recorder.
 */
import type { AvroNode } from '../schemas/avro.ts';

/** Items that take no bytes (nulls) are not bounded by the length of the message. */
const MOST_EMPTY_ITEMS = 100_000;

/** @throws Error that says what is wrong and at which byte */
export type AvroCheck = (bytes: Buffer) => void;

type Walk = (reader: Reader) => void;

export function avroCheck(node: AvroNode): AvroCheck {
  const walk = walkOf(node, new Map());
  return (bytes) => {
    const reader = new Reader(bytes);
    walk(reader);
    if (reader.left > 0) throw new Error(`${reader.left} bytes are left over after the value`);
  };
}

function walkOf(node: AvroNode, made: Map<AvroNode, Walk>): Walk {
  const found = made.get(node);
  if (found) return found;
  // Known before it is made: a schema may hold itself.
  let walk: Walk = () => {};
  made.set(node, (reader) => walk(reader));
  walk = newWalk(node, made);
  made.set(node, walk);
  return walk;
}

function newWalk(node: AvroNode, made: Map<AvroNode, Walk>): Walk {
  switch (node.kind) {
    case 'null':
      return () => {};
    case 'boolean':
      return (reader) => reader.skip(1);
    case 'int':
    case 'long':
      return (reader) => reader.skipVarint();
    case 'float':
      return (reader) => reader.skip(4);
    case 'double':
      return (reader) => reader.skip(8);
    case 'fixed':
      return (reader) => reader.skip(node.size);
    case 'bytes':
    case 'string':
      return (reader) => reader.skip(reader.long());
    case 'enum':
      return (reader) => void choose(node.symbols, reader, 'symbol');
    case 'record': {
      const fields = node.fields.map((field) => walkOf(field.node, made));
      return (reader) => {
        for (const field of fields) field(reader);
      };
    }
    case 'union': {
      const branches = node.branches.map((branch) => walkOf(branch, made));
      return (reader) => choose(branches, reader, 'branch of a union')(reader);
    }
    case 'array':
      return blocks(walkOf(node.items, made));
    case 'map': {
      const value = walkOf(node.values, made);
      return blocks((reader) => {
        reader.skip(reader.long());
        value(reader);
      });
    }
  }
}

/** Blocks of items, each with its count; a negative count is followed by the block's size. */
function blocks(item: Walk): Walk {
  return (reader) => {
    for (;;) {
      const count = reader.long();
      if (count === 0) return;
      if (count < 0) reader.skipVarint();
      let empty = 0;
      for (let i = Math.abs(count); i > 0; i -= 1) {
        const before = reader.left;
        item(reader);
        if (reader.left === before) empty += 1;
        if (empty > MOST_EMPTY_ITEMS) throw new Error(`${count} items without bytes`);
      }
    }
  };
}

function choose<T>(known: readonly T[], reader: Reader, what: string): T {
  const index = reader.long();
  const chosen = known[index];
  if (chosen === undefined) throw new Error(`at byte ${reader.at}: there is no ${what} ${index}`);
  return chosen;
}

class Reader {
  at = 0;
  readonly #bytes: Buffer;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get left(): number {
    return this.#bytes.length - this.at;
  }

  skip(length: number): void {
    if (length < 0) throw new Error(`at byte ${this.at}: a length of ${length}`);
    if (length > this.left) throw new Error(`the bytes end too early: at byte ${this.at}, ${length} more are wanted`);
    this.at += length;
  }

  skipVarint(): void {
    for (let length = 1; length <= 10; length += 1) {
      const byte = this.#bytes[this.at];
      if (byte === undefined) throw new Error(`the bytes end too early: at byte ${this.at}, in a number`);
      this.at += 1;
      if (byte < 0x80) return;
    }
    throw new Error(`at byte ${this.at}: a number longer than 64 bits`);
  }

  /** A count, length or index: exact as far as a message can be long. */
  long(): number {
    const from = this.at;
    this.skipVarint();
    let value = 0;
    let factor = 1;
    for (let i = from; i < this.at; i += 1) {
      value += (this.#bytes[i]! & 0x7f) * factor;
      factor *= 0x80;
    }
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }
}
