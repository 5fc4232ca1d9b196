/** How a connection proves who it is and whom it trusts: TLS and SASL, as the config says and as kafkajs takes it. */
import type { KafkaConfig, Mechanism, SASLOptions } from 'kafkajs';
import {
  anyFunction,
  type Check,
  type Checked,
  check,
  either,
  nonEmpty,
  object,
  oneOf,
  string,
} from '../core/check.ts';
import type { OrReference, Reference } from '../core/reference.ts';
import type { checkTls, TlsOptions } from '../core/tls.ts';
import { bearerProvider, type TokenSource } from './bearer.ts';
import { checkGssapi, gssapiProvider, type KafkaGssapi } from './gssapi.ts';
import { saslError } from './sasl-exchange.ts';

export { checkTls } from '../core/tls.ts';

/** `true` verifies the broker's certificate with the authorities that Node knows. */
export type KafkaTls = boolean | TlsOptions;

export type KafkaSasl = KafkaLogin | KafkaBearer | KafkaGssapi | KafkaMechanism;

type Spelled<M extends string> = M | Uppercase<M> | Reference<string>;

/** A user and a password. */
export interface KafkaLogin {
  mechanism: Spelled<'plain' | 'scram-sha-256' | 'scram-sha-512'>;
  username: OrReference<string>;
  password: OrReference<string>;
}

/** A token (OAUTHBEARER). */
export interface KafkaBearer {
  mechanism: Spelled<'oauthbearer'>;
  /** The token, or a function that gets one: called for each connection to a broker, and before a token expires. */
  token: TokenSource | Reference<string>;
}

/** Another mechanism, by a provider of one's own as kafkajs wants it. */
export interface KafkaMechanism {
  /** As the broker calls it: `AWS_MSK_IAM`. */
  mechanism: string;
  authenticationProvider: Mechanism['authenticationProvider'];
}

const name = oneOf('plain', 'scram-sha-256', 'scram-sha-512', 'oauthbearer', 'gssapi');
const login = object({ mechanism: name, username: nonEmpty, password: string });
const bearer = object({ mechanism: name, token: either(nonEmpty, anyFunction) });
const own = object({ mechanism: nonEmpty, authenticationProvider: anyFunction });
const mechanismOf = check<{ mechanism?: unknown; authenticationProvider?: unknown }>(
  'an object with `mechanism`',
  (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
);

type ParsedSasl = Checked<typeof login> | Checked<typeof bearer> | Checked<typeof checkGssapi> | Checked<typeof own>;

/** What `sasl` may be, references resolved. A mechanism may be written as brokers do, in capitals. */
export const checkSasl: Check<ParsedSasl> = Object.assign(
  (value: unknown, path: string): ParsedSasl => {
    const given = mechanismOf(value, path);
    if (given.authenticationProvider !== undefined) return own(value, path);
    const { mechanism } = given;
    const plain = typeof mechanism === 'string' ? { ...given, mechanism: mechanism.toLowerCase() } : given;
    if (mechanism === undefined) return login(plain, path);
    switch (name(plain.mechanism, `${path}.mechanism`)) {
      case 'oauthbearer':
        return bearer(plain, path);
      case 'gssapi':
        return checkGssapi(plain, path);
      default:
        return login(plain, path);
    }
  },
  { expected: mechanismOf.expected },
);

export interface Security {
  ssl?: Checked<typeof checkTls> | undefined;
  sasl?: ParsedSasl | undefined;
}

export interface Surroundings {
  /** Called with each token before it is sent, so that no text shows it. */
  onToken?(token: string): void;
  /** The open client of another connection. */
  use?(name: string): Promise<unknown>;
}

/** The part of kafkajs's configuration that is about security. */
export function securityConfig(
  { ssl, sasl }: Security,
  surroundings: Surroundings = {},
): Pick<KafkaConfig, 'ssl' | 'sasl'> {
  return {
    ...(ssl === undefined || ssl === false ? {} : { ssl: ssl as KafkaConfig['ssl'] & (boolean | object) }),
    ...(sasl === undefined ? {} : { sasl: saslConfig(sasl, surroundings) }),
  };
}

function saslConfig(
  sasl: ParsedSasl,
  { onToken = () => undefined, use = nobody }: Surroundings,
): SASLOptions | Mechanism {
  if ('connection' in sasl) return { mechanism: 'GSSAPI', authenticationProvider: gssapiProvider(sasl, use) };
  if ('token' in sasl) {
    return {
      mechanism: sasl.mechanism,
      authenticationProvider: bearerProvider(sasl.token as TokenSource, onToken),
    };
  }
  if (!('authenticationProvider' in sasl)) return sasl as SASLOptions;
  const provide = sasl.authenticationProvider as unknown as Mechanism['authenticationProvider'];
  return {
    mechanism: sasl.mechanism,
    authenticationProvider: (given) => ({
      async authenticate() {
        try {
          await provide(given).authenticate();
        } catch (cause) {
          throw saslError((cause as { message?: string } | undefined)?.message ?? String(cause), cause);
        }
      },
    }),
  };
}

async function nobody(name: string): Promise<unknown> {
  throw new Error(`there is no connection \`${name}\` here`);
}

/** For descriptions and errors; never a secret. */
export function identityOf(sasl: ParsedSasl | undefined): { mechanism: string; user: string | undefined } | undefined {
  if (!sasl) return undefined;
  return { mechanism: sasl.mechanism.toUpperCase(), user: 'username' in sasl ? sasl.username : undefined };
}
