describe('some', () => {
  test('not run', () => {
    throw new Error('run');
  });
  test.only('run', () => {});
  test.only.each([1])('run %i', () => {});
});
fdescribe('focused', () => {
  test('run too', () => {});
});
