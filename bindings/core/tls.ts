/** TLS of a connection: the same options and the same check for every system. */
import { boolean, check, either, list, nonEmpty, object, optional, string } from './check.ts';
import type { OrReference } from './reference.ts';

export interface TlsOptions {
  /** Certificates of the authorities to trust, PEM. */
  ca?: OrReference<string | Buffer> | readonly (string | Buffer)[];
  /** The client's own certificate, PEM. */
  cert?: OrReference<string | Buffer>;
  /** Its private key, PEM. */
  key?: OrReference<string | Buffer>;
  passphrase?: OrReference<string>;
  /** Default: true. */
  rejectUnauthorized?: boolean;
  /** The name that the certificate must carry. Default: the host. */
  servername?: string;
}

const pem = check<string | Buffer>(
  'a certificate or key as text or Buffer',
  (value) => typeof value === 'string' || Buffer.isBuffer(value),
);

/** `true`, `false` or TlsOptions, references resolved. */
export const checkTls = either(
  boolean,
  object({
    ca: optional(either(pem, list(pem))),
    cert: optional(pem),
    key: optional(pem),
    passphrase: optional(string),
    rejectUnauthorized: optional(boolean),
    servername: optional(nonEmpty),
  }),
);
