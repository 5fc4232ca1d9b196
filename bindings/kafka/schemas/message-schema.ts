/** What the formats have in common, so that one codec serves files and one serves registries. */
import type { CodecSetup, Part } from '../codec.ts';

/** A schema of one message, ready to work. */
export interface MessageSchema {
  /** Full name of the record or message; undefined where it has none. */
  readonly recordName: string | undefined;
  /**
   * @param part where the path of a failure starts: `value.items[2]`
   * @throws Mismatch
   */
  encode(value: unknown, part: Part): Buffer;
  /** Reads bytes that were written with `writer` (default: this schema) as this schema sees them. */
  decode(bytes: Buffer, writer?: MessageSchema): unknown;
}

/** What stands under one id of a registry. Only Protobuf has several messages in it, found by indexes. */
export interface SchemaDocument {
  /** @throws Error when there is no such message */
  at(indexes: readonly number[]): MessageSchema;
  /**
   * The message of that name, or the first.
   *
   * @throws Error when there is none
   */
  find(name: string | undefined): { schema: MessageSchema; indexes: readonly number[] };
}

export interface SchemaText {
  /** The name by which others refer to it: a full name, an import path, an URL. */
  readonly name: string;
  readonly text: string;
}

/** One of the three formats of a registry. */
export interface SchemaFormat {
  readonly type: 'AVRO' | 'JSON' | 'PROTOBUF';
  /** Whether a message's indexes stand before (or, in headers, behind) its id. */
  readonly hasIndexes: boolean;
  /**
   * @param references those that it refers to, each after the ones that it needs itself
   * @throws Error with the reason
   */
  compile(text: string, references: readonly SchemaText[], setup: CodecSetup): SchemaDocument;
}

/** A document that is one message. */
export function single(schema: MessageSchema): SchemaDocument {
  return { at: () => schema, find: () => ({ schema, indexes: [] }) };
}
