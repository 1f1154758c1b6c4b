// @std/path (POSIX), typed. On a machine that reaches JSR, point the import
// map at "jsr:@std/path@1/posix" and delete this file.
// @ts-types="./path.d.ts"
export {
  basename,
  dirname,
  extname,
  fromFileUrl,
  isAbsolute,
  join,
  normalize,
  relative,
  resolve,
  toFileUrl,
} from "deno-std/path/posix/mod.js";
