import { types } from 'node:util';
import type { Codec } from '../codec.ts';
import { decodeText } from '../decoders/plain.ts';
import { encodeJson } from '../encoders/json.ts';
import { encodeBytes, encodeText } from '../encoders/plain.ts';

/**
 * The value codec of a topic that the config does not declare. What came: JSON if it parses, else text, else bytes.
 * What is sent: a string as text, bytes as they are, anything else as JSON. Never fails to decode.
 */
export function automatic(): Codec<unknown> {
  return {
    name: 'JSON, text or bytes',
    isSync: true,
    encode(value, context) {
      if (typeof value === 'string') return encodeText(value, context);
      if (types.isUint8Array(value)) return encodeBytes(value, context);
      return encodeJson(value, context.part);
    },
    decode(bytes) {
      let text: string;
      try {
        text = decodeText(bytes);
      } catch {
        return bytes;
      }
      try {
        return JSON.parse(text);
      } catch {
        return text;
      }
    },
  };
}
