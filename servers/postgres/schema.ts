/** Applies SQL files to a throwaway PostgreSQL. */
import { Failed } from '../protocol.ts';
import { type Language, place, type SchemaFile } from '../schema.ts';
import type { PgClient, PgError } from './pg.ts';
import { statements } from './statements.ts';

export const SQL: Language = { name: 'SQL', extension: '.sql' };

/** Throws Failed QA_SCHEMA_FAILED with file, line and column. */
export async function applyFile(client: PgClient, { name, text }: SchemaFile): Promise<void> {
  for (const statement of statements(withoutPsqlMarks(name, text))) {
    try {
      await client.query(statement.text);
    } catch (error) {
      throw refused(name, text, statement.text, statement.offset, error as PgError);
    }
  }
}

/** pg_dump frames its text in \restrict and \unrestrict, which protect psql alone; other such lines cannot be run. */
function withoutPsqlMarks(name: string, text: string): string {
  const blanked = text.replace(/^\\(?:un)?restrict\b.*$/gm, (line) => ' '.repeat(line.length));
  for (const { text: statement, offset } of statements(blanked)) {
    const copies = /^copy\b[^;]*\bfrom\s+stdin\b/i.test(statement);
    if (!copies && !statement.startsWith('\\')) continue;
    throw new Failed({
      code: 'QA_SCHEMA_FAILED',
      what: `${place(text, offset)(name, copies ? 'rows for COPY cannot be read from the file itself' : 'this is a command of psql, not SQL')}\n`,
      mend: copies
        ? 'Dump with `pg_dump --inserts`, which writes INSERT statements'
        : 'Remove the line, or run the file with psql from a function: `schema: async ({ url }) => …`',
    });
  }
  return blanked;
}

function refused(name: string, text: string, statement: string, offset: number, error: PgError): Failed {
  // The server counts characters, JavaScript UTF-16 units.
  const before = Array.from(statement).slice(0, Math.max(Number(error.position ?? 1) - 1, 0));
  const at = offset + before.join('').length;
  const details = [error.detail && `Detail: ${error.detail}`, error.hint && `Hint: ${error.hint}`].filter(Boolean);
  return new Failed(
    {
      code: 'QA_SCHEMA_FAILED',
      what: `${place(text, at)(name, error.message)}\n${details.map((line) => `    ${line}\n`).join('')}`,
      mend: 'Mend the file: its statements run one by one, as psql runs them',
    },
    error,
  );
}
