/** Applies CQL files to a keyspace. */
import type { Client } from 'cassandra-driver';
import { firstLine } from '../../bindings/databases/cassandra/errors.ts';
import { Failed } from '../protocol.ts';
import { type Language, place, type SchemaFile } from '../schema.ts';
import { inKeyspace, isAboutKeyspace, keyspacesOf, type Statement, statements } from './statements.ts';

export const CQL: Language = { name: 'CQL', extension: '.cql' };

interface Part extends Statement {
  file: SchemaFile;
}

/** Throws Failed QA_SCHEMA_FAILED with file, line and column. */
export async function applyFiles(client: Client, files: readonly SchemaFile[], keyspace: string): Promise<void> {
  const parts = files.flatMap((file) => statements(file.text).map((statement): Part => ({ ...statement, file })));
  const named = keyspacesOf(parts);
  refuseSeveral(parts, named);
  for (const part of parts) {
    if (isAboutKeyspace(part)) continue;
    refuseShell(part);
    try {
      await client.execute(inKeyspace(part.text, named, keyspace));
    } catch (error) {
      throw refused(part, error as Error);
    }
  }
}

/** A connection is one keyspace; which of two it should be nobody knows. */
function refuseSeveral(parts: readonly Part[], named: readonly string[]): void {
  if (named.length < 2) return;
  const second = parts.find((part) => isAboutKeyspace(part) && keyspacesOf([part])[0] === named[1])!;
  throw new Failed({
    code: 'QA_SCHEMA_FAILED',
    what: `${place(second.file.text, second.offset)(second.file.name, `the schema names two keyspaces, ${named[0]} and ${named[1]}, and a connection has one`)}\n`,
    mend: 'Give each keyspace a connection and a schema of its own',
  });
}

function refuseShell({ text, offset, file }: Part): void {
  const word = /^\w*/.exec(text)![0].toLowerCase();
  if (!SHELL.has(word)) return;
  throw new Failed({
    code: 'QA_SCHEMA_FAILED',
    what: `${place(file.text, offset)(file.name, `\`${word}\` is a command of cqlsh, not CQL`)}\n`,
    mend: 'Remove the line; several files are given as a list: `schema: [ … ]`',
  });
}

const SHELL = new Set('source copy consistency serial tracing paging expand login capture exit help show'.split(' '));

function refused({ text, offset, file }: Part, error: Error): Failed {
  const said = firstLine(error);
  const [, line, column] = /\bline (\d+):(\d+)/.exec(said) ?? [];
  const before = text.split('\n').slice(0, Number(line ?? 1) - 1);
  const at = offset + before.reduce((sum, each) => sum + each.length + 1, 0) + Number(column ?? 0);
  return new Failed(
    {
      code: 'QA_SCHEMA_FAILED',
      what: `${place(file.text, Math.min(at, file.text.length))(file.name, said)}\n`,
      mend: 'Mend the file: its statements run one by one, as cqlsh runs them',
    },
    error,
  );
}
