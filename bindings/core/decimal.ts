/** An exact decimal number: what Avro's `decimal` decodes to. Compares by value with whatever a test writes. */
import { inspect } from 'node:util';

const BRAND: unique symbol = Symbol.for('@qa/jest-preset/decimal') as never;

export type DecimalLike = Decimal | number | bigint | string;

/**
 * `unscaled × 10^-scale`. Immutable.
 *
 * @example
 * Decimal.from('42.00').equals(42)      // true: by value, not by the number of zeros
 * String(Decimal.from('42.00'))         // '42.00': the zeros are kept
 */
export class Decimal {
  readonly unscaled: bigint;
  /** Digits after the point, from 0. */
  readonly scale: number;

  constructor(unscaled: bigint, scale = 0) {
    if (!Number.isInteger(scale) || scale < 0) throw new RangeError(`A scale is a whole number from 0, not ${scale}.`);
    this.unscaled = unscaled;
    this.scale = scale;
    Object.defineProperty(this, BRAND, { value: true });
    Object.freeze(this);
  }

  /**
   * A number is taken as it prints: `0.1` is 0.1.
   *
   * @throws RangeError when `value` is no finite decimal number
   */
  static from(value: DecimalLike): Decimal {
    const parsed = parse(value);
    if (parsed) return parsed;
    throw new RangeError(`Not a decimal number: ${inspect(value)}.`);
  }

  /** Whether `other` is the same number: a Decimal, a number, a bigint or its text. Anything else is not. */
  equals(other: unknown): boolean {
    const right = parse(other);
    if (!right) return false;
    const scale = Math.max(this.scale, right.scale);
    return this.unscaledAt(scale) === right.unscaledAt(scale);
  }

  /** The unscaled value at another scale; undefined where digits would be lost. */
  unscaledAt(scale: number): bigint | undefined {
    if (scale >= this.scale) return this.unscaled * 10n ** BigInt(scale - this.scale);
    const factor = 10n ** BigInt(this.scale - scale);
    return this.unscaled % factor === 0n ? this.unscaled / factor : undefined;
  }

  /** The nearest JavaScript number; may lose digits. */
  toNumber(): number {
    return Number(this.toString());
  }

  /** Lets `<`, `>` and `+` work, as far as a JavaScript number reaches. */
  valueOf(): number {
    return this.toNumber();
  }

  toString(): string {
    const digits = (this.unscaled < 0n ? -this.unscaled : this.unscaled).toString().padStart(this.scale + 1, '0');
    const sign = this.unscaled < 0n ? '-' : '';
    if (this.scale === 0) return `${sign}${digits}`;
    return `${sign}${digits.slice(0, -this.scale)}.${digits.slice(-this.scale)}`;
  }

  toJSON(): string {
    return this.toString();
  }

  [inspect.custom](): string {
    return this.toString();
  }
}

/** Whether `value` is a Decimal, made in any realm by any copy of this package. */
export function isDecimal(value: unknown): value is Decimal {
  return typeof value === 'object' && value !== null && (value as { [BRAND]?: boolean })[BRAND] === true;
}

const TEXT = /^([+-]?)(\d+)(?:\.(\d*))?(?:[eE]([+-]?\d{1,4}))?$|^([+-]?)\.(\d+)$/;

function parse(value: unknown): Decimal | undefined {
  if (isDecimal(value)) return new Decimal(value.unscaled, value.scale);
  if (typeof value === 'bigint') return new Decimal(value);
  if (typeof value !== 'number' && typeof value !== 'string') return undefined;
  const match = TEXT.exec(String(value));
  if (!match) return undefined;
  const fraction = match[3] ?? match[6] ?? '';
  const digits = BigInt(`${match[2] ?? ''}${fraction}`);
  const unscaled = (match[1] ?? match[5]) === '-' ? -digits : digits;
  const scale = fraction.length - Number(match[4] ?? 0);
  return scale >= 0 ? new Decimal(unscaled, scale) : new Decimal(unscaled * 10n ** BigInt(-scale));
}
