/**
 * What of a client keeps its process alive. The driver forgets connections that it opens anew while it is being shut
 * down, and the timers of hosts that it knew before a server's restart; so each socket of a client is remembered as it
 * is made, and none of them keeps the process alive: requests under way do, by their timers.
 */
import type { Socket } from 'node:net';
import type cassandra from 'cassandra-driver';
import { loadPeer, type Peer } from '../../core/peer.ts';

/** Parts of the driver that are no part of its types. */
interface Connection {
  readonly options: object;
  netClient?: Socket;
  open(callback: (error?: Error) => void): void;
}

export interface Host {
  _healthResponseCountTimer?: NodeJS.Timeout;
  pool: { getInFlight(): number };
  isUp(): boolean;
  /** Ends its pool and its timers. */
  shutdown(waitForPending: boolean): Promise<void>;
}

interface Kept {
  sockets: Set<Socket>;
  hosts: Set<Host>;
  client: cassandra.Client | undefined;
  isClosed: boolean;
}

/** By the options object that a client hands to its connections. */
const kept = new WeakMap<object, Kept>();
const WATCHED: unique symbol = Symbol.for('@qa/jest-preset/cassandra-sockets') as never;

/** From now on sockets of the driver's clients are remembered for those that `watch` names. */
export function watchDriver(peer: Peer, from: string): void {
  const { prototype } = loadPeer<{ prototype: Connection & { [WATCHED]?: true } }>(
    peer,
    { from, by: 'cassandra()' },
    'lib/connection',
  );
  if (prototype[WATCHED]) return;
  const open = prototype.open;
  Object.defineProperty(prototype, WATCHED, { value: true });
  prototype.open = function (this: Connection, callback) {
    const record = kept.get(this.options);
    if (record?.isClosed) return callback(new Error('The client is being closed.'));
    open.call(this, callback);
    if (record && this.netClient) remember(record, this.netClient);
  };
}

/** Remembers what this client opens. Call it before it connects. */
export function watch(client: cassandra.Client): void {
  const { options } = client as unknown as { options: object };
  kept.set(options, { sockets: new Set(), hosts: new Set(), client, isClosed: false });
}

/** Lets the process end though the client is open. */
export function letGo(client: cassandra.Client): void {
  for (const host of hostsOf(client)) host._healthResponseCountTimer?.unref();
}

/** Nothing of the client opens, stays open or runs after this. */
export function destroy(client: cassandra.Client): void {
  const record = recordOf(client);
  if (!record) return;
  record.isClosed = true;
  // Also those that the driver has forgotten: a pool that is not shut down tries to connect for ever.
  for (const host of hostsOf(client)) host.shutdown(false).catch(() => undefined);
  for (const socket of record.sockets) socket.destroy();
  record.client = undefined;
}

/** Nothing opens any more; what is open may still end in order. */
export function refuseMore(client: cassandra.Client): void {
  const record = recordOf(client);
  if (record) record.isClosed = true;
}

/** All that the client has ever known. */
export function hostsOf(client: cassandra.Client): ReadonlySet<Host> {
  const record = recordOf(client);
  if (!record) return new Set();
  for (const host of client.hosts?.values() ?? []) record.hosts.add(host as unknown as Host);
  return record.hosts;
}

function recordOf(client: cassandra.Client): Kept | undefined {
  return kept.get((client as unknown as { options: object }).options);
}

function remember(record: Kept, socket: Socket): void {
  record.sockets.add(socket);
  // A host that answers again under the same address is a new one to the driver, which forgets the old one's timer.
  if (record.client) {
    hostsOf(record.client);
    letGo(record.client);
  }
  socket.once('connect', () => socket.unref());
  socket.once('close', () => record.sockets.delete(socket));
}
