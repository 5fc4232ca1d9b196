/** A TCP proxy that is slow, or stops answering, between a client and a real server. */
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

export interface Proxy extends AsyncDisposable {
  readonly port: number;
  /** Each chunk of the server's is held back this long, ms. */
  delay: number;
  /** Breaks all connections, as a network does: without a word. */
  sever(): void;
}

export async function startProxy(target: { host: string; port: number }): Promise<Proxy> {
  const sockets = new Set<Socket>();
  const track = (socket: Socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket)).on('error', () => socket.destroy());
    return socket;
  };
  const listener = createServer((client) => {
    const upstream = track(connect(target.port, target.host));
    track(client).pipe(upstream);
    upstream.on('data', (chunk) => setTimeout(() => client.writable && client.write(chunk), proxy.delay));
    upstream.on('close', () => client.destroy());
    client.on('close', () => upstream.destroy());
  }).listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const sever = () => {
    for (const socket of sockets) socket.resetAndDestroy();
  };
  const proxy: Proxy = {
    port: (listener.address() as { port: number }).port,
    delay: 0,
    sever,
    async [Symbol.asyncDispose]() {
      sever();
      await new Promise((closed) => listener.close(closed));
    },
  };
  return proxy;
}
