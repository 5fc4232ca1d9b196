/**
 * Which tests of a file run. The tree is the runner's own, seen through two small shapes; tags come from options,
 * titles and the file's docblock and are inherited.
 */
import { QaError } from '../../bindings/core/errors.ts';
import { didYouMean } from '../../bindings/core/suggest.ts';
import { matchesTags, parseTags, type TagExpression, tagsIn } from './expression.ts';

export interface SuiteNode {
  kind: 'suite';
  title: string;
  tags: readonly string[];
  children: readonly (SuiteNode | TestNode)[];
}

export interface TestNode {
  kind: 'test';
  title: string;
  tags: readonly string[];
  /** Whether the runner would run it if there were no tags (no skip, todo, `.only` elsewhere, `-t`). */
  willRun: boolean;
  /** Keeps the runner from running it. */
  skip(): void;
}

export interface TagRules {
  /** From QA_TAGS; undefined selects all. */
  expression: TagExpression | undefined;
  /** `tags` of the config; undefined accepts any. */
  declared: readonly string[] | undefined;
}

/** Reads QA_TAGS. @throws QaError QA_TAG for a bad expression or an undeclared name */
export function tagRules(declared: readonly string[] | undefined, text: string | undefined): TagRules {
  const expression = text === undefined || text.trim() === '' ? undefined : parseTags(text);
  if (expression && declared) for (const name of tagsIn(expression)) assertDeclared(name, declared, 'QA_TAGS');
  return { expression, declared };
}

/**
 * Skips what is not selected.
 *
 * @returns how many tests are left to run
 * @throws QaError QA_TAG for an undeclared tag in an option or docblock
 */
export function selectTests(root: SuiteNode, fileTags: readonly string[], rules: TagRules): number {
  const { expression, declared } = rules;
  const inTitles = new Set([...(declared ?? []), ...(expression ? tagsIn(expression) : [])]);
  if (declared) for (const tag of fileTags) assertDeclared(tag, declared, 'the docblock of the file');

  const visit = (node: SuiteNode | TestNode, inherited: ReadonlySet<string>): number => {
    if (declared) for (const tag of node.tags) assertDeclared(tag, declared, `\`${node.title}\``);
    const tags = new Set([...inherited, ...node.tags, ...titleTags(node.title, inTitles)]);
    if (node.kind === 'suite') {
      let count = 0;
      for (const child of node.children) count += visit(child, tags);
      return count;
    }
    if (expression && !matchesTags(expression, tags)) {
      node.skip();
      return 0;
    }
    return node.willRun ? 1 : 0;
  };
  return visit(root, new Set(fileTags));
}

/** Keeps the runner from running any test. @returns how many are left: none */
export function skipAll(root: SuiteNode): 0 {
  for (const child of root.children) {
    if (child.kind === 'suite') skipAll(child);
    else child.skip();
  }
  return 0;
}

/** `pays @smoke` → smoke, when it is known: any other `@word` of a title is text. */
function* titleTags(title: string, known: ReadonlySet<string>): Generator<string> {
  for (const [, tag] of title.matchAll(/(?:^|\s)@([\p{L}\p{N}_][\p{L}\p{N}_:./-]*)/gu)) {
    if (tag !== undefined && known.has(tag)) yield tag;
  }
}

function assertDeclared(tag: string, declared: readonly string[], where: string): void {
  if (declared.includes(tag)) return;
  throw new QaError('QA_TAG', {
    what: `The tag \`${tag}\` of ${where} is not among the \`tags\` of the config. ${didYouMean(tag, declared)}`,
    mend: 'Correct it, or add it to `tags` in qa.config',
  });
}
