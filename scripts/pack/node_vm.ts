/**
 * Lets the first stage compile with V8's code cache.
 *
 * The runtime can do that, but only `node:vm` offers it, and that loads half
 * of what Node has first, which takes 18 ms. In our copy of the runtime this
 * module gives the operations that it is made of, and loads nothing: the text
 * of the runtime's own modules lies in the executable as it is. Nothing of
 * ours uses what the module was.
 */

const MODULE = 'ext:deno_node/vm.js"use strict"; return ((function(){' +
  "const{core:e,primordials:t}=__bootstrap;";
const BEFORE = "e.createLazyLoader(`node:process`)();";
const AFTER = "return{default:e.ops};";

/**
 * @param bytes the runtime's executable, changed in place
 * @returns false if it has no such text: another version of the runtime
 */
export function openNodeVm(bytes: Uint8Array): boolean {
  const at = indexOf(bytes, MODULE + BEFORE);
  if (at === undefined) return false;
  const statement = new TextEncoder().encode(AFTER.padEnd(BEFORE.length));
  bytes.set(statement, at + MODULE.length);
  return true;
}

/** Where `text`, of ASCII, begins. */
function indexOf(bytes: Uint8Array, text: string): number | undefined {
  const wanted = new TextEncoder().encode(text);
  const [first = 0] = wanted;
  for (let at = bytes.indexOf(first); at >= 0;) {
    if (wanted.every((byte, i) => bytes[at + i] === byte)) return at;
    at = bytes.indexOf(first, at + 1);
  }
  return undefined;
}
