/**
 * Jest's sandbox has constructors of its own, while drivers live outside of it. `instanceof` in the sandbox is taught
 * to know what comes from outside, and `adopt` copies plain data into the sandbox's own objects.
 */
import { types } from 'node:util';
import { type Context, Script } from 'node:vm';

/** Constructors by name, and how to know an instance that was made in another realm. */
const FOREIGN: Readonly<Record<string, (value: unknown) => boolean>> = {
  Date: types.isDate,
  Map: types.isMap,
  Set: types.isSet,
  WeakMap: types.isWeakMap,
  WeakSet: types.isWeakSet,
  RegExp: types.isRegExp,
  Promise: types.isPromise,
  ArrayBuffer: types.isArrayBuffer,
  SharedArrayBuffer: types.isSharedArrayBuffer,
  DataView: types.isDataView,
  Array: Array.isArray,
  Error: types.isNativeError,
  ...Object.fromEntries(
    [EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError, AggregateError].map((outer) => [
      outer.name,
      (value: unknown) => value instanceof outer,
    ]),
  ),
  ...Object.fromEntries(
    [
      Int8Array,
      Uint8Array,
      Uint8ClampedArray,
      Int16Array,
      Uint16Array,
      Int32Array,
      Uint32Array,
      Float32Array,
      Float64Array,
      BigInt64Array,
      BigUint64Array,
    ].map((outer) => [outer.name, (value: unknown) => value instanceof outer]),
  ),
};

/** Both functions are compiled in the sandbox; the script itself once a process. */
const script = new Script(
  `'use strict';
({
  recognise(foreign, outer) {
    const ordinary = Function.prototype[Symbol.hasInstance];
    for (const name of Object.keys(foreign)) {
      const isForeign = foreign[name];
      const inner = globalThis[name];
      // Jest shares some with the outer realm: those must stay as they are.
      if (typeof inner !== 'function' || inner === outer[name] || Object.hasOwn(inner, Symbol.hasInstance)) continue;
      Object.defineProperty(inner, Symbol.hasInstance, {
        configurable: true,
        writable: true,
        value: function (value) {
          return ordinary.call(this, value) || (this === inner && isForeign(value));
        },
      });
    }
  },
  makeAdopt({ isDate, isMap, isSet, isRegExp, OuterObject }) {
    // Taken now: fake timers replace the global Date.
    const InnerDate = Date;
    const { isArray } = Array;
    const { getPrototypeOf, create, keys } = Object;
    const copy = (value, seen) => {
      if (seen !== undefined) {
        const known = seen.get(value);
        if (known !== undefined) return known;
      }
      if (isArray(value)) {
        if (getPrototypeOf(getPrototypeOf(value)) !== OuterObject) return value;
        seen ??= new Map();
        const list = new Array(value.length);
        seen.set(value, list);
        for (let i = 0; i < value.length; i += 1) {
          const item = value[i];
          list[i] = typeof item === 'object' && item !== null ? copy(item, seen) : item;
        }
        return list;
      }
      const prototype = getPrototypeOf(value);
      if (prototype === OuterObject || prototype === null) {
        seen ??= new Map();
        const object = prototype === null ? create(null) : {};
        seen.set(value, object);
        for (const key of keys(value)) {
          const item = value[key];
          object[key] = typeof item === 'object' && item !== null ? copy(item, seen) : item;
        }
        return object;
      }
      if (isDate(value)) return new InnerDate(+value);
      if (isMap(value)) {
        const map = new Map();
        (seen ??= new Map()).set(value, map);
        for (const [k, v] of value) map.set(adopt(k, seen), adopt(v, seen));
        return map;
      }
      if (isSet(value)) {
        const set = new Set();
        (seen ??= new Map()).set(value, set);
        for (const v of value) set.add(adopt(v, seen));
        return set;
      }
      if (isRegExp(value)) return new RegExp(value.source, value.flags);
      // Buffers, errors, promises and objects of classes stay what they are: instanceof knows them.
      return value;
    };
    const adopt = (value, seen) => (typeof value === 'object' && value !== null ? copy(value, seen) : value);
    return (value) => adopt(value, undefined);
  },
})`,
  { filename: 'qa-jest-realm' },
);

interface Compiled {
  recognise(foreign: typeof FOREIGN, outer: object): void;
  makeAdopt(outer: object): <T>(value: T) => T;
}

/** Prepares a sandbox; returns its `adopt`. Without a sandbox (a foreign base environment) values stay as they are. */
export function joinRealms(context: Context | null): <T>(value: T) => T {
  if (context === null) return (value) => value;
  const { recognise, makeAdopt } = script.runInContext(context) as Compiled;
  recognise(FOREIGN, globalThis);
  return makeAdopt({ ...types, OuterObject: Object.prototype });
}
