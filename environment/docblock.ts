/** What the comment at the top of a test file says: `@tags smoke slow`, `@qa db cache`. */
import { extract, parse } from 'jest-docblock';
import type { Docblock } from './file-run.ts';

/** Reads it from a file's text. */
export function parseDocblock(text: string): Docblock {
  return readDocblock(parse(extract(text)));
}

/** Reads it from pragmas that a runner has parsed. */
export function readDocblock(pragmas: Readonly<Record<string, string | readonly string[]>>): Docblock {
  const words = (name: string): string[] | undefined => {
    const value = pragmas[name];
    return value === undefined
      ? undefined
      : [value]
          .flat()
          .flatMap((line) => line.split(/[\s,]+/))
          .filter(Boolean);
  };
  return { tags: (words('tags') ?? []).map((tag) => tag.replace(/^@/, '')), connections: words('qa') };
}
