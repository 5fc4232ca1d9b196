import { decodeText } from './plain.ts';

export function decodeJson(bytes: Buffer): unknown {
  const text = decodeText(bytes);
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new Error(text === '' ? 'no bytes are no JSON' : `no JSON: ${(cause as Error).message}`, { cause });
  }
}
