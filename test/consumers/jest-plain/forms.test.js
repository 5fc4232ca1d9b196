const seen = [];
afterAll(() => expect(seen).toMatchSnapshot());
beforeEach(() => seen.push('beforeEach'));

test('sync', () => {});
test('async', async () => {});
test('promise', () => Promise.resolve(3));
test('done', (done) => {
  setTimeout(done, 1);
});
test('done with error', (done) => done(new Error('told')));
test('done twice', (done) => {
  done();
  done();
});
test('done and promise', async (done) => done());
test('generator', function* () {
  const value = yield Promise.resolve(4);
  expect(value).toBe(4);
});
test('generator that catches', function* () {
  try {
    yield Promise.reject(new Error('x'));
  } catch (error) {
    expect(error.message).toBe('x');
  }
});
test('returns a value', () => 1);
test('throws a string', () => {
  throw 'text';
});
test('throws undefined', () => {
  throw undefined;
});
test('rejects null', () => Promise.reject(null));
test('this is shared', function () {
  expect(Object.getPrototypeOf(this)).toBe(null);
});
test('times out', () => new Promise(() => {}), 20);
test('assertions', () => {
  expect.assertions(2);
  expect(1).toBe(1);
});
test('has assertions', () => expect.hasAssertions());
test.failing('failing', () => {
  throw new Error('as it should');
});
test.failing('failing that passes', () => {});
test.failing.each([1, 2])('failing each %i', (n) => expect(n).toBe(1));
test.each([
  [1, 2, 3],
  [2, 2, 5],
])('%i + %i = %i', (a, b, sum) => expect(a + b).toBe(sum));
test.each`
  a    | b
  ${1} | ${1}
  ${2} | ${3}
`('$a is $b', ({ a, b }) => expect(a).toBe(b));
test.each([['x']])('each with done %s', (value, done) => {
  expect(value).toBe('x');
  done();
});
test.skip('skipped', () => {});
xtest('skipped too', () => {});
test.todo('todo');
test.concurrent('concurrent one', async () => {});
test.concurrent('concurrent two', async () => expect(1).toBe(2));
test.concurrent.each([1, 2])('concurrent each %i', async (n) => expect(n).toBe(1));
test.concurrent
  .failing('concurrent failing', async () => expect(1).toBe(2));
describe.each(['a', 'b'])('describe %s', (letter) => {
  beforeAll(() => seen.push(`beforeAll ${letter}`));
  beforeAll(function* () {
    yield Promise.resolve();
  });
  beforeAll((done) => done());
  afterEach(() => {
    if (letter === 'b') throw new Error('afterEach');
  });
  it('is a letter', () => expect(letter).toMatch(/\w/));
});
describe('hooks that throw', () => {
  beforeAll(() => {
    throw new Error('beforeAll');
  });
  test('fails', () => {});
});
describe.skip('skipped describe', () => test('in it', () => {}));
test('names stay', () => {
  expect([
    test.name,
    it === test,
    test.only === fit,
    test.skip === xit,
    describe.name,
    test.length,
  ]).toMatchInlineSnapshot();
});
