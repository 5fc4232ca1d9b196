/** What `preset: '@qa/jest-preset'` means. Jest evaluates it once, in the run's main process. */
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { watchSelection } from '../../environment/jest/selection.ts';
import { TEST_TIMEOUT } from '../../environment/jest/timeout.ts';
import { noteTerminal } from '../../environment/log/terminal.ts';
import { beginRun } from '../../servers/run.ts';

const run = beginRun();
noteTerminal();
watchSelection(join(tmpdir(), `qa-selection-${run.id}`));

const beside = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

const preset: {
  testEnvironment: string;
  setupFilesAfterEnv: string[];
  transform: Record<string, string>;
  testTimeout: number;
} = {
  testEnvironment: beside('./jest/build/environment.cjs'),
  setupFilesAfterEnv: [beside('./jest-setup.cjs')],
  transform: { '\\.[cm]?[jt]sx?$': beside('./jest-transform.cjs') },
  testTimeout: TEST_TIMEOUT,
};

export default preset;
