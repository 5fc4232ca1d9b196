test('stored', () => {
  expect({ a: new Date(0), b: [1, new Map([[1, 2]])], e: new Error('x') }).toMatchSnapshot();
});
test('written inline', () => {
  expect({ a: 1 }).toMatchInlineSnapshot();
  expect('second').toMatchInlineSnapshot(); expect('same line').toMatchInlineSnapshot();
});
test('wrong inline', () => {
  expect('now').toMatchInlineSnapshot(`"before"`);
});
