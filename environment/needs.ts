/** Which connection of a config a reference is read from. */
import { QaError } from '../bindings/core/errors.ts';
import type { Need } from '../bindings/core/reference.ts';
import { didYouMean } from '../bindings/core/suggest.ts';
import type { Connections } from './config/define.ts';

/**
 * The name of the connection: the one that the reference names, else the only one of its kind.
 *
 * @param path where the reference stands: `connections.db.url`
 * @throws QaError QA_CONFIG where there is none, or more than one to choose from
 */
export function connectionFor({ kind, connection, by }: Need, path: string, connections: Connections): string {
  const names = Object.keys(connections).filter((name) => connections[name]!.binding.kind === kind);
  const fail = (what: string, mend: string) => new QaError('QA_CONFIG', { what: `\`${path}\` is ${by}${what}`, mend });
  if (names.length === 0)
    throw fail(
      `, but the config has no connection of the kind ${kind} to read it from`,
      `Add one to \`connections\`: \`${kind}: ${kind}({ … })\``,
    );
  if (connection === undefined) {
    if (names.length === 1) return names[0]!;
    throw fail(
      `, and the config has ${names.length} connections of the kind ${kind}: ${names.join(', ')}`,
      `Name the one to read it from, as the second argument: \`{ connection: '${names[0]}' }\``,
    );
  }
  if (names.includes(connection)) return connection;
  throw fail(
    `, which names the connection \`${connection}\`, and that is ${connections[connection] ? `of the kind ${connections[connection].binding.kind}` : 'not in the config'}. ${didYouMean(connection, names)}`,
    `Correct \`connection\` of ${by}`,
  );
}
