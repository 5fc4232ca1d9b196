/**
 * Ports for services. Each is looked at, and claimed for the run by a file in its folder, so that no two who ask, in
 * whatever process, get the same. They lie below those that systems give to outgoing connections.
 */
import { closeSync, openSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { QaError } from '../../bindings/core/errors.ts';
import { currentRun } from '../run.ts';

const FIRST = 17_000;
const LAST = 31_999;
const MOST_TRIES = 1000;

/**
 * A port that is free, and that nobody else of this run gets until it is given back.
 *
 * @throws QaError QA_SERVICE_START when none is free
 */
export function claimPort(): number {
  for (let tries = 0; tries < MOST_TRIES; tries += 1) {
    const port = FIRST + Math.floor(Math.random() * (LAST - FIRST + 1));
    if (!claim(port)) continue;
    if (isFree(port)) return port;
    releasePort(port);
  }
  throw new QaError('QA_SERVICE_START', {
    what: `No free port was found between ${FIRST} and ${LAST}`,
    mend: 'End what holds them, as servers of earlier runs that were killed',
  });
}

export function releasePort(port: number): void {
  rmSync(fileOf(port), { force: true });
}

function claim(port: number): boolean {
  try {
    closeSync(openSync(fileOf(port), 'wx'));
    return true;
  } catch (error) {
    // Without a folder (pipes on Windows, the end of a run) the look must do.
    return (error as NodeJS.ErrnoException).code !== 'EEXIST';
  }
}

function fileOf(port: number): string {
  return join(dirname(currentRun().socket), `port-${port}`);
}

/** Binds at once where no host is named, so nobody has to wait for an event; on all addresses, as a service may. */
function isFree(port: number): boolean {
  const probe = createServer();
  probe.on('error', () => undefined);
  probe.listen({ port, exclusive: true });
  const isBound = probe.address() !== null;
  probe.close();
  return isBound;
}
