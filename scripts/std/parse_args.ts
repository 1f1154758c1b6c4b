// @std/cli/parse-args, typed. On a machine that reaches JSR, point the import
// map at "jsr:@std/cli@1/parse-args" and delete this file.
// @ts-types="./parse_args.d.ts"
export { parseArgs } from "deno-std/cli/parse_args.js";
