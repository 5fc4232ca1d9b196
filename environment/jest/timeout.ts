/** Time of a test where neither config nor test says one, ms: waits end with their own message well before. */
export const TEST_TIMEOUT = 30_000;
