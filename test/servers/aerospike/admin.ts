/** Logging in: who may use a connection. */
import { randomBytes } from 'node:crypto';
import { FRAME, frame, RESULT } from './protocol.ts';

const COMMAND = { authenticate: 0, login: 20 } as const;
const FIELD = { user: 0, credential: 3, token: 5, ttl: 6 } as const;
const SESSION = 86_400;

export class Users {
  /** Name to what the client makes of the password (bcrypt with the salt that all clients use). */
  readonly #users: Readonly<Record<string, string>>;
  readonly #tokens = new Map<string, string>();

  constructor(users: Readonly<Record<string, string>> = {}) {
    this.#users = users;
  }

  get needed(): boolean {
    return Object.keys(this.#users).length > 0;
  }

  /** The answer, and whether the connection may be used from now on. */
  answer(body: Buffer): { reply: Buffer; isLet: boolean } {
    const fields = readFields(body);
    const user = fields.get(FIELD.user)?.toString() ?? '';
    if (body[2] === COMMAND.login) {
      const result = this.#check(user, fields.get(FIELD.credential)?.toString() ?? '');
      if (result !== RESULT.ok) return { reply: reply(result, []), isLet: false };
      const token = randomBytes(16).toString('hex');
      this.#tokens.set(token, user);
      const ttl = Buffer.alloc(4);
      ttl.writeUInt32BE(SESSION);
      const told: [number, Buffer][] = [
        [FIELD.token, Buffer.from(token)],
        [FIELD.ttl, ttl],
      ];
      return { reply: reply(RESULT.ok, told), isLet: true };
    }
    const isLet =
      body[2] === COMMAND.authenticate && this.#tokens.get(fields.get(FIELD.token)?.toString() ?? '') === user;
    return { reply: reply(isLet ? RESULT.ok : RESULT.notAuthenticated, []), isLet };
  }

  #check(user: string, credential: string): number {
    const known = this.#users[user];
    if (known === undefined) return RESULT.unknownUser;
    return known === credential ? RESULT.ok : RESULT.credential;
  }
}

/** 16 bytes: version, result, command, number of fields. */
function reply(result: number, fields: readonly [number, Buffer][]): Buffer {
  const header = Buffer.alloc(16);
  header[1] = result;
  header[3] = fields.length;
  const parts = fields.flatMap(([type, data]) => {
    const head = Buffer.alloc(5);
    head.writeUInt32BE(data.length + 1);
    head[4] = type;
    return [head, data];
  });
  return frame(FRAME.admin, Buffer.concat([header, ...parts]));
}

function readFields(body: Buffer): Map<number, Buffer> {
  const fields = new Map<number, Buffer>();
  let p = 16;
  for (let i = 0; i < body[3]!; i += 1) {
    const length = body.readUInt32BE(p);
    fields.set(body[p + 4]!, body.subarray(p + 5, p + 4 + length));
    p += 4 + length;
  }
  return fields;
}
