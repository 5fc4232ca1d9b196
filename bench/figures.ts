/** How a figure is shown: always beside what it is compared with. */

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[sorted.length >> 1]!;
}

export function percentile(values: readonly number[], part: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))]!;
}

/** `ours 22.5 ms, bare 15.4 ms: 1.46x (goal 1.3x: missed)` */
export function ratio(what: string, ours: number, base: number, names: [string, string], goal?: number): void {
  const times = ours / base;
  const verdict = goal === undefined ? '' : ` (goal ${goal}x: ${times <= goal ? 'met' : 'missed'})`;
  console.log(`  ${what.padEnd(44)} ${names[0]} ${ms(ours)}, ${names[1]} ${ms(base)}: ${times.toFixed(2)}x${verdict}`);
}

/** A figure that has a goal of its own. */
export function figure(what: string, value: number, unit: string, goal?: number): void {
  const verdict = goal === undefined ? '' : ` (goal ${goal} ${unit}: ${value <= goal ? 'met' : 'missed'})`;
  console.log(`  ${what.padEnd(44)} ${value.toFixed(value < 10 ? 2 : 0)} ${unit}${verdict}`);
}

function ms(value: number): string {
  return `${value.toFixed(value < 10 ? 2 : 0)} ms`;
}
