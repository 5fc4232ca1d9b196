/** Colours as the runner has them. */

export interface Paint {
  expected(text: string): string;
  received(text: string): string;
  dim(text: string): string;
  bold(text: string): string;
}

/** The part of a matcher's `this.utils` that both runners have. */
export interface RunnerUtils {
  EXPECTED_COLOR?(text: string): string;
  RECEIVED_COLOR?(text: string): string;
  DIM_COLOR?(text: string): string;
  BOLD_WEIGHT?(text: string): string;
}

export const PLAIN: Paint = { expected: same, received: same, dim: same, bold: same };

/** Without utils (`source.waitFor`) the environment variables decide, as they do in the runners. */
export function paintOf(utils: RunnerUtils | undefined): Paint {
  if (utils?.EXPECTED_COLOR === undefined) return wantsColor() ? ANSI : PLAIN;
  return {
    expected: utils.EXPECTED_COLOR,
    received: utils.RECEIVED_COLOR ?? same,
    dim: utils.DIM_COLOR ?? same,
    bold: utils.BOLD_WEIGHT ?? same,
  };
}

const ANSI: Paint = { expected: ansi(32, 39), received: ansi(31, 39), dim: ansi(2, 22), bold: ansi(1, 22) };

function wantsColor(): boolean {
  const { NO_COLOR, FORCE_COLOR, FORCE_TTY } = process.env;
  if (FORCE_COLOR !== undefined && FORCE_COLOR !== '') return FORCE_COLOR !== '0' && FORCE_COLOR !== 'false';
  if (NO_COLOR !== undefined && NO_COLOR !== '') return false;
  return FORCE_TTY !== undefined || process.stderr.isTTY === true;
}

function ansi(open: number, close: number): (text: string) => string {
  return (text) => `\u001B[${open}m${text}\u001B[${close}m`;
}

function same(text: string): string {
  return text;
}
