/**
 * Lets the first stage compile with V8's code cache.
 *
 * The runtime can do that, but only `node:vm` offers it, and that loads half
 * of what Node has first, which takes 18 ms. `node:punycode` loads nothing, and
 * nobody of ours needs it: in our copy of the runtime it gives the operations
 * that modules like these are made of. The text of the runtime's own modules
 * lies in the executable as it is.
 */

const MODULE = 'ext:deno_node/punycode.ts"use strict"; return ((function(){' +
  "const{core:e}=__bootstrap;";
const BEFORE = "const{op_node_idna_punycode_decode:t,";
const AFTER = "return{default:e.ops};const{decode:t,";

/**
 * @param bytes the runtime's executable, changed in place
 * @returns false if it has no such text: another version of the runtime
 */
export function openOperations(bytes: Uint8Array): boolean {
  const at = indexOf(bytes, MODULE + BEFORE);
  if (at === undefined) return false;
  bytes.set(new TextEncoder().encode(AFTER), at + MODULE.length);
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
