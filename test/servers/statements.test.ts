import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { statements } from '../../servers/postgres/statements.ts';

const texts = (sql: string) => statements(sql).map(({ text }) => text);

describe('statements', () => {
  test.each<[string, string, string[]]>([
    ['plain', 'select 1; select 2;', ['select 1', 'select 2']],
    ['no last semicolon', 'select 1;\nselect 2\n', ['select 1', 'select 2\n']],
    ['nothing', ' \n-- only a remark\n/* and /* another */ one */ ;;', []],
    ['strings', "select 'a;b', 'it''s;'; select 2", ["select 'a;b', 'it''s;'", 'select 2']],
    [
      'backslashes in E strings only',
      "select E'\\';'; select '\\'; select 3",
      ["select E'\\';'", "select '\\'", 'select 3'],
    ],
    ['quoted names', 'select 1 as "a;""b"; select 2', ['select 1 as "a;""b"', 'select 2']],
    ['comments', 'select 1 -- a;b\n; select /* ; /* ; */ ; */ 2', ['select 1 -- a;b\n', 'select /* ; /* ; */ ; */ 2']],
    ['dollar quotes', 'do $$ begin; end $$; select $a$ $$ ; $a$', ['do $$ begin; end $$', 'select $a$ $$ ; $a$']],
    ['parameters are no dollar quotes', 'prepare p as select $1; select $1', ['prepare p as select $1', 'select $1']],
    [
      'rules',
      'create rule r as on insert to t do (select 1; select 2); select 3',
      ['create rule r as on insert to t do (select 1; select 2)', 'select 3'],
    ],
    [
      'bodies in standard SQL',
      'create or replace function f() returns int begin atomic select case when true then 1 end; select 2; end; select 3',
      [
        'create or replace function f() returns int begin atomic select case when true then 1 end; select 2; end',
        'select 3',
      ],
    ],
    ['transactions of its own', 'begin; select 1; commit', ['begin', 'select 1', 'commit']],
    ['a name that ends in e', "select name'x'; select 2", ["select name'x'", 'select 2']],
  ])('%s', (_, sql, expected) => expect(texts(sql)).toEqual(expected));

  test('offsets lead back to the text', () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom("'", '"', '$$', ';', '--', '\n', '/*', '*/', 'a', ' ', '(', ')')),
        (parts) => {
          const sql = parts.join('');
          for (const { text, offset } of statements(sql)) expect(sql.slice(offset, offset + text.length)).toBe(text);
        },
      ),
    );
  });
});
