// @std/assert, typed. On a machine that reaches JSR, point the import map at
// "jsr:@std/assert@1" and delete this file.
// @ts-types="./assert.d.ts"
export * from "deno-std/assert/mod.js";
