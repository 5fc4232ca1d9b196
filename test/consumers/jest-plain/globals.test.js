import { describe, expect, jest, test } from '@jest/globals';

describe('imported', () => {
  test('works', () => expect(jest.fn()).not.toHaveBeenCalled());
});
