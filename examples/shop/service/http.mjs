/** JSON over HTTP: routes, errors as answers, and an orderly end. */
import { once } from 'node:events';
import { createServer } from 'node:http';

const LARGEST_BODY = 64 * 1024;

/** An answer other than success. */
export class HttpError extends Error {
  /** @param {number} status @param {string} message */
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

/** @typedef {(request: { id: string, body: unknown }) => Promise<{ status: number, body: unknown }>} Route */

/**
 * @param {number} port 0 for any free one
 * @param {Record<string, Route>} routes `'GET /orders/:id'`
 */
export async function serve(port, routes) {
  const server = createServer(async (request, response) => {
    const { status, body } = await answer(request, routes);
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  const address = /** @type {import('node:net').AddressInfo} */ (server.address());
  return {
    url: `http://127.0.0.1:${address.port}`,
    async stop() {
      const closed = once(server, 'close');
      server.close();
      server.closeIdleConnections();
      await closed;
    },
  };
}

/** @param {import('node:http').IncomingMessage} request @param {Record<string, Route>} routes */
async function answer(request, routes) {
  try {
    const { route, id } = find(request, routes);
    return await route({ id, body: request.method === 'POST' ? await readJson(request) : undefined });
  } catch (error) {
    if (error instanceof HttpError) return { status: error.status, body: { error: error.message } };
    console.error('shop:', error);
    return { status: 500, body: { error: 'the shop is out of order' } };
  }
}

/** @param {import('node:http').IncomingMessage} request @param {Record<string, Route>} routes */
function find(request, routes) {
  const { pathname } = new URL(request.url ?? '/', 'http://shop');
  let pathExists = false;
  for (const [name, route] of Object.entries(routes)) {
    const [method, pattern] = name.split(' ');
    const match = new RegExp(`^${pattern.replace(':id', '(?<id>[^/]+)')}$`).exec(pathname);
    if (!match) continue;
    pathExists = true;
    if (method === request.method) return { route, id: decode(match.groups?.id ?? '') };
  }
  throw pathExists
    ? new HttpError(405, `${request.method} is not possible here`)
    : new HttpError(404, `there is nothing at ${pathname}`);
}

/** @param {string} text */
function decode(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new HttpError(400, 'the address is not encoded rightly');
  }
}

/** @param {import('node:http').IncomingMessage} request */
async function readJson(request) {
  const chunks = [];
  let size = 0;
  for await (const chunk of request) {
    size += chunk.length;
    if (size > LARGEST_BODY) throw new HttpError(413, 'the body is too large');
    chunks.push(chunk);
  }
  if (size === 0) return undefined;
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8'));
  } catch {
    throw new HttpError(400, 'the body is no JSON');
  }
}
