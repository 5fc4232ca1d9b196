/** Durations: months, days and nanoseconds are apart, since no number of one makes another. */
const NANOS = {
  h: 3_600_000_000_000n,
  m: 60_000_000_000n,
  s: 1_000_000_000n,
  ms: 1_000_000n,
  us: 1000n,
  µs: 1000n,
  ns: 1n,
};
const MONTHS = { y: 12n, mo: 1n };
const DAYS = { w: 7n, d: 1n };

const PART = /(\d+)(y|mo|w|d|h|ms|us|µs|ns|m|s)/giy;
const ISO = /^P(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)(?:\.(\d{1,9}))?S)?)?$/i;

/** One text for all that mean the same: `90m`, `1h30m` and `PT1H30M`; undefined for what is no duration. */
export function printDuration(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  const isNegative = text.startsWith('-');
  const parts = parse(isNegative ? text.slice(1) : text);
  if (!parts) return undefined;
  const isZero = parts.every((part) => part === 0n);
  return `${isNegative && !isZero ? '-' : ''}${parts[0]}mo${parts[1]}d${parts[2]}ns`;
}

type Parts = [months: bigint, days: bigint, nanos: bigint];

function parse(text: string): Parts | undefined {
  const iso = ISO.exec(text);
  if (iso && /\d/.test(text)) {
    const [years, months, weeks, days, hours, minutes, seconds] = iso.slice(1, 8).map((part) => BigInt(part ?? 0));
    const fraction = BigInt((iso[8] ?? '').padEnd(9, '0'));
    return [
      years! * 12n + months!,
      weeks! * 7n + days!,
      hours! * NANOS.h + minutes! * NANOS.m + seconds! * NANOS.s + fraction,
    ];
  }
  const parts: Parts = [0n, 0n, 0n];
  PART.lastIndex = 0;
  let end = 0;
  for (let match = PART.exec(text); match; match = PART.exec(text)) {
    const [, digits, unit] = match;
    const known = unit!.toLowerCase();
    const count = BigInt(digits!);
    if (known in MONTHS) parts[0] += count * MONTHS[known as keyof typeof MONTHS];
    else if (known in DAYS) parts[1] += count * DAYS[known as keyof typeof DAYS];
    else parts[2] += count * NANOS[known as keyof typeof NANOS];
    end = PART.lastIndex;
  }
  return end === text.length && end > 0 ? parts : undefined;
}
