/**
 * Stands in for the command line in tests of the packed executable: does what
 * its first argument says and reports what a program in it can see.
 */

import { entryUrl, isPacked, selfCommand } from "../../src/app/self.ts";
import { mayExist } from "../../src/sys/may_exist.ts";
import { notFound } from "../../src/base/errors.ts";

type Action = (args: readonly string[]) => Promise<number> | number;

const ACTIONS: Readonly<Record<string, Action>> = {
  empty: () => 0,
  exit: ([code]) => Number(code),
  report(args) {
    show({
      args,
      execPath: Deno.execPath(),
      isPacked: isPacked(),
      self: selfCommand(),
      env: Deno.env.toObject(),
      descriptors: descriptors(),
    });
    return 0;
  },
  async again(args) {
    const [command = "", ...rest] = selfCommand();
    const { code } = await new Deno.Command(command, {
      args: [...rest, ...args],
    }).spawn().status;
    return code;
  },
  async children() {
    const { stdout } = await new Deno.Command("ls", {
      args: ["/proc/self/fd"],
    }).output();
    show(new TextDecoder().decode(stdout).trim().split("\n"));
    return 0;
  },
  async echo() {
    await Deno.stdin.readable.pipeTo(Deno.stdout.writable);
    return 0;
  },
  caches() {
    const key = Symbol.for("coracle.package");
    const { refusedCaches } = (globalThis as unknown as {
      [key: symbol]: { refusedCaches(): readonly string[] | undefined };
    })[key] ?? {};
    show(refusedCaches?.() ?? null);
    return 0;
  },
  exists(paths) {
    show(paths.map((path) => mayExist(path)));
    return 0;
  },
  async worker() {
    const worker = new Worker(entryUrl("unpack_worker"), { type: "module" });
    const { data } = await new Promise<MessageEvent>((resolve, reject) => {
      worker.onmessage = resolve;
      worker.onerror = reject;
    });
    worker.terminate();
    show(data);
    return 0;
  },
  async lazy() {
    const { answer } = await import("./probe_lazy.ts");
    show(await answer());
    return 0;
  },
  fail() {
    throw notFound("probe", "nothing");
  },
};

export async function main([action = "", ...args]: readonly string[]): Promise<
  number
> {
  return await ACTIONS[action]?.(args) ?? 64;
}

function show(value: unknown): void {
  const text = JSON.stringify(value) + "\n";
  Deno.stdout.writeSync(new TextEncoder().encode(text));
}

function descriptors(): string[] {
  return Array.from(Deno.readDirSync("/proc/self/fd"), ({ name }) => name)
    .map((name) => {
      try {
        return Deno.readLinkSync(`/proc/self/fd/${name}`);
      } catch {
        return "";
      }
    });
}
