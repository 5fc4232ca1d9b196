/** What comes out of a Vault is secret: every value, at any depth. */
export function hideAll(value: unknown, hide: (secret: string) => void): void {
  if (typeof value === 'string') hide(value);
  else if (typeof value === 'number') hide(String(value));
  else if (typeof value === 'object' && value !== null) for (const item of Object.values(value)) hideAll(item, hide);
}
