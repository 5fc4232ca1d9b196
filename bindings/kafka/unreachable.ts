/** No connection, or none that is let in: addresses, TLS and SASL. */
import { type Told, tellUnknownClient, tellUntrusted } from '../core/told.ts';
import type { DriverError, KafkaPlace } from './errors.ts';

export function tellUnreachable(error: DriverError, place: KafkaPlace): Told | undefined {
  const { code = '', type, message = '' } = error;
  const login = tellLogin(error, place);
  if (login) return login;
  const certificate = tellTls(String(code), message, place);
  if (certificate) return certificate;
  const why = reasonOf(error);
  if (why === undefined && type !== 'NETWORK_EXCEPTION') return undefined;
  const broker = error.broker ?? place.brokers.join(', ');
  const isAdvertised = error.broker !== undefined && !place.brokers.includes(error.broker);
  const hasAnswered = place.answered.has(broker);
  if (isAdvertised && !hasAnswered) return advertised(broker, why, place);
  switch (why) {
    case 'refused':
      return [
        'QA_CONNECTION_LOST',
        hasAnswered
          ? `The broker at ${broker} is gone: it refuses new connections`
          : `Nothing listens at ${broker}: the connection was refused`,
        hasAnswered ? 'See whether it was stopped or has crashed' : 'Start the broker, or correct `brokers`',
      ];
    case 'name':
      return [
        'QA_CONNECTION_LOST',
        `The host name \`${hostOf(broker)}\` could not be resolved`,
        'Correct the host in `brokers`, or see to the name server',
      ];
    case 'silent':
      return [
        'QA_TIMEOUT',
        `The broker at ${broker} does not answer${code ? ` (${code})` : ''}: no connection was made in time${place.tls ? ', with its TLS handshake' : ''}`,
        'See whether the address is right and the network lets it through, or give it more time with `connectTimeout`',
      ];
    case 'hung':
      return [
        'QA_TIMEOUT',
        `The broker at ${broker} took the connection but does not answer${requestOf(message)}`,
        'See whether it hangs, or give it more time with `requestTimeout`',
      ];
    default:
      return closed(broker, message, place, hasAnswered);
  }
}

type Why = 'refused' | 'name' | 'silent' | 'hung' | 'closed';

function reasonOf({ name = '', code = '', message = '' }: DriverError): Why | undefined {
  if (code === 'ECONNREFUSED') return 'refused';
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return 'name';
  if (code === 'ETIMEDOUT' || code === 'EHOSTUNREACH' || code === 'ENETUNREACH') return 'silent';
  if (message === 'Connection timeout') return 'silent';
  // What a connection that never answered leaves behind when kafkajs tries again.
  if (name === 'KafkaJSRequestTimeoutError' || message === 'Broker not connected') return 'hung';
  if (name === 'KafkaJSConnectionError' || name === 'KafkaJSConnectionClosedError') return 'closed';
  return undefined;
}

/** The commonest trouble: a broker tells each client which address to use, and that one is for others. */
function advertised(broker: string, why: Why | undefined, { brokers }: KafkaPlace): Told {
  const host = hostOf(broker);
  const reason = {
    refused: 'nothing listens there',
    name: `the host name \`${host}\` could not be resolved`,
    silent: 'it does not answer',
    hung: 'it took the connection but does not answer',
    closed: 'it closed the connection',
  }[why ?? 'closed'];
  return [
    'QA_CONNECTION_LOST',
    `The broker answered at ${brokers.join(', ')} and told to use ${broker} from then on (its \`advertised.listeners\`), which cannot be reached from here: ${reason}`,
    why === 'name'
      ? `Correct \`advertised.listeners\` of the broker, or map the name \`${host}\` to an address that leads there (in /etc/hosts, say)`
      : `Correct \`advertised.listeners\` of the broker; where ${broker} is right, start the broker there or open the way to it`,
  ];
}

function closed(broker: string, message: string, { tls, sasl }: KafkaPlace, hasAnswered: boolean): Told {
  const said = message.replace(/^Connection error: /, '');
  const what = `The broker at ${broker} closed the connection${said === 'Closed connection' ? '' : ` (${said})`}`;
  if (tls && sasl)
    return ['QA_CONNECTION_LOST', what, 'See whether it was stopped or restarted, and what its log says about this'];
  const causes = [
    ...(tls ? [] : ['that port wants TLS (set `ssl`)']),
    ...(sasl ? [] : ['that port wants a login (set `sasl`)']),
    hasAnswered ? 'the broker was stopped or restarted' : 'the broker was stopped, or what listens there is no Kafka',
  ];
  return [
    'QA_CONNECTION_LOST',
    `${what}, and gives no reason. Likely ones: ${causes.join('; ')}`,
    'Compare the port with `listeners` and `listener.security.protocol.map` of the broker',
  ];
}

function tellLogin({ name, type, message = '' }: DriverError, { sasl }: KafkaPlace): Told | undefined {
  const mechanism = sasl?.mechanism ?? 'SASL';
  if (type === 'UNSUPPORTED_SASL_MECHANISM' || /mechanism is not supported by the server/.test(message))
    return [
      'QA_AUTH',
      `The broker does not offer the mechanism ${mechanism} on that port`,
      'Set `sasl.mechanism` to one of its `sasl.enabled.mechanisms`',
    ];
  if (type === 'ILLEGAL_SASL_STATE')
    return [
      'QA_AUTH',
      'The broker does not take a login on that port',
      'Leave `sasl` out, or correct the port: each listener has its own protocol',
    ];
  if (name !== 'KafkaJSSASLAuthenticationError' && type !== 'SASL_AUTHENTICATION_FAILED') return undefined;
  const said = message.replace(/^.*authentication failed: /, '');
  if (mechanism === 'OAUTHBEARER')
    return [
      'QA_AUTH',
      `The login with a token failed: ${said}`,
      'See `sasl.token`: whether it has expired, and whether the broker trusts who issued it',
    ];
  if (mechanism === 'GSSAPI')
    return [
      'QA_AUTH',
      `The broker refused the ticket (GSSAPI): ${said}`,
      'See its log: whether `serviceName` is its `sasl.kerberos.service.name`, and whether its keytab holds the key that the KDC has for it',
    ];
  if (sasl?.user === undefined)
    return ['QA_AUTH', `The login by ${mechanism} failed: ${said}`, 'See `sasl.authenticationProvider`'];
  return [
    'QA_AUTH',
    `The broker refused the user \`${sasl.user}\` or its password (${mechanism})`,
    `Correct \`sasl.username\` and \`sasl.password\`${mechanism.startsWith('SCRAM') ? '; a user of one SCRAM mechanism is not one of the other' : ''}`,
  ];
}

function tellTls(code: string, message: string, { tls }: KafkaPlace): Told | undefined {
  if (!tls) return undefined;
  const said = message
    .replace(/^Connection error: (Hostname\/IP does not match certificate's altnames: )?/, '')
    .replace(/;.*/, '');
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID')
    return [
      'QA_AUTH',
      `The broker's certificate is for another name (${said})`,
      'Use a name that it is made for, or give that one with `ssl: { servername }`',
    ];
  const untrusted = tellUntrusted(code, said, 'broker');
  if (untrusted) return untrusted;
  const unnamed = tellUnknownClient(message, said, 'broker');
  if (unnamed) return unnamed;
  if (/before secure TLS connection|wrong version number|packet length too long/i.test(message))
    return [
      'QA_AUTH',
      'The TLS handshake failed: that port does not speak TLS',
      'Leave `ssl` out, or correct the port: each listener has its own protocol',
    ];
  return undefined;
}

function requestOf(message: string): string {
  const request = /^Request (\w+)/.exec(message)?.[1];
  return request === undefined ? '' : ` (to ${request})`;
}

function hostOf(broker: string): string {
  return broker.replace(/:\d+$/, '');
}
