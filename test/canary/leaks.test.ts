/** The search itself: what it must find. */
import { inspect } from 'node:util';
import { expect, test } from 'vitest';
import { canary, leaks } from './leaks.ts';

const secret = canary('one');
const bytes = Buffer.from(secret);

test.each<[string, string]>([
  ['verbatim', secret],
  ['coloured within', `${secret.slice(0, 5)}\u001B[7m${secret.slice(5)}\u001B[27m`],
  ['cut at its end', `${secret.slice(0, 12)}…`],
  ['cut at its beginning', `…${secret.slice(8)}`],
  ['wrapped', `${secret.slice(0, 7)}\n       ${secret.slice(7)}`],
  ['for an URL', encodeURIComponent(secret)],
  ['as JSON in JSON', JSON.stringify(JSON.stringify({ secret }))],
  ['in XML', secret.replaceAll('"', '&quot;')],
  ['in base64', bytes.toString('base64')],
  ['in base64 of a pair', Buffer.from(`user:${secret}`).toString('base64')],
  ['in base64 for URLs', Buffer.from(`ab${secret}`).toString('base64url')],
  ['as hex', `x${bytes.toString('hex')}`],
  ['as a Buffer', inspect(bytes)],
  ['as a diff of bytes', [...bytes].map((byte) => `-   ${byte},\n`).join('')],
])('%s', (_, text) => {
  expect(leaks({ out: `before ${text} after` }, { one: secret, two: canary('two') })).toMatchObject([{ name: 'one' }]);
});

test('nothing where there is nothing', () => {
  const text = `${inspect(process.versions)} ${Buffer.from('the quick brown fox').toString('base64')} ‹redacted›`;
  expect(leaks({ out: text }, { one: secret })).toEqual([]);
});
