/**
 * How a type of PostgreSQL is read, compared and asked for. `equal` and `where` of one codec give the same verdict
 * on every value: test/bindings/postgres/equality.test.ts holds each to that.
 */
export interface Codec {
  /** From the text that the server sends. */
  parse(text: string): unknown;
  /**
   * Whether a value read by `parse` equals what a test wrote; neither is null, nor is `expected` an asymmetric
   * matcher. undefined: compare generically (deep and partial).
   */
  equal(actual: unknown, expected: unknown): boolean | undefined;
  /** SQL that is true exactly where `equal` is; undefined where there is none, and memory alone judges. */
  where?(column: string, expected: unknown, bind: Bind): string | undefined;
  /** SQL for *a test reads null here*; default: the column is null. */
  whereNull?(column: string): string;
  /** For elements of arrays: the value as text with the type to cast it to. */
  scalar?(expected: unknown): Scalar | undefined;
}

/** Adds a parameter; gives the placeholder with its cast. */
export type Bind = (value: string | Buffer, type: string) => string;

/** `never`: no value of the type can equal it. */
export type Scalar = { text: string; type: string } | 'never';

/** A codec whose equality is PostgreSQL's own `=` on a value that can be written as text. */
export function scalarCodec(
  codec: Pick<Codec, 'parse'> & { equal(actual: unknown, expected: unknown): boolean } & Required<
      Pick<Codec, 'scalar'>
    >,
): Codec {
  return {
    ...codec,
    where(column, expected, bind) {
      const scalar = codec.scalar(expected);
      if (scalar === undefined) return undefined;
      return scalar === 'never' ? 'false' : `${column} = ${bind(scalar.text, scalar.type)}`;
    },
  };
}

interface Asymmetric {
  asymmetricMatch(actual: unknown): boolean;
}

/** `expect.any(…)` and its like, of any runner. */
export function isAsymmetric(value: unknown): value is Asymmetric {
  return (
    typeof value === 'object' && value !== null && typeof (value as Partial<Asymmetric>).asymmetricMatch === 'function'
  );
}

/** Whether a part of `value`, at any depth, is an asymmetric matcher. */
export function holdsAsymmetric(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return isAsymmetric(value) || Object.values(value).some(holdsAsymmetric);
}
