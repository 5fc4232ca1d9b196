import { existsSync } from 'node:fs';
import { connect } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { describe, expect, test } from 'vitest';
import { hasKafka, KAFKA_VERSIONS, startKafka } from './kafka.ts';

describe.skipIf(!hasKafka())('the broker of our tests', () => {
  test.each(KAFKA_VERSIONS)('%s starts, is killed, comes back on its port and leaves nothing', async (version) => {
    const broker = await startKafka({ version });
    const { pid, folder, port } = broker;
    expect(await answers(port)).toBe(true);

    await broker.kill();
    expect(await answers(port)).toBe(false);
    await broker.restart();
    expect(await answers(port)).toBe(true);
    expect(broker.pid).not.toBe(pid);

    broker.freeze();
    await broker.stop();
    expect(await answers(port)).toBe(false);
    expect(existsSync(folder)).toBe(false);
  });

  test('with TLS its certificate is of the authority that it tells', async () => {
    await using broker = await startKafka({ secure: true });
    const [host, port] = broker.secure.broker.split(':');
    const socket = connectTls({ host: host!, port: Number(port), ca: broker.secure.ca, servername: 'localhost' });
    await new Promise<void>((resolve, reject) => socket.once('secureConnect', resolve).once('error', reject));
    expect(socket.authorized).toBe(true);
    socket.destroy();
  });
});

/** ApiVersions v0, which every broker answers with its correlation id. */
function answers(port: number): Promise<boolean> {
  const request = Buffer.from('0000000a0012000000000007ffff', 'hex');
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(request));
    socket.once('data', (data) => {
      socket.destroy();
      resolve(data.readInt32BE(4) === 7);
    });
    socket.once('error', () => resolve(false));
  });
}
