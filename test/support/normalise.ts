/** What differs from run to run in an output, made the same: for golden texts. */
import { stripColours } from './consumer.ts';

/** @param folder the project's path, shown as `<project>` */
export function normalise(output: string, folder?: string): string {
  let text = stripColours(output).replace(/\r/g, '');
  if (folder) text = text.replaceAll(folder, '<project>');
  return (
    text
      .replace(/127\.0\.0\.1:\d+/g, '127.0.0.1:<port>')
      .replace(/\b(db_\w+?)_[0-9a-f]{6,}\b/g, '$1_<run>')
      .replace(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z/g, '<time>')
      .replace(/qa-may-empty:\d+/g, 'qa-may-empty:<id>')
      .replace(/\b\d+(\.\d+)? ?(ms|s)\b/g, '<took>')
      .replace(/<took>, \d+ times/g, '<took>, <n> times')
      // Times of tests that were fast are not printed.
      .replace(/ \(<took>\)| <took>$/gm, '')
      .replace(/^ *(Time:|Start at|Duration) .*\n/gm, '')
      .replace(/[ \t]+$/gm, '')
      .replace(/\n{3,}/g, '\n\n')
      .trim()
  );
}
