/** json and jsonb: compared deeply and partially, in memory; geometry that the driver reads as objects. */
import type { Codec } from './codec.ts';
import { isWellFormed } from './texts.ts';

export const jsonb: Codec = {
  parse: (text) => JSON.parse(text),
  equal: () => undefined,
  whereNull: (column) => `(${column} is null or jsonb_typeof(${column}) = 'null')`,
  where(column, expected, bind) {
    // Numbers are left to memory: a document may hold more digits than a number of JavaScript.
    const isPlain = typeof expected === 'boolean' || (typeof expected === 'string' && isWellFormed(expected));
    if (!isPlain || String(expected).includes('\0')) return undefined;
    return `${column} = ${bind(JSON.stringify(expected), 'jsonb')}`;
  },
};

export const json: Codec = {
  parse: (text) => JSON.parse(text),
  equal: () => undefined,
  whereNull: (column) => `(${column} is null or json_typeof(${column}) = 'null')`,
};

export const point: Codec = {
  parse: (text) => {
    const [x, y] = text.slice(1, -1).split(',').map(Number);
    return { x, y };
  },
  equal: () => undefined,
};

export const circle: Codec = {
  parse: (text) => {
    const [x, y, radius] = text
      .replace(/[<>()]/g, '')
      .split(',')
      .map(Number);
    return { x, y, radius };
  },
  equal: () => undefined,
};
