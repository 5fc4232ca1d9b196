#!/usr/bin/env node
/** The command `qa`. */
import { Command, InvalidArgumentError } from 'commander';
import { ownManifest } from './manifest.ts';

/** For wrong flags and arguments. */
const MISUSED = 2;

const program = new Command('qa')
  .description('Sets up tests that use real systems, and says how these systems are.')
  .version(ownManifest().version, '--version', 'print the version of @qa/jest-preset')
  .helpOption('-h, --help', 'print what can be asked for')
  .showHelpAfterError('See: npx qa --help')
  .configureHelp({ showGlobalOptions: false })
  .exitOverride((error) => {
    process.exit(error.exitCode === 0 ? 0 : MISUSED);
  });

program
  .command('doctor')
  .description('Opens every connection of qa.config and says how each is. Writes nothing to any of them.')
  .option('--stand <name>', 'the stand to look at, as QA_STAND does')
  .option('--json', 'print the report as JSON', false)
  .option('--no-start', 'start no throwaway servers')
  .option('--timeout <ms>', 'time for a connection to open, and then to answer', milliseconds)
  .action(async ({ stand, json, start, timeout }) => {
    const { doctor } = await import('./doctor/index.ts');
    await end(await doctor({ folder: process.cwd(), stand, json, start, timeout }));
  });

program
  .command('init')
  .description('Sets this folder up by what is in it: config, types, an example test. Writes over nothing.')
  .option('-y, --yes', 'ask nothing, and install what is missing', false)
  .option('--no-install', 'install nothing, print the command')
  .option('--dry-run', 'print what would be done, and do nothing', false)
  .action(async ({ yes, install, dryRun }) => {
    const { init } = await import('./init/index.ts');
    await end(await init({ folder: process.cwd(), yes, install, dryRun }));
  });

await program.parseAsync();

/** When all is written: whatever a driver left open must not keep the process. */
async function end(code: number): Promise<never> {
  await new Promise((written) => process.stdout.write('', written));
  process.exit(code);
}

function milliseconds(text: string): number {
  const ms = Number(text);
  if (text.trim() === '' || !(ms > 0)) throw new InvalidArgumentError('It must be a number of milliseconds.');
  return ms;
}
