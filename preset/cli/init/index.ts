/** `qa init`: sets a project up by what it sees in it, and asks only for the rest. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { progress } from '../progress.ts';
import { terminalOf } from '../terminal.ts';
import { type Advice, runnerAdvice, typesAdvice, withPreset } from './advice.ts';
import { askInstall, askRunner } from './ask.ts';
import { leftOut, type Planned, planConnections } from './connections.ts';
import { type Facts, lookAt, type ProjectManifest, type Runner } from './facts.ts';
import { install, installCommand, missingPackages } from './packages.ts';
import { type Done, printDone } from './print.ts';
import { configFile, exampleOf, exampleTest, RUNNER_CONFIGS, type Written } from './texts.ts';

export interface InitOptions {
  folder: string;
  /** Takes every default and installs what is missing; asks nothing. */
  yes: boolean;
  /** Whether packages may be installed at all. */
  install: boolean;
  dryRun: boolean;
}

/** @returns the exit code */
export async function init(options: InitOptions): Promise<number> {
  const { folder } = options;
  const files = new Files(folder, options.dryRun);
  const done: Done = { files: files.entries, advice: [], left: [], next: [], dryRun: options.dryRun };
  try {
    await setUp(options, files, done);
    process.stdout.write(printDone(done, terminalOf(process.stdout)));
    return 0;
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    process.stdout.write(printDone(done, terminalOf(process.stdout)));
    process.stderr.write(`${terminalOf(process.stderr).paint.red(`✖ ${error.message}`)}\n`);
    return 1;
  }
}

async function setUp(options: InitOptions, files: Files, done: Done): Promise<void> {
  const { folder } = options;
  const asks = !options.yes && process.stdin.isTTY === true && process.stdout.isTTY === true && !process.env.CI;
  const facts = await complete(see(folder, manifestOf(folder, files)), asks);
  const planned = planConnections(facts);
  done.left.push(...leftOut(facts));

  const config = facts.config ?? configFile(planned, facts).path;
  const example = exampleTest(planned, facts);
  if (facts.config !== undefined) files.keep(facts.config);
  else {
    files.add(configFile(planned, facts), planned.map(({ name, kind }) => `${name} (${kind})`).join(', '));
    files.add(example, 'an example to begin with');
  }
  for (const runner of facts.runners) done.advice.push(...configureRunner(runner, facts, files));
  const types = options.dryRun && facts.config === undefined ? undefined : typesAdvice(facts, config);
  if (types) done.advice.push(types);

  const missing = facts.config === undefined || files.hasWritten ? missingPackages(planned, facts) : [];
  const left = await bring(missing, { ...options, asks }, facts, files);
  if (files.hasWritten) done.next.push(...nextSteps(left, planned, facts, example));
}

function see(folder: string, manifest: ProjectManifest): Facts {
  try {
    return lookAt(folder, manifest);
  } catch (error) {
    throw new Refused((error as Error).message);
  }
}

/** Of the folder; one is made where none is near. */
function manifestOf(folder: string, files: Files): ProjectManifest {
  const file = join(folder, 'package.json');
  if (existsSync(file)) {
    try {
      return JSON.parse(readFileSync(file, 'utf8')) as ProjectManifest;
    } catch (error) {
      throw new Refused(`${file} is no JSON: ${(error as Error).message}. Correct it and run \`npx qa init\` again.`);
    }
  }
  for (let at = dirname(folder); at !== dirname(at); at = dirname(at)) {
    if (!existsSync(join(at, 'package.json'))) continue;
    throw new Refused(
      `There is no package.json in ${folder}; the nearest is in ${at}. Run \`npx qa init\` there, or make one here first: npm init -y`,
    );
  }
  files.add({ path: 'package.json', text: '{\n  "private": true\n}\n' }, 'there was none');
  return {};
}

/** A runner has to be chosen where none is to be seen. */
async function complete(facts: Facts, asks: boolean): Promise<Facts> {
  if (facts.runners.length > 0) return facts;
  const usual = Number.parseInt(process.versions.node, 10) < VITEST_NODE ? 'jest' : 'vitest';
  return { ...facts, runners: [asks ? await askRunner() : usual] };
}

/** Vitest 5 needs it. */
const VITEST_NODE = 22;

function configureRunner(runner: Runner, { folder, runnerConfigs }: Facts, files: Files): Advice[] {
  const found = runnerConfigs[runner];
  if (found === undefined) {
    files.add(RUNNER_CONFIGS[runner], '');
    return [];
  }
  const advice = runnerAdvice(runner, found);
  if (advice === undefined) {
    files.keep(found.path);
    return [];
  }
  const changed =
    found.path === 'package.json' ? withPreset(readFileSync(join(folder, found.path), 'utf8')) : undefined;
  if (changed === undefined) return [advice];
  files.change({ path: found.path, text: changed }, "preset: '@qa/jest-preset' in its `jest`");
  return [];
}

/** @returns what is still to be installed */
async function bring(
  missing: readonly string[],
  { folder, yes, install: may, dryRun, asks }: InitOptions & { asks: boolean },
  { manager }: Facts,
  files: Files,
): Promise<readonly string[]> {
  if (missing.length === 0 || !may || dryRun) return missing;
  const command = installCommand(manager, missing);
  if (!yes && !(asks && (await askInstall(command)))) return missing;
  const shown = progress(command);
  try {
    await install(folder, manager, missing);
    files.note('node_modules', 'installed', missing.join(', '));
    return [];
  } catch (error) {
    throw new Refused(`\`${command}\` failed: ${(error as Error).message}`);
  } finally {
    shown.end();
  }
}

function nextSteps(
  missing: readonly string[],
  planned: readonly Planned[],
  { runners, manager }: Facts,
  example: Written,
): string[] {
  const { service, name } = exampleOf(planned);
  const steps = missing.length > 0 ? [installCommand(manager, missing)] : [];
  if (service !== undefined) steps.push(`docker compose up -d ${service}   # the example uses qa.${name}`);
  for (const runner of runners) steps.push(`npx ${runner === 'jest' ? 'jest' : 'vitest run'} ${example.path}`);
  return [...steps, 'npx qa doctor'];
}

/** Writes what is not there; nothing that is there is written over. */
class Files {
  readonly entries: Done['files'] = [];
  readonly #folder: string;
  readonly #dryRun: boolean;

  constructor(folder: string, dryRun: boolean) {
    this.#folder = folder;
    this.#dryRun = dryRun;
  }

  get hasWritten(): boolean {
    return this.entries.some(({ did }) => did !== 'kept');
  }

  add({ path, text }: Written, about: string): void {
    if (existsSync(join(this.#folder, path))) this.keep(path);
    else {
      this.#write(path, text, 'wx');
      this.note(path, 'written', about);
    }
  }

  /** A file of the user's own that is read before and loses nothing. */
  change({ path, text }: Written, about: string): void {
    this.#write(path, text, 'w');
    this.note(path, 'changed', about);
  }

  keep(path: string): void {
    this.note(path, 'kept', 'it was there');
  }

  note(path: string, did: Done['files'][number]['did'], about: string): void {
    this.entries.push({ path, did, about });
  }

  #write(path: string, text: string, flag: 'w' | 'wx'): void {
    if (this.#dryRun) return;
    const file = join(this.#folder, path);
    try {
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, text, { flag });
    } catch (error) {
      throw new Refused(
        `${file} could not be written (${(error as NodeJS.ErrnoException).code}). See who owns ${dirname(file)} and whether it may be written to.`,
      );
    }
  }
}

/** What ends the command with a message for the user. */
class Refused extends Error {}
