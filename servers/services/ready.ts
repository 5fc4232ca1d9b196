/** Waits until a service can be used. What it tells by itself is listened for; only others have to be asked. */
import { get } from 'node:http';
import { get as getSecurely } from 'node:https';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { HOST } from '../keeper/place.ts';
import type { Readiness } from './spec.ts';

/** Between two questions, ms. */
const PAUSE = 25;
/** For one answer, ms. */
const PATIENCE = 2000;

export interface Waiting {
  ready: Exclude<Readiness, { by: 'judge' }>;
  port: number | undefined;
  /** Fulfilled with the first line that is the wanted one. */
  line(isWanted: (line: string) => boolean): Promise<void>;
  signal: AbortSignal;
  /** Told what the last question came to: `http://… answered 503`. */
  onTry(came: string): void;
}

/** Rejects only when `signal` aborts. */
export async function untilReady({ ready, port, line, signal, onTry }: Waiting): Promise<void> {
  switch (ready.by) {
    case 'none':
      return;
    case 'text':
      onTry(`it printed no line with \`${ready.text}\``);
      return line((text) => text.includes(ready.text));
    case 'pattern': {
      onTry(`it printed no line that matches /${ready.source}/${ready.flags}`);
      // With `g` or `y` an expression goes on from where it was.
      const pattern = new RegExp(ready.source, ready.flags.replace(/[gy]/g, ''));
      return line((text) => pattern.test(text));
    }
    case 'port':
      return untilTrue(() => accepts(port!, onTry), signal);
    case 'http':
      return untilTrue(() => answers(ready.address, onTry), signal);
  }
}

async function untilTrue(ask: () => Promise<boolean>, signal: AbortSignal): Promise<void> {
  while (!(await ask())) await sleep(PAUSE, undefined, { signal });
}

/** Whether somebody takes connections there. */
export function listens(port: number): Promise<boolean> {
  return accepts(port, () => undefined);
}

function accepts(port: number, onTry: Waiting['onTry']): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, HOST);
    const done = (isOpen: boolean) => {
      socket.destroy();
      resolve(isOpen);
    };
    socket.setTimeout(PATIENCE, () => done(false));
    socket.once('connect', () => done(true));
    socket.once('error', () => {
      onTry(`nothing listened on ${HOST}:${port}`);
      done(false);
    });
  });
}

function answers(address: string, onTry: Waiting['onTry']): Promise<boolean> {
  return new Promise((resolve) => {
    // Whether its certificate is trusted is the tests' affair.
    const secure = { rejectUnauthorized: false };
    const send = address.startsWith('https:') ? (url: string) => getSecurely(url, secure) : (url: string) => get(url);
    const request = send(address);
    request.setTimeout(PATIENCE, () => request.destroy(new Error(`no answer within ${PATIENCE} ms`)));
    request.once('response', (response) => {
      response.resume();
      const { statusCode = 0 } = response;
      onTry(`${address} answered ${statusCode}`);
      resolve(statusCode >= 200 && statusCode < 300);
      request.destroy();
    });
    request.once('error', (error: NodeJS.ErrnoException) => {
      onTry(`${address}: ${error.code === 'ECONNREFUSED' ? 'nothing listened there' : error.message}`);
      resolve(false);
    });
  });
}
