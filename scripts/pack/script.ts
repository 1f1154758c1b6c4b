/**
 * Turns a chunk as `deno bundle --minify --code-splitting` writes it, an ES
 * module with its imports at the very top and one `export{…}` at the end, into
 * a script: a function of a loader and an `import.meta`, which gives the
 * exports. `src/app/packed_stage.ts` evaluates it.
 *
 * Exports are handed over once, when the chunk has run, so the bundled sources
 * may not export a binding that changes (`export let`); `checkSource()` says
 * so. The text below the first line keeps its columns, for the source map.
 */

export interface Script {
  readonly text: string;
  /** Bytes of the module's first line that the script's first line replaces. */
  readonly headBytes: number;
  /** Chunks imported statically, for instance `./chunk-A2.js`. */
  readonly chunks: readonly string[];
}

const IMPORT = /^import(?:([^"';]+?)from)?"([^"]+)";/;
const EXPORT = /export\{([^{}]*)\};?\s*((?:\/\*[\s\S]*?\*\/\s*)*)$/;

/** @throws {Error} if the chunk has a form that is not understood */
export function scriptOf(chunk: string, name: string): Script {
  const head: string[] = [];
  const chunks: string[] = [];
  let at = 0;
  for (;;) {
    const match = IMPORT.exec(chunk.slice(at, at + 4096));
    if (match === null) break;
    const [statement, clause, specifier = ""] = match;
    head.push(importStatement(clause, specifier));
    if (specifier.startsWith(".")) chunks.push(specifier);
    at += statement.length;
  }
  const body = chunk.slice(at)
    .replaceAll('import("./', '_load_("./')
    .replaceAll("import.meta", "_importMeta");
  const exported = EXPORT.exec(body);
  const text = "(async function(_load_,_importMeta){" + head.join("") + "\n" +
    (exported === null
      ? `${body}\nreturn{}`
      : `${body.slice(0, exported.index)}\n${exportStatement(exported[1])}`) +
    "})";
  checkScript(text, name);
  return { text, headBytes: at, chunks };
}

/** `{a as b}`, `* as a`, `a`, `a,{b}` → a destructuring of what is loaded. */
function importStatement(
  clause: string | undefined,
  specifier: string,
): string {
  const load = specifier.startsWith("./")
    ? `await _load_(${JSON.stringify(specifier)})`
    : `await import(${JSON.stringify(specifier)})`;
  if (clause === undefined) return `${load};`;
  const [, fallback, named, all] =
    /^\s*([\w$]+)?\s*,?\s*(?:\{(.*)\})?(?:\*\s*as\s+([\w$]+))?\s*$/.exec(
      clause,
    ) ?? [];
  if (all !== undefined) return `const ${all}=${load};`;
  const names = (named ?? "").split(",").filter((name) => name !== "")
    .map((name) => name.replace(/\s+as\s+/, ":"));
  if (fallback !== undefined) names.push(`default:${fallback}`);
  return `const{${names.join(",")}}=${load};`;
}

/** `a as b,c` → `return{b:a,c}` */
function exportStatement(clause = ""): string {
  const names = clause.split(",").filter((name) => name !== "").map((name) => {
    const [local = "", exported] = name.trim().split(/\s+as\s+/);
    return exported === undefined ? local : `${exported}:${local}`;
  });
  return `return{${names.join(",")}}`;
}

/** A leftover import or export is a syntax error in a script. */
function checkScript(text: string, name: string): void {
  try {
    new Function(`return ${text}`);
  } catch (cause) {
    throw new Error(`Cannot turn chunk "${name}" into a script`, { cause });
  }
}

/** @throws {Error} if the module exports a binding that may change */
export function checkSource(source: string, name: string): void {
  const found = /^export\s+(?:let|var)\s+\w+/m.exec(source);
  if (found !== null) {
    throw new Error(`Cannot bundle "${name}": it has "${found[0]}"`);
  }
}
