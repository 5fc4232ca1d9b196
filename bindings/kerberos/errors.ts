/** What GSSAPI says, which has no codes but words, in words that name the connection, the principal and the mend. */
import { isQaError, QaError } from '../core/errors.ts';
import type { Told } from '../core/told.ts';
import { HelperError } from './helper.ts';
import type { Place } from './place.ts';

export interface Doing {
  /** A sentence's beginning: `Getting a ticket for \`HTTP@api\``. */
  what: string;
  /** `HTTP@api.example.test` */
  service?: string | undefined;
}

export function kerberosError(error: unknown, place: Place, doing: Doing): QaError {
  if (isQaError(error)) return error;
  const { connection, address } = place;
  const [code, what, mend] = tell(error as Error, place, doing);
  return new QaError(code, { what, mend, connection, address, cause: error });
}

/** A call that did not end in time: there is nothing that GSSAPI would say. */
export function silentKdc({ connection, address, kdcs, realm }: Place, { what }: Doing, ms?: number): QaError {
  return new QaError('QA_TIMEOUT', {
    what: `${what} did not end ${ms === undefined ? 'before the time was up' : `within ${ms} ms`}: ${whichKdc(kdcs, realm)} does not answer`,
    mend: `See whether it hangs and whether the network lets ports of Kerberos through${ms === undefined ? '' : ', or give it more time with `requestTimeout`'}`,
    connection,
    address,
  });
}

function tell(error: Error, place: Place, doing: Doing): Told {
  const { message } = error;
  if (error instanceof HelperError && error.why === 'load') return notLoaded(message);
  if (error instanceof HelperError && error.why === 'ended')
    return [
      'QA_CONNECTION_LOST',
      `${doing.what} failed: the process that GSSAPI runs in is gone. ${message}`,
      'See whether `node -e "require(\'kerberos\')"` works, and install the package anew where it does not',
    ];
  // What the mechanism says is more than what GSSAPI makes of it.
  const said = message.replace(/: Success$/, '').replace(/^[^:]*: (?=.)/, '');
  return (
    tellKdc(said, place) ??
    tellService(said, place, doing) ??
    tellPrincipal(said, place) ??
    tellConf(said) ?? [
      'QA_REFUSED',
      `${doing.what} failed: ${message}`,
      'See the log of the KDC, and set KRB5_TRACE to the path of a file to see each step',
    ]
  );
}

function notLoaded(message: string): Told {
  const [first] = message.split('\n');
  return [
    'QA_DRIVER_MISSING',
    `The driver \`kerberos\` is there, but does not load: ${first}`,
    'Install the libraries of Kerberos (on Debian: apt-get install libkrb5-dev make g++ python3), then run: npm rebuild kerberos',
  ];
}

function tellKdc(said: string, { kdcs, realm, principal, keytab }: Place): Told | undefined {
  const kdc = whichKdc(kdcs, realm);
  if (/Cannot (contact any|find|locate) KDC/i.test(said) && /contact/.test(said))
    return [
      'QA_CONNECTION_LOST',
      `No answer from ${kdc}: it cannot be reached`,
      `Start it, or correct ${kdcPlace(kdcs)}`,
    ];
  if (/Cannot (find|locate) (any )?KDC|Cannot resolve (network address|servers)/i.test(said))
    return [
      'QA_CONFIG',
      `Nothing says where a KDC of the realm ${realmIn(said) ?? realm ?? '?'} is (${said})`,
      'Give `kdc`, or name it under [realms] in krb5.conf',
    ];
  if (/Clock skew too great/i.test(said))
    return [
      'QA_AUTH',
      `The clocks of this machine and of ${kdc} are more than five minutes apart; this one says ${new Date().toISOString()}`,
      'Set both clocks by a time server',
    ];
  if (
    /no support for encryption type|etype not supported|No supported encryption types|encryption type .* not permitted/i.test(
      said,
    )
  )
    return [
      'QA_REFUSED',
      `This machine, ${kdc} and the keys of ${keytab === undefined ? `\`${principal}\`` : `the keytab ${keytab}`} have no kind of encryption in common (${said})`,
      'Write the keys anew with a kind that both allow, aes256-cts-hmac-sha1-96 for one',
    ];
  if (/policy rejects/i.test(said))
    return ['QA_FORBIDDEN', `A policy of ${kdc} forbids it (${said})`, 'See what it allows to this principal'];
  return undefined;
}

function tellService(said: string, { kdcs, realm, principal }: Place, { service, what }: Doing): Told | undefined {
  const kdc = whichKdc(kdcs, realm);
  const unknown = /Server (\S+) not found in Kerberos database/i.exec(said);
  if (unknown) {
    const name = unknown[1]!;
    const kind = name.replace(/\/.*/, '');
    const capitals = kind !== kind.toUpperCase() && kind.toLowerCase() === 'http';
    return [
      'QA_NOT_FOUND',
      `${firstUpper(kdc)} knows no service \`${name}\``,
      capitals
        ? `Write it in capitals: \`HTTP${service?.replace(/^\w+/, '') ?? ''}\``
        : 'Correct its name and its host, as the service is registered, or register it, with kadmin: addprinc -randkey',
    ];
  }
  if (/Request is a replay/i.test(said))
    return ['QA_REFUSED', `${what} failed: the token was used before`, 'Get a token for each use of it'];
  if (/Wrong principal in request|No key table entry found|Key version number/i.test(said))
    return [
      'QA_AUTH',
      `The service${service === undefined ? '' : ` \`${service}\``} has no key for the ticket that ${kdc} gave for it (${said})`,
      'Write the keytab of the service anew, with kadmin: ktadd',
    ];
  if (
    /Mutual authentication failed|Message stream modified|Invalid token|invalid (Message )?Integrity|defective token|Invalid credential|checksum|ASN\.1|Decrypt integrity check failed|Token header is malformed/i.test(
      said,
    ) &&
    what.startsWith('Verifying')
  )
    return [
      'QA_AUTH',
      `The answer does not come from ${service === undefined ? 'the service' : `\`${service}\``}: what it proves itself with does not fit what \`${principal}\` has sent (${said})`,
      'See which server answers at that address, and whether each answer is verified with the headers that it is an answer to',
    ];
  return undefined;
}

function tellPrincipal(said: string, place: Place): Told | undefined {
  const { principal, keytab, kdcs, realm, source } = place;
  const kdc = whichKdc(kdcs, realm);
  if (/Client (\S+ )?not found in Kerberos database/i.test(said))
    return [
      'QA_AUTH',
      `${firstUpper(kdc)} does not know the principal \`${principal}\``,
      'Correct `principal`, or register it, with kadmin: addprinc',
    ];
  if (
    /Preauthentication failed|Password incorrect|Decrypt integrity check failed|Key version|Pre-authentication/i.test(
      said,
    )
  )
    return [
      'QA_AUTH',
      `The key in the keytab ${keytab} is not the one that ${kdc} has for \`${principal}\`: it was changed since (${said})`,
      'Write the keytab anew, with kadmin: ktadd',
    ];
  if (/no suitable keys/i.test(said))
    return [
      'QA_AUTH',
      `The keytab ${keytab} holds no key of \`${principal}\` of a kind that ${kdc} takes`,
      'Write its keys into the keytab, with kadmin: ktadd',
    ];
  if (/(Clients? credentials|Client's credentials) have been revoked|LOCKED_OUT/i.test(said))
    return [
      'QA_AUTH',
      `The principal \`${principal}\` is locked at ${kdc}`,
      'Unlock it, with kadmin: modprinc -unlock',
    ];
  if (/entry in database has expired|Password has expired/i.test(said))
    return [
      'QA_AUTH',
      `The principal \`${principal}\` has expired at ${kdc} (${said})`,
      'Prolong it there, or give its password anew',
    ];
  if (/Ticket expired|(credentials?|context) (have|has) expired|Matching credential not found.*expired/i.test(said))
    return [
      'QA_AUTH',
      `The ticket of \`${principal}\`${source?.file === undefined ? '' : ` from ${source.file}`} has expired`,
      keytab === undefined
        ? `Get a new one: kinit ${principal ?? ''}; or give its \`keytab\``
        : `See how long ${kdc} lets a ticket of this principal live`,
    ];
  if (
    /No Kerberos credentials available|No credentials cache|Credentials cache .*not found|Can't find client principal|No credentials were supplied/i.test(
      said,
    )
  )
    return [
      'QA_AUTH',
      `There is no ticket${source === undefined ? '' : ` in ${source.name}`} (${said})`,
      'Get one with kinit, or give `principal` and `keytab`',
    ];
  return undefined;
}

function tellConf(said: string): Told | undefined {
  if (
    /Improper format of Kerberos|Included profile|Profile .*(syntax|relation|section)|Can't open\/find Kerberos configuration/i.test(
      said,
    )
  )
    return ['QA_CONFIG', `krb5.conf cannot be read: ${said}`, 'Correct it; each section begins with its name in [ ]'];
  if (/does not specify default realm|Cannot determine realm|No default realm/i.test(said))
    return [
      'QA_CONFIG',
      `Nothing says which realm is meant (${said})`,
      'Give `realm`, or write the principal with its realm: qa@EXAMPLE.TEST',
    ];
  return undefined;
}

/** `the KDC of EXAMPLE.TEST at 127.0.0.1:88` */
function whichKdc(kdcs: readonly string[], realm: string | undefined): string {
  return `the KDC${realm === undefined ? '' : ` of ${realm}`}${kdcs.length === 0 ? '' : ` at ${kdcs.join(', ')}`}`;
}

function kdcPlace(kdcs: readonly string[]): string {
  return kdcs.length === 0 ? 'what DNS says of it' : 'its address (`kdc`, or `kdc` in krb5.conf)';
}

function realmIn(said: string): string | undefined {
  return /realm ["']([^"']+)["']/.exec(said)?.[1];
}

function firstUpper(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
