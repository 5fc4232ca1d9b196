/** What `server` takes: for each system the options that mean something there. */
import { embedded, fromEnv, kafka, type PostgresServer, postgres, secret } from '@qa/jest-preset';

postgres({ server: embedded() });
postgres({ server: embedded({ schema: './schema.sql', isolation: 'run', binaries: '/opt/pg', startTimeout: 1000 }) });
postgres({ server: embedded({ schema: async ({ url }) => url.toUpperCase() }) });
postgres({ server: { getConnectionUri: () => 'postgres://h/db' } });
postgres({ server: async () => ({ getConnectionUri: () => 'postgres://h/db' }) });
postgres({ server: Promise.resolve({ getConnectionUri: () => 'postgres://h/db' }) });
// @ts-expect-error an option of Kafka
postgres({ server: embedded({ schema: './schema.sql', version: '4.3.1' }) });
// @ts-expect-error a misspelt option
postgres({ server: embedded({ isolation: 'run', shcema: './schema.sql' }) });
// @ts-expect-error a word that is none of them
postgres({ server: embedded({ isolation: 'file' }) });
// @ts-expect-error a Kafka
postgres({ server: { getBootstrapServers: () => 'h:1' } });

kafka({ server: embedded() });
kafka({ server: embedded({ version: '4.3.1', isolation: 'worker', startTimeout: 1000 }) });
kafka({ server: embedded({ home: './kafka' }) });
kafka({ server: { getBootstrapServers: () => 'h:1' } });
kafka({ server: async () => ({ getHost: () => 'h', getMappedPort: (port: number) => port }) });
// @ts-expect-error an option of PostgreSQL
kafka({ server: embedded({ schema: './schema.sql' }) });
// @ts-expect-error an option of PostgreSQL beside one of all
kafka({ server: embedded({ isolation: 'run', binaries: '/opt/pg' }) });
// @ts-expect-error a PostgreSQL
kafka({ server: { getConnectionUri: () => 'postgres://h/db' } });

// Where nothing says for what it is, it may hold any option; opening then tells what means nothing.
const server: PostgresServer = embedded({ schema: './schema.sql' });
const any = embedded({ schema: './schema.sql', version: '4.3.1' });
postgres({ server });
postgres({ server: any });
postgres({ url: secret('postgres://u:p@h/d'), applicationName: secret(fromEnv('TENANT')), ssl: { key: secret('…') } });
