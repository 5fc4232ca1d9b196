/** Ways to log in, as a config writes them. */
import { boolean, type Check, type Checked, nonEmpty, object, optional } from '../core/check.ts';
import { QaError } from '../core/errors.ts';
import type { OrReference } from '../core/reference.ts';
import { didYouMean } from '../core/suggest.ts';

/** Exactly one of these. */
export type AuthOptions =
  | { token: OrReference<string> }
  | { approle: AppRole }
  | { userpass: UserPass }
  | { kubernetes: Kubernetes }
  | { jwt: Jwt };

interface Mounted {
  /** Where the method is mounted. Default: its own name. */
  mount?: OrReference<string>;
}

export interface AppRole extends Mounted {
  roleId: OrReference<string>;
  /** Not needed for a role with `bind_secret_id=false`. */
  secretId?: OrReference<string>;
  /** `secretId` is a wrapping token, which holds the secret id: it is unwrapped once a run. Default: false. */
  wrapped?: boolean;
}

export interface UserPass extends Mounted {
  username: OrReference<string>;
  password: OrReference<string>;
}

export interface Kubernetes extends Mounted {
  role: OrReference<string>;
  /** The token of the service account. Default: what `jwtFile` holds. */
  jwt?: OrReference<string>;
  /** Default: /var/run/secrets/kubernetes.io/serviceaccount/token */
  jwtFile?: OrReference<string>;
}

export interface Jwt extends Mounted {
  /** Default: the default role of the mount. */
  role?: OrReference<string>;
  jwt?: OrReference<string>;
  /** The file that holds the token, instead of `jwt`. */
  jwtFile?: OrReference<string>;
}

const METHODS = {
  token: nonEmpty,
  approle: object({
    roleId: nonEmpty,
    secretId: optional(nonEmpty),
    wrapped: optional(boolean),
    mount: optional(nonEmpty),
  }),
  userpass: object({ username: nonEmpty, password: nonEmpty, mount: optional(nonEmpty) }),
  kubernetes: object({
    role: nonEmpty,
    jwt: optional(nonEmpty),
    jwtFile: optional(nonEmpty),
    mount: optional(nonEmpty),
  }),
  jwt: object({
    role: optional(nonEmpty),
    jwt: optional(nonEmpty),
    jwtFile: optional(nonEmpty),
    mount: optional(nonEmpty),
  }),
} satisfies Readonly<Record<string, Check<unknown>>>;

type Methods = typeof METHODS;
/** `{ method: 'approle', with: { roleId, … } }` */
export type ParsedAuth = { [M in keyof Methods]: { method: M; with: Checked<Methods[M]> } }[keyof Methods];

const NAMES = Object.keys(METHODS) as (keyof Methods)[];
const expected = `an object with one of ${NAMES.map((name) => `\`${name}\``).join(', ')}`;

/** @throws QaError QA_CONFIG; an empty token never becomes another one */
export const checkAuth: Check<ParsedAuth> = Object.assign(
  (value: unknown, path: string): ParsedAuth => {
    const fail = (what: string, mend: string) => new QaError('QA_CONFIG', { what: `\`${path}\` ${what}`, mend });
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      throw fail(`is ${value === '' ? 'an empty string' : `no object`}, but must be ${expected}`, `Give ${expected}`);
    const given = Object.entries(value).filter(([, item]) => item !== undefined);
    for (const [name] of given) {
      if (!(name in METHODS))
        throw new QaError('QA_CONFIG', {
          what: `\`${path}.${name}\` is no way to log in`,
          mend: didYouMean(name, NAMES),
        });
    }
    if (given.length !== 1)
      throw fail(
        given.length === 0 ? 'names no way to log in' : 'names more than one way to log in',
        `Give ${expected}`,
      );
    const [method, options] = given[0] as [keyof Methods, unknown];
    const parsed = { method, with: METHODS[method](options, `${path}.${method}`) } as ParsedAuth;
    if (parsed.method === 'jwt' && (parsed.with.jwt === undefined) === (parsed.with.jwtFile === undefined))
      throw fail('needs the token itself or its file', 'Give one of `jwt` and `jwtFile` to `auth.jwt`');
    if (parsed.method === 'approle' && parsed.with.wrapped && parsed.with.secretId === undefined)
      throw fail('has `wrapped` but no `secretId`', 'Give the wrapping token as `secretId`');
    return parsed;
  },
  { expected },
);
