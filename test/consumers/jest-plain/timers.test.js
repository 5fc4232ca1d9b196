test('modern', async () => {
  jest.useFakeTimers({ now: 0 });
  const later = jest.fn();
  setTimeout(later, 60_000);
  expect(Date.now()).toBe(0);
  expect(new Date() instanceof Date).toBe(true);
  jest.advanceTimersByTime(60_000);
  expect(later).toHaveBeenCalledTimes(1);
  jest.useRealTimers();
  expect(Date.now()).toBeGreaterThan(0);
});
test('legacy', () => {
  jest.useFakeTimers({ legacyFakeTimers: true });
  const later = jest.fn();
  setTimeout(later, 1000);
  jest.runAllTimers();
  expect(later).toHaveBeenCalled();
  jest.useRealTimers();
});
test('a referenced timer can be unreferenced', () => {
  const timer = setInterval(() => {}, 1000);
  expect(timer.unref()).toBe(timer);
  clearInterval(timer);
});
