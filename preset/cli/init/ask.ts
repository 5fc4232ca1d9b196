/** What cannot be seen. Ctrl-C leaves all as it is. */
import { cancel, confirm, select } from '@clack/prompts';
import type { Runner } from './facts.ts';

/** As a shell reports it. */
const INTERRUPTED = 130;

export async function askRunner(): Promise<Runner> {
  const options: { value: Runner; label: string }[] = [
    { value: 'vitest', label: 'Vitest' },
    { value: 'jest', label: 'Jest' },
  ];
  return answered<Runner>(
    await select({ message: 'Neither Jest nor Vitest is here yet. Which one shall run the tests?', options }),
  );
}

export async function askInstall(command: string): Promise<boolean> {
  return answered<boolean>(await confirm({ message: `Install what is missing? ${command}` }));
}

/** A symbol stands for Ctrl-C. */
function answered<T extends string | boolean>(answer: T | symbol): T {
  if (typeof answer !== 'symbol') return answer;
  cancel('Nothing more was done.');
  process.exit(INTERRUPTED);
}
