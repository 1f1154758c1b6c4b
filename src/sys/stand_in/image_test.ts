import { assertEquals, assertNotEquals } from "@std/assert";
import { closeFd, makePipe, openToRead, writeSome } from "../descriptors.ts";
import { isAlive, sendSignal, spawn, waitFor } from "../process.ts";
import {
  LISTINGS,
  STAND_IN_FDS,
  type StandInArch,
  standInCode,
} from "./code.ts";
import { standInImage } from "./image.ts";

interface Target {
  readonly arch: StandInArch;
  /** Program that disassembles, with its options. */
  readonly objdump: readonly string[];
  /** Program that runs it; nothing if the machine does. */
  readonly emulator?: string;
}

const isHere = (arch: StandInArch) => Deno.build.arch === arch;

const TARGETS: readonly Target[] = [{
  arch: "x86_64",
  objdump: [
    isHere("x86_64") ? "objdump" : "x86_64-linux-gnu-objdump",
    ...["-m", "i386:x86-64", "-M", "intel"],
  ],
  ...isHere("x86_64") ? {} : { emulator: "qemu-x86_64-static" },
}, {
  arch: "aarch64",
  objdump: [
    isHere("aarch64") ? "objdump" : "aarch64-linux-gnu-objdump",
    ...["-m", "aarch64"],
  ],
  ...isHere("aarch64") ? {} : { emulator: "qemu-aarch64-static" },
}];

/** What the runtime leaves behind is adopted. */
const ORPHAN = "sleep 60 >&- 2>&- & echo $! >pid";

/** Leaves another behind, while it is stood in for. */
const PARENT = "until test -e go; do sleep 0.01; done; (sleep 60 & " +
  "echo $! >later); exec sleep 60";

/**
 * Notes the state and the parent of the container's process. A shell would wait
 * for that itself if it had other children.
 */
const SHIM = "test -e pid && read -r pid <pid && " +
  "read -r _ _ state parent _ </proc/$pid/stat && " +
  'echo "$state $parent" >child; echo $0 >said';

/** The emulator does not let its programs adopt anybody: others do. */
function childOf({ emulator }: Target, it: Trial, state: string) {
  return emulator === undefined ? `${state} ${it.pid}` : it.read("child");
}

async function checkListing({ arch, objdump }: Target): Promise<void> {
  const [command = "", ...options] = objdump;
  const file = await Deno.makeTempFile();
  try {
    await Deno.writeFile(file, standInCode(arch));
    const { stdout } = await new Deno.Command(command, {
      args: ["-D", "-b", "binary", ...options, file],
    }).output();
    const mnemonics = Array.from(
      new TextDecoder().decode(stdout)
        .matchAll(/^\s*([0-9a-f]+):\t[0-9a-f ]+\t(\S+)/gm),
      ([, address = "", mnemonic]) => `${address.padStart(2, "0")} ${mnemonic}`,
    );
    const listed = Array.from(
      LISTINGS[arch].matchAll(/^([0-9a-f]+): [0-9a-f]+ +(\S+)/gm),
      ([, address, mnemonic]) => `${address} ${mnemonic}`,
    );
    assertEquals(mnemonics, listed);
    assertEquals(mnemonics.length > 80, true);
  } finally {
    await Deno.remove(file);
  }
}

/** A stand-in whose runtime and shim are scripts in a directory. */
async function inStandIn(
  { arch, emulator }: Target,
  runtime: string,
  body: (it: Trial) => Promise<void>,
): Promise<void> {
  const directory = await Deno.makeTempDir();
  const program = `${directory}/stand-in`;
  await Deno.writeFile(
    program,
    standInImage({
      runtime: { path: "/bin/sh", argv: ["runtime", "-c", runtime] },
      shim: { path: "/bin/sh", argv: ["shim", "-c", SHIM, "shim"] },
      name: "stand-in",
      polled: [STAND_IN_FDS.others],
    }, arch),
    { mode: 0o700 },
  );
  const command = emulator === undefined
    ? [program]
    : [pathOf(emulator) ?? "", program];
  const trial = new Trial(directory, command);
  try {
    await body(trial);
  } finally {
    await trial.close();
    await Deno.remove(directory, { recursive: true });
  }
}

class Trial {
  readonly pid: number;
  readonly #directory: string;
  readonly #status = makePipe();
  readonly #order = makePipe();
  readonly #wake = makePipe();
  readonly #output = makePipe();
  readonly #open = new Set<number>();
  #hasEnded = false;

  constructor(directory: string, [path = "", ...args]: readonly string[]) {
    this.#directory = directory;
    const nothing = openToRead("/dev/null");
    this.pid = spawn({
      path,
      args,
      env: [`PATH=${Deno.env.get("PATH")}`],
      stdin: "null",
      stdout: { fd: this.#output.write },
      processGroup: "own",
      cwd: directory,
      extra: [
        ...[nothing, nothing, nothing, nothing, nothing],
        ...[this.#status.write, this.#order.read, this.#wake.read],
      ],
    }).pid;
    for (
      const fd of [nothing, this.#status.write, this.#order.read]
        .concat(this.#wake.read, this.#output.write)
    ) closeFd(fd);
    for (
      const fd of [this.#status.read, this.#order.write]
        .concat(this.#wake.write, this.#output.read)
    ) this.#open.add(fd);
  }

  /** As wait(2) gives it. */
  async status(): Promise<number | undefined> {
    using file = await Deno.open(`/proc/self/fd/${this.#status.read}`);
    const word = new Int32Array(1);
    const count = await file.read(new Uint8Array(word.buffer));
    return count === 4 ? word[0] : undefined;
  }

  tell(pid: number): void {
    const word = new Uint8Array(new Int32Array([pid]).buffer);
    writeSome(this.#order.write, word);
  }

  closeOrder(): void {
    this.#close(this.#order.write);
  }

  wake(): void {
    writeSome(this.#wake.write, new Uint8Array(1));
  }

  async output(): Promise<string> {
    using file = await Deno.open(`/proc/self/fd/${this.#output.read}`);
    const buffer = new Uint8Array(100);
    const count = await file.read(buffer) ?? 0;
    return new TextDecoder().decode(buffer.subarray(0, count));
  }

  hasBecomeShim(): boolean {
    return this.read("said") !== undefined;
  }

  async shimSays(): Promise<string | undefined> {
    assertEquals(await this.end(), { kind: "exited", code: 0 });
    return this.read("said");
  }

  async end() {
    const status = await waitFor(this.pid);
    this.#hasEnded = true;
    return status;
  }

  read(name: string): string | undefined {
    try {
      return Deno.readTextFileSync(`${this.#directory}/${name}`).trim();
    } catch {
      return undefined;
    }
  }

  write(name: string): void {
    Deno.writeTextFileSync(`${this.#directory}/${name}`, "");
  }

  async close(): Promise<void> {
    for (const fd of this.#open) this.#close(fd);
    if (this.#hasEnded) return;
    sendSignal(this.pid, 9);
    await waitFor(this.pid);
  }

  #close(fd: number): void {
    if (this.#open.delete(fd)) closeFd(fd);
  }
}

function parentOf(pid: number): number {
  const status = Deno.readTextFileSync(`/proc/${pid}/status`);
  return Number(/^PPid:\s+(\d+)$/m.exec(status)?.[1]);
}

/** Long enough for what should not happen. */
function settled(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 100));
}

function pathOf(command: string): string | undefined {
  return (Deno.env.get("PATH") ?? "").split(":")
    .map((directory) => `${directory}/${command}`)
    .find((path) => {
      try {
        return Deno.statSync(path).isFile;
      } catch {
        return false;
      }
    });
}

// libc's symbols stay open; the sanitizer must not count them to a test.
await inStandIn(
  { arch: Deno.build.arch, objdump: [] },
  "exit 0",
  async (it) => {
    await it.status();
    it.tell(0);
    isAlive(it.pid);
    await it.end();
  },
);

for (const target of TARGETS) {
  const { arch, objdump: [objdump = ""], emulator } = target;
  Deno.test({
    name: `standInCode() for ${arch} is the code of its listing`,
    ignore: pathOf(objdump) === undefined,
    fn: () => checkListing(target),
  });
  const name = (what: string) => `a stand-in for ${arch} ${what}`;
  const ignore = emulator !== undefined && pathOf(emulator) === undefined;
  Deno.test({
    name: name(
      "tells how its runtime ended, and becomes the shim if told nothing",
    ),
    ignore,
    fn: () =>
      inStandIn(target, "echo out; exit 3", async (it) => {
        assertEquals(await it.status(), 3 << 8);
        it.closeOrder();
        assertEquals(await it.shimSays(), "shim");
        assertEquals(await it.output(), "out\n");
      }),
  });
  Deno.test({
    name: name("leaves when there is nothing to stand in for"),
    ignore,
    fn: () =>
      inStandIn(target, "exit 0", async (it) => {
        assertEquals(await it.status(), 0);
        it.tell(0);
        assertEquals(await it.end(), { kind: "exited", code: 0 });
        assertEquals(it.hasBecomeShim(), false);
      }),
  });
  Deno.test({
    name: name("becomes the shim when the container's process has ended"),
    ignore,
    fn: () =>
      inStandIn(target, ORPHAN, async (it) => {
        assertEquals(await it.status(), 0);
        const pid = Number(it.read("pid"));
        it.tell(pid);
        // What ends everybody does not end it.
        for (const signal of [1, 2, 13, 15]) sendSignal(it.pid, signal);
        await settled();
        assertEquals([isAlive(it.pid), it.hasBecomeShim()], [true, false]);
        sendSignal(pid, 9);
        // It is the shim's child, to be waited for.
        assertEquals(await it.shimSays(), "shim");
        assertEquals(it.read("child"), childOf(target, it, "Z"));
      }),
  });
  Deno.test({
    name: name("becomes the shim when something can be read"),
    ignore,
    fn: () =>
      inStandIn(target, ORPHAN, async (it) => {
        await it.status();
        it.tell(Number(it.read("pid")));
        await settled();
        assertEquals(it.hasBecomeShim(), false);
        it.wake();
        assertEquals(await it.shimSays(), "shim");
        assertEquals(it.read("child"), childOf(target, it, "S"));
        sendSignal(Number(it.read("pid")), 9);
      }),
  });
  Deno.test({
    name: name("leaves later orphans to whoever waits for them"),
    // An emulator adopts nobody.
    ignore: emulator !== undefined,
    fn: () =>
      inStandIn(
        target,
        `sh -c '${PARENT}' >&- 2>&- & echo $! >pid`,
        async (it) => {
          await it.status();
          const pid = Number(it.read("pid"));
          assertEquals(parentOf(pid), it.pid);
          it.tell(pid);
          // As long as it takes to see nothing more of who told it.
          await settled();
          it.write("go");
          while (!it.read("later")) await settled();
          const later = Number(it.read("later"));
          assertNotEquals(parentOf(later), it.pid);
          for (const left of [later, pid]) sendSignal(left, 9);
          await it.end();
        },
      ),
  });
}
