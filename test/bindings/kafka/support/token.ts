/** A token that a broker takes which is set to believe unsigned ones. */
export function unsecuredToken(user: string, seconds = 3600): string {
  const now = Math.floor(Date.now() / 1000);
  const parts = [{ alg: 'none' }, { sub: user, iat: now - 3600, exp: now + seconds }];
  return `${parts.map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.')}.`;
}
