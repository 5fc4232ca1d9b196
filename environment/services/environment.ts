/** The variables that a service gets. */
import { QaError } from '../../bindings/core/errors.ts';

/** What runners and this package set for workers: a service is none. */
const OF_WORKERS = /^(QA_RUN_|JEST_WORKER_ID$|VITEST|TEST$|NODE_OPTIONS$|NODE_V8_COVERAGE$|NODE_COMPILE_CACHE$)/;
/** What Vitest sets for code that Vite builds. */
const OF_VITE: ReadonlySet<string> = new Set(['BASE_URL', 'DEV', 'MODE', 'PROD', 'SSR']);

/** What the tests have, without what is theirs alone. */
export function inherited(runner: 'jest' | 'vitest'): Record<string, string> {
  const all = Object.entries(process.env) as [string, string][];
  return Object.fromEntries(
    all.filter(([name]) => !OF_WORKERS.test(name) && !(runner === 'vitest' && OF_VITE.has(name))),
  );
}

/** @throws QaError QA_CONFIG for what is no object of texts */
export function checkEnv(name: string, given: unknown): Record<string, string | undefined> {
  const path = `services.${name}.env`;
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    throw new QaError('QA_CONFIG', {
      what: `\`${path}\` gave ${kindOf(given)}, where an object of variables is expected`,
      mend: 'Return an object: `env: (qa) => ({ DATABASE_URL: qa.db.url })`',
    });
  }
  for (const [key, value] of Object.entries(given)) {
    if (value === undefined || typeof value === 'string') continue;
    // The value may be a secret.
    throw new QaError('QA_CONFIG', {
      what: `\`${path}\` gave ${kindOf(value)} for \`${key}\`, and variables are texts`,
      mend: typeof value === 'number' ? `Write \`${key}: String(…)\`` : 'Give a text, or undefined to leave it out',
    });
  }
  return given as Record<string, string | undefined>;
}

/** The same whichever ports were handed out. */
export function withoutPorts(
  own: Readonly<Record<string, string | undefined>>,
  ports: readonly number[],
): Record<string, string> {
  const entries = Object.entries(own).map(([key, value]) => {
    if (value === undefined) return [key, '‹none›'];
    return [key, ports.reduce((text, port, index) => text.replaceAll(String(port), `‹port ${index + 1}›`), value)];
  });
  return Object.fromEntries(entries);
}

function kindOf(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  return Array.isArray(value) ? 'a list' : `a ${typeof value}`;
}
