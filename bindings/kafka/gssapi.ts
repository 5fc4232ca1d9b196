/** GSSAPI (Kerberos, RFC 4752) by the tickets of a connection of kind `kerberos`. kafkajs has none of its own. */
import type { Mechanism } from 'kafkajs';
import { type Checked, nonEmpty, object, oneOf, optional } from '../core/check.ts';
import { isQaError, QaError } from '../core/errors.ts';
import { KerberosClient } from '../kerberos/client.ts';
import { exchange, saslError } from './sasl-exchange.ts';

export interface GssapiOptions {
  /** Name of a connection of the config, `kerberos({ … })`: it opens first, by itself. */
  connection: string;
  /** What the brokers are called, `sasl.kerberos.service.name`; the host is the broker's own. Default: `kafka`. */
  serviceName?: string;
}

export interface KafkaGssapi extends GssapiOptions {
  mechanism: 'gssapi';
}

/**
 * The login of a Kafka connection by the tickets of another connection.
 *
 * @example
 * krb: kerberos({ principal: 'qa@EXAMPLE.TEST', keytab: './qa.keytab' }),
 * kafka: kafka({ brokers: ['broker:9092'], sasl: gssapi({ connection: 'krb', serviceName: 'kafka' }) }),
 */
export function gssapi(options: GssapiOptions): KafkaGssapi {
  return { mechanism: 'gssapi', ...options };
}

export const checkGssapi = object({
  mechanism: oneOf('gssapi'),
  connection: nonEmpty,
  serviceName: optional(nonEmpty),
});

export type ParsedGssapi = Checked<typeof checkGssapi>;

/** Names of the connections that `sasl` of a config needs. */
export function gssapiNeeds(input: unknown): string[] {
  const { sasl } = (input ?? {}) as { sasl?: Partial<KafkaGssapi> };
  return typeof sasl?.connection === 'string' ? [sasl.connection] : [];
}

/** The open client of the connection that gives the tickets. */
export async function ticketsOf(name: string, use: (name: string) => Promise<unknown>): Promise<KerberosClient> {
  const client = await use(name);
  if (client instanceof KerberosClient) return client;
  throw new QaError('QA_CONFIG', {
    what: `\`gssapi({ connection: '${name}' })\` names a connection that has no tickets`,
    mend: 'Name one that is `kerberos({ … })`',
  });
}

/** @param use gives the open client of another connection */
export function gssapiProvider(
  { connection, serviceName = 'kafka' }: ParsedGssapi,
  use: (name: string) => Promise<unknown>,
): Mechanism['authenticationProvider'] {
  return ({ host, saslAuthenticate }) => ({
    async authenticate() {
      const send = async (token: string) =>
        (await exchange(saslAuthenticate, Buffer.from(token, 'base64'))).toString('base64');
      try {
        const tickets = await ticketsOf(connection, use);
        const { context, token } = await tickets.begin(`${serviceName}@${host}`, {});
        try {
          let answer = await send(token);
          while (!context.state.isComplete) answer = await send(await context.step(answer));
          await send(await context.wrap(chosen(await context.unwrap(answer))));
        } finally {
          tickets.free(context);
        }
      } catch (cause) {
        throw saslError((cause as Error).message, cause);
      }
    },
  });
}

const NO_LAYER = 1;

/** Kafka has no layer of its own for GSSAPI: what it offers is none, which is answered by the same with no user name. */
function chosen(offer: string): string {
  const [layers = 0] = Buffer.from(offer, 'base64');
  if ((layers & NO_LAYER) === 0) throw new Error('it wants a security layer of SASL, which Kafka does not have');
  return Buffer.from([NO_LAYER, 0, 0, 0]).toString('base64');
}

/** What a failed login was about, where it failed on our side: the tickets' own error. */
export function ticketError(error: unknown): QaError | undefined {
  const { cause } = (error ?? {}) as { cause?: unknown };
  return isQaError(cause) ? cause : undefined;
}
