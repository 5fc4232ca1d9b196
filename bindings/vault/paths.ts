/** Paths of the API. */

/** Names may hold what an URL may not. */
export function encoded(path: string): string {
  return path.split('/').map(encodeURIComponent).join('/');
}

/** As the API takes it: without slashes around it. */
export function trimmed(path: string): string {
  return path.replace(/^\/+|\/+$/g, '');
}
