/** What bindings log to: shaped as pino's loggers are, which a session hands out, so that nothing here loads pino. */

/** Each with its number, as pino counts them. */
export const LEVELS = { trace: 10, debug: 20, info: 30, warn: 40, error: 50, fatal: 60 } as const;

export type LogLevel = keyof typeof LEVELS;

/** One level of a logger: fields first, as pino takes them. */
export interface LogMethod {
  (fields: object, message?: string): void;
  (message: string): void;
}

/** `scope.log.warn({ host }, 'does not answer')`. Secrets that the redactor knows are hidden. */
export type Log = { readonly [Level in LogLevel]: LogMethod };
