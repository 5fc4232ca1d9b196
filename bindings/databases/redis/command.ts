/** Commands of redis-cli, to look for oneself, without secrets. */
import type { RedisClient } from './client.ts';

/** `redis-cli -h 127.0.0.1 -p 6379 HGETALL 'shop:order:o-1'` */
export function cliCommand({ options }: RedisClient, ...words: string[]): string {
  const { host, port, socket, user, password, db, tls } = options.address!;
  const place = socket === undefined ? ['-h', host, '-p', String(port)] : ['-s', socket];
  return [
    'redis-cli',
    ...place.map(quoted),
    ...(tls ? ['--tls'] : []),
    ...(user === undefined ? [] : ['--user', quoted(user)]),
    ...(password === undefined ? [] : ['--askpass']),
    ...(options.cluster === undefined ? [] : ['-c']),
    ...(db === 0 ? [] : ['-n', String(db)]),
    ...words.map(quoted),
  ].join(' ');
}

/** What shows a value of this type. */
export function readingCommand(type: string, key: string): string[] {
  switch (type) {
    case 'hash':
      return ['HGETALL', key];
    case 'list':
      return ['LRANGE', key, '0', '-1'];
    case 'set':
      return ['SMEMBERS', key];
    case 'sorted set':
      return ['ZRANGE', key, '0', '-1', 'WITHSCORES'];
    case 'stream':
      return ['XRANGE', key, '-', '+'];
    case 'JSON':
      return ['JSON.GET', key];
    case 'string':
      return ['GET', key];
    default:
      return ['TYPE', key];
  }
}

function quoted(word: string): string {
  return /^[\w./:@%+=,-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
