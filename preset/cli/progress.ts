/** What goes on, while somebody watches; on stderr, so that what is printed at the end can be piped. */
import { spinner } from '@clack/prompts';
import { terminalOf } from './terminal.ts';

export interface Progress {
  tell(text: string): void;
  /** Takes what was drawn away. */
  end(): void;
}

export function progress(text: string): Progress {
  if (!terminalOf(process.stderr).isWatched) return { tell: () => undefined, end: () => undefined };
  // Its own colours follow the same variables.
  const drawn = spinner({ output: process.stderr as NodeJS.WriteStream, withGuide: false });
  drawn.start(text);
  return { tell: (line) => drawn.message(line), end: () => drawn.clear() };
}
