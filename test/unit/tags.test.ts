import { describe, expect, test } from 'vitest';
import { matchesTags, parseTags } from '../../environment/tags/expression.ts';
import { type SuiteNode, selectTests, type TestNode, tagRules } from '../../environment/tags/select.ts';

const matches = (expression: string, ...tags: string[]) => matchesTags(parseTags(expression), new Set(tags));

describe('tag expressions', () => {
  test.each([
    ['smoke', ['smoke'], true],
    ['smoke', [], false],
    ['!slow', [], true],
    ['smoke && !slow', ['smoke', 'slow'], false],
    ['a || b && c', ['a'], true],
    ['(a || b) && c', ['a'], false],
    ['!(a || b)', ['c'], true],
    ['!!a', ['a'], true],
    ['not a and b or c', ['c'], true],
    ['@smoke', ['smoke'], true],
    ['team:billing', ['team:billing'], true],
  ])('%s on %j is %s', (expression, tags, expected) => {
    expect(matches(expression, ...tags)).toBe(expected);
  });

  test.each([
    ['smoke &&', /a tag is missing at the end/],
    ['(smoke', /closing parenthesis is missing/],
    ['smoke slow', /`slow` is not expected here\n {2}smoke slow\n {2} {6}\^/],
    ['&& smoke', /`&&` stands where a tag should be/],
    ['smoke & slow', /`&` is not expected here/],
  ])('%s points at the place', (expression, message) => {
    expect(() => parseTags(expression)).toThrow(message);
  });
});

describe('selection', () => {
  const skipped: string[] = [];
  const it = (title: string, tags: string[] = [], willRun = true): TestNode => ({
    kind: 'test',
    title,
    tags,
    willRun,
    skip: () => skipped.push(title),
  });
  const suite = (title: string, tags: string[], ...children: (SuiteNode | TestNode)[]): SuiteNode => ({
    kind: 'suite',
    title,
    tags,
    children,
  });
  const select = (root: SuiteNode, text?: string, declared?: string[], fileTags: string[] = []) => {
    skipped.length = 0;
    return { left: selectTests(root, fileTags, tagRules(declared, text)), skipped: [...skipped] };
  };
  const tree = suite('', [], suite('pays', ['smoke'], it('a'), it('b', ['slow'])), it('c'), it('d', ['smoke'], false));

  test('tags are inherited, and a test that would not run anyway does not count', () => {
    expect(select(tree, 'smoke && !slow')).toEqual({ left: 1, skipped: ['b', 'c'] });
    expect(select(tree)).toEqual({ left: 3, skipped: [] });
  });

  test('the docblock of the file counts for all of its tests', () => {
    expect(select(tree, 'nightly', undefined, ['nightly'])).toEqual({ left: 3, skipped: [] });
  });

  test('in a title only a known name is a tag', () => {
    const titles = suite('', [], it('pays @smoke'), it('writes to bob@smoke.test and @nobody'));
    expect(select(titles, 'smoke').skipped).toEqual(['writes to bob@smoke.test and @nobody']);
    expect(select(titles, '!nobody', ['nobody', 'smoke']).skipped).toEqual(['writes to bob@smoke.test and @nobody']);
    expect(select(titles, undefined, ['smoke'])).toEqual({ left: 2, skipped: [] });
  });

  test('an undeclared tag names the nearest one, wherever it stands', () => {
    expect(() => select(tree, 'smok', ['smoke', 'slow'])).toThrow(
      /`smok` of QA_TAGS is not among the `tags` of the config\. Did you mean `smoke`\?/,
    );
    expect(() => select(suite('', [], it('x', ['slwo'])), undefined, ['slow'])).toThrow(
      /`slwo` of `x` .* Did you mean `slow`\?/,
    );
    expect(() => select(tree, undefined, ['smoke', 'slow'], ['nightly'])).toThrow(
      /`nightly` of the docblock of the file/,
    );
  });
});
