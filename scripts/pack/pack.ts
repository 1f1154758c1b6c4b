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

import { readAt } from "../../src/sys/read_at.ts";
import { allCaches, type Compiled } from "./all_caches.ts";
import type { Bundle } from "./bundle.ts";
import { type ElfImage, parseElf, patchElf, placeSegment } from "./elf.ts";
import { environSlot } from "./elf_environ.ts";
import { align, appendFolders, type Folder } from "./folders.ts";
import { openOperations } from "./operations.ts";
import { prelink } from "./prelink.ts";
import {
  ADDED_ENV,
  HIDDEN_ENV,
  REFUSED_ENV,
  RUN_ARGS,
} from "./runtime_settings.ts";
import { readerUrl, stageScript } from "./stage.ts";
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
  const slot = environSlot(image, (at, bytes) => read(file, at, bytes));
  const { segment, placement } = startUpSegment(image, slot, url, end);
  file.seekSync(placement.fileOffset, Deno.SeekMode.Start);
  writeAll(file, segment);
  patchElf(head, image, placement);
  file.seekSync(0, Deno.SeekMode.Start);
  writeAll(file, head);
  return image;
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

function writeAll(file: Deno.FsFile, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length;) {
    at += file.writeSync(bytes.subarray(at));
  }
}

function read(
  file: Deno.FsFile,
  offset: number,
  bytes: number,
): Uint8Array<ArrayBuffer> {
  const buffer = new Uint8Array(bytes);
  if (readAt(file, offset, buffer) === bytes) return buffer;
  throw new Error("Cannot pack: the file is too short");
}
