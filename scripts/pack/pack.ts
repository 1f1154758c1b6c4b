/**
 * Packs parts onto a copy of the `deno` executable.
 *
 * ```text
 * deno executable, its headers patched
 * parts, one after the other
 * index of the parts (JSON)
 * page-aligned: start-up code, argument strings, first stage as data: URL
 * ```
 */

import type { Bundle, Part } from "./bundle.ts";
import { type ElfImage, parseElf, patchElf, placeSegment } from "./elf.ts";
import { environSlot } from "./elf_environ.ts";
import { prelink } from "./prelink.ts";
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
 * one MB for young ones the collector would stop it twice for that.
 */
export const V8_FLAGS = "--v8-flags=--min-semi-space-size=4";

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
    await Deno.copyFile(base, temporary);
    await Deno.chmod(temporary, 0o755);
    const image = appendContents(temporary, contents);
    const bytes = await Deno.readFile(temporary);
    prelink(bytes, image);
    await Deno.writeFile(temporary, bytes);
    await Deno.rename(temporary, output);
  } catch (error) {
    await Deno.remove(temporary).catch(() => {});
    throw error;
  }
}

/** @returns what the executable was before */
function appendContents(path: string, contents: Contents): ElfImage {
  using file = Deno.openSync(path, { read: true, write: true });
  const head = new Uint8Array(HEAD_BYTES);
  file.readSync(head);
  const image = parseElf(head);
  let end = file.seekSync(0, Deno.SeekMode.End);
  const append = (text: string) => {
    const bytes = new TextEncoder().encode(text);
    writeAll(file, bytes);
    const span = { offset: end, bytes: bytes.length };
    end += bytes.length;
    return span;
  };
  const index = append(JSON.stringify(appendParts(contents, append)));
  const url = stageUrl(contents.firstStage, index);
  const slot = environSlot(image, (at, bytes) => readAt(file, at, bytes));
  const { segment, placement } = startUpSegment(image, slot, url, end);
  file.seekSync(placement.fileOffset, Deno.SeekMode.Start);
  writeAll(file, segment);
  patchElf(head, image, placement);
  file.seekSync(0, Deno.SeekMode.Start);
  writeAll(file, head);
  return image;
}

interface Span {
  readonly offset: number;
  readonly bytes: number;
}

/**
 * The scripts of an entry are a group, which is read at once; the source maps,
 * which are rarely wanted, are each a group of their own.
 * @returns the index, as `src/app/packed_stage.ts` reads it
 */
function appendParts(
  { bundles, stackMapper }: Contents,
  append: (text: string) => Span,
): unknown {
  const groups: Record<string, readonly [number, number]> = {};
  const parts: Record<string, readonly [string, number, number]> = {};
  const entries: Record<string, string> = {};
  const addGroup = (group: string, members: readonly Part[]) => {
    let at = 0;
    for (const { name, text } of members) {
      const bytes = new TextEncoder().encode(text).length;
      parts[name] = [group, at, bytes];
      at += bytes;
    }
    const { offset, bytes } = append(members.map((it) => it.text).join(""));
    groups[group] = [offset, bytes];
  };
  for (const [entry, { main, parts }] of Object.entries(bundles)) {
    entries[entry] = main;
    addGroup(entry, parts.filter(({ name }) => !name.endsWith(".map")));
  }
  addGroup("stack_trace", [{ name: "stack_trace.js", text: stackMapper }]);
  for (const part of Object.values(bundles).flatMap((it) => it.parts)) {
    if (part.name.endsWith(".map")) addGroup(part.name, [part]);
  }
  return { entries, groups, parts };
}

function stageUrl(firstStage: string, index: Span): string {
  const info = {
    index,
    hiddenEnv: HIDDEN_ENV,
    refusedEnv: REFUSED_ENV,
    addedEnv: ADDED_ENV.map((variable) => variable.replace(/=.*/, "")),
  };
  const script = `const STAGE=${JSON.stringify(info)};${firstStage}`;
  const base64 = new TextEncoder().encode(script).toBase64();
  return `data:text/javascript;base64,${base64}`;
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
