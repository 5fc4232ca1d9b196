/** What only the main process knows, on its way to the workers through Vitest's `provide`. */
export interface Provided {
  /** The folder of qa.config. */
  root: string;
  /** How many workers run side by side. */
  workers: number;
}

export const PROVIDED = '@qa/jest-preset';
