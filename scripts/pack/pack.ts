/**
 * Packs parts onto a copy of the `deno` executable.
 *
 * ```text
 * deno executable, its headers patched
 * parts, one after the other, and an index of each folder of them (JSON)
 * first stage
 * page-aligned: start-up code, argument strings, what reads the first stage
 * ```
 */

import type { Bundle, Part } from "./bundle.ts";
import { codeCaches, hideFlags, rehearsedCaches } from "./code_cache.ts";
import { type ElfImage, parseElf, patchElf, placeSegment } from "./elf.ts";
import { environSlot } from "./elf_environ.ts";
import { type GroupedParts, groupParts } from "./groups.ts";
import { openOperations } from "./operations.ts";
import { prelink } from "./prelink.ts";
import type { Scene } from "./rehearsal.ts";
import type { Play } from "./rehearsal_stage.ts";
import { encodeStub, type Stub } from "./stub.ts";
import { STUB_AARCH64 } from "./stub_aarch64.ts";
import { STUB_X86_64 } from "./stub_x86_64.ts";

export interface Contents {
  /** Entry → its parts. */
  readonly bundles: Readonly<Record<string, Bundle>>;
  /** `src/app/packed_stage.ts` as one script. */
  readonly firstStage: string;
  /** `src/app/stack_trace.ts` as an expression whose value is the mapper. */
  readonly stackMapper: string;
}

const STUBS: readonly Stub[] = [STUB_X86_64, STUB_AARCH64];

/** Enough for the headers and the notes of any linker's output. */
const HEAD_BYTES = 0x10000;

/**
 * A command that runs a container makes 5 MB of objects; with the default of
 * one MB for young ones the collector would stop it twice for that. It also
 * calls some 150 functions often enough to have them compiled once more, which
 * pays only for what lasts longer; the daemon would do that while its first
 * client waits. On a thread of its own it costs more: both threads want a lock
 * of V8's then, and the first one sleeps for it, four milliseconds at worst.
 */
export const V8_FLAGS = "--v8-flags=--min-semi-space-size=4," +
  "--baseline-batch-compilation-threshold=1048576,--no-concurrent-sparkplug";

const RUN_ARGS = [
  "run",
  V8_FLAGS,
  "-A",
  "--no-config",
  "--no-lock",
  "--no-npm",
  "--cached-only",
  "--no-code-cache",
  "--ext=js",
];

/**
 * What the runtime must see while it starts. `/dev/null/x` can't be created
 * by anybody, so the runtime keeps its caches in memory.
 */
const ADDED_ENV = [
  "DENO_DIR=/dev/null/x",
  // On a terminal it would complain of the caches that it cannot make.
  "DENO_LOG=off",
  "DENO_NO_UPDATE_CHECK=1",
  "DENO_NO_PACKAGE_JSON=1",
  // A shim asks for this when it has started its container.
  "DENO_USR2_MEMORY_TRIM=1",
];

/** What it must not: settings that the user made for other programs. */
const HIDDEN_ENV = [
  "DENO_",
  "NODE_CHANNEL_FD=",
  "NODE_DEBUG",
  "NODE_OPTIONS=",
  "NODE_TLS_REJECT_UNAUTHORIZED=",
  "NODE_V8_COVERAGE=",
];

/** Of those, what would weaken or confuse a process that has started. */
const REFUSED_ENV = ["NODE_CHANNEL_FD=", "NODE_TLS_REJECT_UNAUTHORIZED="];

/** Writes `output`, in one step, from the `deno` executable `base`. */
export async function pack(
  base: string,
  contents: Contents,
  output: string,
): Promise<void> {
  const temporary = `${output}.${crypto.randomUUID()}`;
  try {
    const runtime = await Deno.readFile(base);
    const operations = openOperations(runtime) ? "open" : "closed";
    // V8 takes its own caches only, and another architecture's can't be asked.
    const caches = operations === "open" && base === Deno.execPath()
      ? await allCaches(base, contents)
      : new Map();
    await Deno.writeFile(temporary, runtime, { mode: 0o755 });
    const image = appendContents(temporary, contents, { operations, caches });
    const bytes = await Deno.readFile(temporary);
    prelink(bytes, image);
    await Deno.writeFile(temporary, bytes);
    await Deno.rename(temporary, output);
  } catch (error) {
    await Deno.remove(temporary).catch(() => {});
    throw error;
  }
}

/** By the names of the parts, what V8 makes of them. */
type Caches = ReadonlyMap<string, Uint8Array>;

interface Compiled {
  /** Whether the first stage finds in it what takes caches. */
  readonly operations: "open" | "closed";
  readonly caches: Caches;
}

async function allCaches(
  base: string,
  { bundles, firstStage }: Contents,
): Promise<Caches> {
  const caches = await Promise.all([
    codeCaches([base, ...RUN_ARGS], [stageScript(firstStage)], "all"),
    ...Object.entries(bundles).map(([entry, bundle]) =>
      cachesOf(base, bundle, groupParts(entry, bundle))
    ),
  ]);
  return new Map(caches.flatMap((caches) => [...caches]));
}

async function cachesOf(
  base: string,
  { main, functions }: Bundle,
  { groups, rest, places }: GroupedParts,
): Promise<Caches> {
  const scripts = [...groups, ...rest].filter((part) => !isMap(part));
  const command = [base, ...RUN_ARGS];
  if (functions === "all" || functions === "first") {
    return await codeCaches(command, scripts, functions);
  }
  const all = await codeCaches(command, scripts, "all");
  const called = await calledCaches(base, functions, { main, scripts, places });
  for (const [name, cache] of called) {
    hideFlags(cache, all.get(name) ?? cache);
  }
  return new Map([...all, ...called]);
}

/** None where the scene can't be played: all works, but not as soon. */
async function calledCaches(
  base: string,
  scene: Scene,
  play: Play,
): Promise<Caches> {
  // An ordinary user's would become another process.
  if (Deno.uid() !== 0) return new Map();
  try {
    return await rehearsedCaches(base, V8_FLAGS, scene, play);
  } catch (error) {
    const text = `Compiled all of the ${scene}: no rehearsal. ${error}\n`;
    Deno.stderr.writeSync(new TextEncoder().encode(text));
    return new Map();
  }
}

/** @returns what the executable was before */
function appendContents(
  path: string,
  contents: Contents,
  { operations, caches }: Compiled,
): ElfImage {
  using file = Deno.openSync(path, { read: true, write: true });
  const head = new Uint8Array(HEAD_BYTES);
  file.readSync(head);
  const image = parseElf(head);
  let end = file.seekSync(0, Deno.SeekMode.End);
  const append = (bytes: Uint8Array) => {
    writeAll(file, bytes);
    const span = { offset: end, bytes: bytes.length };
    end += bytes.length;
    return span;
  };
  const stage = stageScript(contents.firstStage);
  const info = stageInfo({
    entries: Object.fromEntries(
      Object.entries(contents.bundles).map((
        [entry, { main }],
      ) => [entry, main]),
    ),
    folders: appendFolders(contents, caches, append),
    operations,
  });
  align(append);
  const url = readerUrl([
    append(caches.get(stage.name) ?? new Uint8Array()),
    append(new TextEncoder().encode(stage.text)),
    append(new TextEncoder().encode(JSON.stringify(info))),
  ]);
  const slot = environSlot(image, (at, bytes) => readAt(file, at, bytes));
  const { segment, placement } = startUpSegment(image, slot, url, end);
  file.seekSync(placement.fileOffset, Deno.SeekMode.Start);
  writeAll(file, segment);
  patchElf(head, image, placement);
  file.seekSync(0, Deno.SeekMode.Start);
  writeAll(file, head);
  return image;
}

/** Bytes of the executable. */
interface Span {
  readonly offset: number;
  readonly bytes: number;
}

/** Where the first stage finds the parts that are named `FOLDER/…`. */
interface Folder {
  /** JSON: by part, its `Place`. */
  readonly index: Span;
  /** Groups of parts, each to be read at once. */
  readonly together: readonly Span[];
}

/**
 * Where a part is: its offset, and the bytes of its code cache and text; or the
 * script that it is in, and which of the functions there it is.
 */
type Place =
  | readonly [number, number, number]
  | readonly [string, number];

type Append = (bytes: Uint8Array) => Span;

/** Source maps are folders of their own: they are rarely wanted. */
function appendFolders(
  { bundles, stackMapper }: Contents,
  caches: Caches,
  append: Append,
): Readonly<Record<string, Folder>> {
  const folders: Record<string, Folder> = {};
  const add = (
    folder: string,
    together: readonly (readonly Part[])[],
    others: readonly Part[],
    places: GroupedParts["places"] = {},
  ) =>
    folders[folder] = appendFolder(
      { together, others, places },
      caches,
      append,
    );
  add("stack_trace", [], [{ name: "stack_trace/map.js", text: stackMapper }]);
  for (const [entry, bundle] of Object.entries(bundles)) {
    const { groups, rest, places } = groupParts(entry, bundle);
    const wanted = new Set(bundle.together.flat());
    const byName = new Map(rest.map((part) => [part.name, part]));
    const together = bundle.together.map((names) =>
      names.flatMap((name) => byName.get(name) ?? [])
    );
    const { later = [], maps = [] } = Object.groupBy(
      rest.filter(({ name }) => !wanted.has(name)),
      (part) => isMap(part) ? "maps" : "later",
    );
    add(entry, together, [...groups, ...later], places);
    add(`${entry}.map`, [], maps);
  }
  return folders;
}

function appendFolder(
  { together, others, places }: {
    readonly together: readonly (readonly Part[])[];
    readonly others: readonly Part[];
    readonly places: GroupedParts["places"];
  },
  caches: Caches,
  append: Append,
): Folder {
  const index: Record<string, Place> = { ...places };
  const add = (parts: readonly Part[]): Span => {
    const { offset } = align(append);
    for (const { name, text } of parts) {
      const cache = append(caches.get(name) ?? new Uint8Array());
      const script = append(new TextEncoder().encode(text));
      index[name] = [cache.offset, cache.bytes, script.bytes];
      align(append);
    }
    return { offset, bytes: align(append).offset - offset };
  };
  const groups = together.map((parts) => add(parts));
  add(others);
  return {
    index: append(new TextEncoder().encode(JSON.stringify(index))),
    together: groups,
  };
}

function isMap({ name }: Part): boolean {
  return name.endsWith(".map");
}

/** V8 copies a cache that does not begin at a multiple of eight. */
function align(append: Append): Span {
  const { offset } = append(new Uint8Array());
  append(new Uint8Array(-offset & 7));
  return append(new Uint8Array());
}

interface StageInfo {
  /** Entry → the part to load first. */
  readonly entries: Readonly<Record<string, string>>;
  readonly folders: Readonly<Record<string, Folder>>;
  readonly operations: Compiled["operations"];
}

/** @param found what `src/app/packed_stage.ts` has to know, and is not fixed */
function stageInfo(found: StageInfo) {
  return {
    ...found,
    hiddenEnv: HIDDEN_ENV,
    refusedEnv: REFUSED_ENV,
    addedEnv: ADDED_ENV.map((variable) => variable.replace(/=.*/, "")),
  };
}

/** The first stage as a function of what it has to know. */
function stageScript(firstStage: string): Part {
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
function readerUrl([cache, text, info]: readonly [Span, Span, Span]): string {
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

function startUpSegment(
  image: ElfImage,
  slot: bigint,
  url: string,
  fileEnd: number,
) {
  const stub = STUBS.find(({ machine }) => machine === image.machine);
  if (stub === undefined) {
    throw new Error(`Cannot pack for machine "${image.machine}"`);
  }
  const { address } = placeSegment(image, fileEnd, 0);
  const segment = encodeStub(stub, {
    entryDelta: image.entry - address,
    environDelta: slot - address,
    args: [...RUN_ARGS, url],
    env: ADDED_ENV,
    droppedEnv: HIDDEN_ENV,
  });
  const placement = placeSegment(image, fileEnd, segment.length);
  return { segment, placement };
}

function readAt(
  file: Deno.FsFile,
  offset: number,
  bytes: number,
): Uint8Array<ArrayBuffer> {
  file.seekSync(offset, Deno.SeekMode.Start);
  const buffer = new Uint8Array(bytes);
  for (let filled = 0; filled < bytes;) {
    const count = file.readSync(buffer.subarray(filled));
    if (count === null) throw new Error("Cannot pack: the file is too short");
    filled += count;
  }
  return buffer;
}

function writeAll(file: Deno.FsFile, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length;) {
    at += file.writeSync(bytes.subarray(at));
  }
}
