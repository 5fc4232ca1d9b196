/** The text forms of arrays and composite values. */

/** `{1,NULL,"a,b"}` → nested lists; bounds (`[0:1]={…}`) are dropped. */
export function parseArray(text: string, delimiter: string, parse: (text: string) => unknown): unknown[] {
  let at = text.startsWith('[') ? text.indexOf('=') + 1 : 0;
  const list = (): unknown[] => {
    const result: unknown[] = [];
    at += 1;
    while (text[at] !== '}') {
      if (text[at] === '{') result.push(list());
      else if (text[at] === '"') result.push(parse(quoted()));
      else {
        const start = at;
        while (text[at] !== delimiter && text[at] !== '}') at += 1;
        const item = text.slice(start, at);
        result.push(item === 'NULL' ? null : parse(item));
      }
      if (text[at] === delimiter) at += 1;
    }
    at += 1;
    return result;
  };
  const quoted = (): string => {
    let result = '';
    for (at += 1; text[at] !== '"'; at += 1) {
      if (text[at] === '\\') at += 1;
      result += text[at];
    }
    at += 1;
    return result;
  };
  return list();
}

export function printArray(items: readonly (string | null)[]): string {
  return `{${items.map((item) => (item === null ? 'NULL' : `"${item.replace(/["\\]/g, '\\$&')}"`)).join(',')}}`;
}

/** `(1,"a ""b""",)` → texts; an empty field is null. */
export function parseComposite(text: string): (string | null)[] {
  const result: (string | null)[] = [];
  let at = 1;
  while (at < text.length) {
    let field: string | null = null;
    let isQuoted = false;
    for (; isQuoted || (text[at] !== ',' && text[at] !== ')'); at += 1) {
      field ??= '';
      if (text[at] === '\\') field += text[++at];
      else if (text[at] !== '"') field += text[at];
      else if (isQuoted && text[at + 1] === '"') field += text[++at];
      else isQuoted = !isQuoted;
    }
    result.push(field);
    at += 1;
  }
  return result;
}
