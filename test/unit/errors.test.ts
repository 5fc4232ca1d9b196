import { describe, expect, test } from 'vitest';
import { isQaError, QaError } from '../../bindings/core/errors.ts';
import { didYouMean } from '../../bindings/core/suggest.ts';

describe('QaError', () => {
  test('names the connection and the address, and ends with the mend', () => {
    const error = new QaError('QA_NOT_OPEN', {
      what: 'It is not open',
      mend: 'Use it in a test',
      connection: 'db',
      address: 'postgres://h/d',
    });
    expect(error.message).toBe('qa.db (postgres://h/d): It is not open. Use it in a test.');
    expect(isQaError(error)).toBe(true);
    expect(isQaError(new Error('x'))).toBe(false);
  });

  test('suggests the nearest word, else lists all', () => {
    expect(didYouMean('conections', ['connections', 'tags'])).toBe('Did you mean `connections`?');
    expect(didYouMean('zzz', ['connections', 'tags'])).toBe('Known: `connections`, `tags`.');
  });
});
