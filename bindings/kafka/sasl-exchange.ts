/** One message of a SASL login and the broker's answer to it, as kafkajs wants them. */
import type { AuthenticationProviderArgs } from 'kafkajs';

export async function exchange(send: AuthenticationProviderArgs['saslAuthenticate'], bytes: Buffer): Promise<Buffer> {
  const answer = await send({
    request: { encode: () => withLength(bytes) },
    // An answer begins with its length.
    response: { decode: (given) => given.subarray(4), parse: (given) => Buffer.from(given) },
  });
  return answer ?? Buffer.alloc(0);
}

function withLength(bytes: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}

/** With the name that a failed login has in kafkajs, which then does not try again. */
export function saslError(message: string, cause?: unknown): Error {
  return Object.assign(new Error(message, { cause }), { name: 'KafkaJSSASLAuthenticationError', retriable: false });
}
