/**
 * `import { jest } from '@jest/globals'`: sucrase hoists calls of a global `jest` only. The name is taken out of the
 * import (its place is left blank, so that no column moves) and made a variable above all else.
 */
const PIECE =
  /\s+|\/\/[^\n]*|\/\*[\s\S]*?\*\/|(?:'use strict'|"use strict");?|import\b[^'"]*(?:'[^'\n]*'|"[^"\n]*");?/y;
const FROM_GLOBALS = /^import\s*\{[^}]*\}\s*from\s*['"]@jest\/globals['"]/;
const NAME = /(?<=[{,]\s*)jest\s*(?:,|(?=\}))/;

/** The source without the import of `jest`; undefined when it has none at its top. */
export function withoutImportedJest(source: string): string | undefined {
  if (!source.includes('@jest/globals')) return undefined;
  PIECE.lastIndex = 0;
  for (;;) {
    const at = PIECE.lastIndex;
    const piece = PIECE.exec(source)?.[0];
    if (piece === undefined) return undefined;
    if (!FROM_GLOBALS.test(piece)) continue;
    const name = NAME.exec(piece);
    if (!name) continue;
    const start = at + name.index;
    return source.slice(0, start) + name[0].replace(/[^\s]/g, ' ') + source.slice(start + name[0].length);
  }
}

/** Makes the variable, after the directive that must stay first. */
export function declareJest(code: string): string {
  return code.replace(/^"use strict";/, (directive) => `${directive}var {jest} = require("@jest/globals");`);
}
