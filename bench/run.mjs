/** `npm run bench [topic…]`: the topics one after another, under a Node that Vitest supports. */
import { spawnSync } from 'node:child_process';
import { cpus, loadavg, totalmem } from 'node:os';
import { fileURLToPath } from 'node:url';
import { newerNode } from '../test/toolchain/node.mjs';

const TOPICS = ['per-file', 'matcher', 'reset', 'log', 'servers', 'redis', 'aerospike', 'kafka', 'cassandra', 'flat'];
const asked = process.argv.slice(2);
const unknown = asked.filter((topic) => !TOPICS.includes(topic));
if (unknown.length > 0) {
  console.error(`No such topic: ${unknown.join(', ')}. There are: ${TOPICS.join(', ')}.`);
  process.exit(2);
}

const gigabytes = (totalmem() / 2 ** 30).toFixed(0);
console.log(
  `${cpus().length} cores, ${gigabytes} GB, ${process.platform}, load ${loadavg()[0].toFixed(1)} at the start`,
);
for (const topic of asked.length > 0 ? asked : TOPICS) {
  console.log(`\n${topic}`);
  const { status } = spawnSync(newerNode(), [fileURLToPath(new URL(`${topic}.ts`, import.meta.url))], {
    stdio: 'inherit',
  });
  if (status !== 0) process.exit(status ?? 1);
}
