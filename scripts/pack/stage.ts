/** The first stage, and what reads it. */

import type { Part } from "./bundle.ts";
import type { Span } from "./folders.ts";

/** The first stage as a function of what it has to know. */
export function stageScript(firstStage: string): Part {
  const body = firstStage.replaceAll("import.meta", "_importMeta");
  return {
    name: "stage",
    // By this name traces pass it over.
    text: `(async function(STAGE,_importMeta){${body}})\n` +
      `//# sourceURL=${STAGE_URL}`,
  };
}

const STAGE_URL = "data:stage";

/**
 * The module that the runtime is started with. It is short, because the runtime
 * reads modules twice, which takes it 0.3 ms per KiB.
 * @param spans of the first stage's code cache, of its text, and of its info,
 * one behind the other
 */
export function readerUrl(
  [cache, text, info]: readonly [Span, Span, Span],
): string {
  const bytes = cache.bytes + text.bytes + info.bytes;
  const script = (cache.bytes === 0 ? "" : `import o from"node:punycode";`) +
    `const f=Deno.openSync("/proc/self/exe");` +
    `f.seekSync(${cache.offset},0);` +
    `const b=new Uint8Array(${bytes});` +
    `for(let n=0;n<${bytes};)n+=f.readSync(b.subarray(n))??Infinity;` +
    `f.close();` +
    `const d=(i,n)=>new TextDecoder().decode(b.subarray(i,i+n));` +
    `const t=d(${cache.bytes},${text.bytes});` +
    `const i=JSON.parse(d(${cache.bytes + text.bytes},${info.bytes}));` +
    (cache.bytes === 0 ? "const s=(0,eval)(t);" : withCache(cache.bytes)) +
    `await s(i,import.meta)`;
  const base64 = new TextEncoder().encode(script).toBase64();
  return `data:text/javascript;base64,${base64}`;
}

/** As `src/app/compiler.ts` does for the parts. */
function withCache(bytes: number): string {
  return `const c=o.op_vm_create_script(` +
    `t,"${STAGE_URL}",0,0,b.subarray(0,${bytes}),false,void 0,-1);` +
    `i.isRefused=c.cachedDataRejected;` +
    `const s=o.op_vm_script_run_in_context(c.value,null,-1,true,false);`;
}
