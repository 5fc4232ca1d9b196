/**
 * OAUTHBEARER (RFC 7628). kafkajs's own takes the broker's first answer for a success, whatever it says: a refused
 * token comes to light only with a later request, as a mistake in the protocol.
 */
import type { Mechanism } from 'kafkajs';
import { exchange, saslError } from './sasl-exchange.ts';

export type Token =
  | string
  | {
      value: string;
      /** SASL extensions, for brokers that want some: `{ logicalCluster: 'lkc-1' }`. */
      extensions?: Readonly<Record<string, string>>;
    };

export type TokenSource = string | (() => Token | Promise<Token>);

/** @param onToken called with each token before it is sent */
export function bearerProvider(
  source: TokenSource,
  onToken: (token: string) => void,
): Mechanism['authenticationProvider'] {
  return ({ saslAuthenticate }) => ({
    async authenticate() {
      const { value, extensions = {} } = await tokenOf(source);
      onToken(value);
      const pairs = Object.entries({ auth: `Bearer ${value}`, ...extensions });
      const first = ['n,,', ...pairs.map(([key, text]) => `${key}=${text}`), '', ''].join(SEPARATOR);
      try {
        const refusal = await exchange(saslAuthenticate, Buffer.from(first));
        if (refusal.length === 0) return;
        // The broker waits for this before it ends the exchange with its error.
        await exchange(saslAuthenticate, Buffer.from(SEPARATOR));
        throw new Error(refusal.toString());
      } catch (cause) {
        throw saslError(`The token was refused: ${(cause as Error).message}`, cause);
      }
    },
  });
}

const SEPARATOR = '\x01';

async function tokenOf(source: TokenSource): Promise<Exclude<Token, string>> {
  let found: Token;
  try {
    found = typeof source === 'function' ? await source() : source;
  } catch (cause) {
    throw saslError(`the function failed: ${(cause as { message?: string } | undefined)?.message ?? cause}`, cause);
  }
  const given = typeof found === 'string' ? { value: found } : found;
  if (typeof given?.value === 'string' && given.value !== '') return given;
  throw saslError('the function must return a token, or `{ value }` with one');
}
