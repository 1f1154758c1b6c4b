import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { parseElf, patchElf, placeSegment } from "./elf.ts";
import { encodeStub, type Stub, stubOf } from "./stub.ts";
import { STUB_AARCH64 } from "./stub_aarch64.ts";
import { STUB_X86_64 } from "./stub_x86_64.ts";

/** How to assemble, disassemble and run for an architecture. */
interface Target {
  readonly name: string;
  readonly stub: Stub;
  /** Program that writes its argv and environment, in assembly. */
  readonly source: string;
  /** Prefix of the binutils. */
  readonly prefix: string;
  readonly objdump: readonly string[];
  readonly emulator: readonly string[];
}

const TARGETS: readonly Target[] = [{
  name: "x86-64",
  stub: STUB_X86_64,
  source: "show_x86_64.s",
  prefix: Deno.build.arch === "x86_64" ? "" : "x86_64-linux-gnu-",
  objdump: ["-m", "i386:x86-64", "-M", "intel"],
  emulator: Deno.build.arch === "x86_64" ? [] : ["qemu-x86_64-static"],
}, {
  name: "aarch64",
  stub: STUB_AARCH64,
  source: "show_aarch64.s",
  prefix: Deno.build.arch === "aarch64" ? "" : "aarch64-linux-gnu-",
  objdump: ["-m", "aarch64"],
  emulator: Deno.build.arch === "aarch64" ? [] : ["qemu-aarch64-static"],
}];

const HIDDEN = ["DENO_", "NODE_OPTIONS="];

for (const target of TARGETS) {
  const { name, prefix, emulator } = target;
  Deno.test({
    name: `stub for ${name} is the code of its listing when disassembled`,
    ignore: !isInstalled(`${prefix}objdump`),
    fn: () => checkListing(target),
  });
  Deno.test({
    name: `stub for ${name} leaves a directory that has been deleted`,
    ignore: !isInstalled(`${prefix}as`) || !emulator.every(isInstalled),
    fn: () => checkDeleted(target),
  });
  Deno.test({
    name: `stub for ${name} adds arguments and environment when run`,
    ignore: !isInstalled(`${prefix}as`) || !emulator.every(isInstalled),
    fn: () => checkRun(target),
  });
}

Deno.test("stubOf() refuses a listing when an address is wrong", () => {
  assertThrows(
    () => stubOf({ machine: 62, listing: "00: 90 nop\n02: 90 nop" }),
    Error,
    "wrong address",
  );
});

Deno.test("encodeStub() refuses a string when it is empty", () => {
  const data = {
    entryDelta: 0n,
    environDelta: 0n,
    args: [""],
    env: [],
    droppedEnv: [],
  };
  assertThrows(() => encodeStub(STUB_X86_64, data), Error, "Cannot pack");
});

async function checkListing({ stub, prefix, objdump }: Target): Promise<void> {
  await using directory = await temporaryDirectory();
  const path = `${directory.path}/code`;
  await Deno.writeFile(path, stub.code);
  const text = await output(`${prefix}objdump`, [
    ...["-D", "-b", "binary", ...objdump, path],
  ]);
  const mnemonics = Array.from(
    text.matchAll(/^\s*([0-9a-f]+):\t[0-9a-f ]+\t(\S+)/gm),
    ([, address = "", mnemonic]) => `${address.padStart(2, "0")} ${mnemonic}`,
  );
  const listed = Array.from(
    stub.listing.matchAll(/^([0-9a-f]+): [0-9a-f]+ +(\S+)/gm),
    ([, address, mnemonic]) => `${address} ${mnemonic}`,
  );
  assertEquals(mnemonics, listed);
  assertEquals(mnemonics.length > 40, true);
}

async function checkRun(target: Target): Promise<void> {
  await using directory = await temporaryDirectory();
  const program = await assemble(target, directory.path);
  await insertStub(target.stub, program);
  const [command = "", ...before] = [...target.emulator, program];
  const cases = [[], ["a"], ["--help", "", "--", "-v"]];
  for (const args of cases) {
    const { code, stdout } = await new Deno.Command(command, {
      args: [...before, ...args],
      clearEnv: true,
      env: {
        KEPT: "1",
        DENO_V8_FLAGS: "--jitless",
        NODE_OPTIONS: "",
        NODE_ENV: "x",
        DENO: "2",
      },
    }).output();
    const [shownArgs, shownEnv] = splitLists(stdout, args.length + 4);
    assertEquals(code, 0);
    assertEquals(shownArgs.slice(1), ["run", "-A", "data:x", ...args]);
    assertEquals(shownEnv.slice(0, 2), ["ADDED=1", "ALSO=2"]);
    assertEquals(
      shownEnv.slice(2).filter((line) => !/^(LD|QEMU)_/.test(line)).sort(),
      ["DENO=2", "KEPT=1", "NODE_ENV=x"],
    );
  }
}

async function checkDeleted(target: Target): Promise<void> {
  await using directory = await temporaryDirectory();
  const program = await assemble(target, directory.path);
  await insertStub(target.stub, program);
  const gone = `${directory.path}/gone`;
  const script = 'mkdir "$0" && cd "$0" && rmdir "$0" && exec "$@"';
  const { stdout, stderr } = await new Deno.Command("sh", {
    args: ["-c", script, gone, ...target.emulator, program, "argument"],
    // An emulator shows the calls; that the other one has left its directory
    // is seen by the executable, which would not start.
    env: { QEMU_STRACE: "1" },
  }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  assertEquals(text(stdout).split("\n").slice(1, 5), [
    ...["run", "-A", "data:x", "argument"],
  ]);
  if (target.emulator.length > 0) {
    assertStringIncludes(text(stderr), 'chdir("/proc") = 0');
  }
}

/** The program's two lists; the first one has `count` strings. */
function splitLists(
  stdout: Uint8Array,
  count: number,
): [readonly string[], readonly string[]] {
  const lines = new TextDecoder().decode(stdout).split("\n");
  return [lines.slice(0, count), lines.slice(count + 1, -2)];
}

async function assemble(target: Target, directory: string): Promise<string> {
  const source = new URL(`testdata/${target.source}`, import.meta.url).pathname;
  const [object, program] = [`${directory}/show.o`, `${directory}/show`];
  await output(`${target.prefix}as`, [source, "-o", object]);
  await output(`${target.prefix}ld`, [
    ...["-pie", "--no-dynamic-linker", "--build-id", object, "-o", program],
  ]);
  return program;
}

/** What `pack.ts` does, without the parts. */
async function insertStub(stub: Stub, program: string): Promise<void> {
  const bytes = await Deno.readFile(program);
  const image = parseElf(bytes);
  const { address } = placeSegment(image, bytes.length, 0);
  const segment = encodeStub(stub, {
    entryDelta: image.entry - address,
    environDelta: 0n,
    args: ["run", "-A", "data:x"],
    env: ["ADDED=1", "ALSO=2"],
    droppedEnv: HIDDEN,
  });
  const placement = placeSegment(image, bytes.length, segment.length);
  patchElf(bytes, image, placement);
  const packed = new Uint8Array(placement.fileOffset + segment.length);
  packed.set(bytes);
  packed.set(segment, placement.fileOffset);
  await Deno.writeFile(program, packed);
}

async function output(command: string, args: string[]): Promise<string> {
  const { code, stdout, stderr } = await new Deno.Command(command, { args })
    .output();
  assertEquals(code, 0, new TextDecoder().decode(stderr));
  return new TextDecoder().decode(stdout);
}

function isInstalled(command: string): boolean {
  const directories = (Deno.env.get("PATH") ?? "").split(":");
  return directories.some((directory) => {
    try {
      return Deno.statSync(`${directory}/${command}`).isFile;
    } catch {
      return false;
    }
  });
}

async function temporaryDirectory(): Promise<
  { readonly path: string } & AsyncDisposable
> {
  const path = await Deno.makeTempDir({ prefix: "coracle-stub-" });
  return {
    path,
    [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }),
  };
}
