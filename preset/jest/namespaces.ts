/**
 * Sucrase leaves namespaces out as if they held nothing but types. One that holds values must be an error, not a
 * name that is missing later.
 */
import { QaError } from '../../bindings/core/errors.ts';

const NAMESPACE = /^[ \t]*(?:export[ \t]+)?namespace[ \t]+([\w$.]+)\s*\{/gm;
const VALUE = /^\s*(?:export\s+)?(?:abstract\s+)?(?:const|let|var|function|async\s+function|class|enum)\s/m;

/** @throws QaError QA_CONFIG that names the file, the line and another transformer */
export function refuseNamespaces(source: string, code: string, path: string): void {
  for (const match of source.matchAll(NAMESPACE)) {
    const name = match[1]!;
    // What is still in the output is a text or a comment.
    if (code.includes(`namespace ${name}`)) continue;
    const start = match.index + match[0].length;
    if (!VALUE.test(bodyFrom(source, start))) continue;
    const line = source.slice(0, match.index).split('\n').length;
    throw new QaError('QA_CONFIG', {
      what: `${path}:${line}: the namespace \`${name}\` holds values, which the light transformer of @qa/jest-preset does not know`,
      mend: "Use a module or an object instead, or set a `transform` of your own, for example with '@swc/jest'",
    });
  }
}

function bodyFrom(source: string, start: number): string {
  let depth = 1;
  let at = start;
  for (; at < source.length && depth > 0; at += 1) {
    if (source[at] === '{') depth += 1;
    else if (source[at] === '}') depth -= 1;
  }
  // One that is written in a line begins one.
  return `\n${source.slice(start, at - 1)}`;
}
