/** What only the main process knows, on its way to the workers through Vitest's `provide`. */
export interface Provided {
  /** The folder of qa.config. */
  root: string;
  /** How many workers run side by side. */
  workers: number;
  /** Whether Vitest watches. */
  isWatching: boolean;
  /** The variable of Node that the plugin has set for workers: no test and no service that it starts needs to see it. */
  compileCache?: string;
}

export const PROVIDED = '@qa/jest-preset';
