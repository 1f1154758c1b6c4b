import { assert, assertEquals } from "@std/assert";
import { tinyProgram } from "./tiny_program.ts";

const ARCHES = ["x86_64", "aarch64"] as const;

/** What runs programs of another architecture, as Debian names it. */
function runnerOf(arch: typeof ARCHES[number]): readonly string[] | undefined {
  if (arch === Deno.build.arch) return [];
  const path = `/usr/bin/qemu-${arch}-static`;
  try {
    Deno.statSync(path);
    return [path];
  } catch {
    return undefined;
  }
}

for (const arch of ARCHES) {
  const runner = runnerOf(arch);
  Deno.test({
    name: `tinyProgram() makes programs that end and stay on ${arch}`,
    ignore: runner === undefined,
    async fn() {
      const dir = await Deno.makeTempDir({ prefix: "coracle-tiny-" });
      try {
        const end = await started(dir, "end");
        assertEquals(await end.status, {
          success: true,
          code: 0,
          signal: null,
        });
        await using stay = await started(dir, "stay");
        const status = stay.status;
        const pause = Promise.withResolvers<"stays">();
        const timer = setTimeout(() => pause.resolve("stays"), 100);
        const first = await Promise.race([status, pause.promise]);
        clearTimeout(timer);
        assertEquals(first, "stays");
        stay.kill("SIGKILL");
        assert((await status).signal === "SIGKILL");
      } finally {
        await Deno.remove(dir, { recursive: true });
      }
    },
  });

  const started = async (dir: string, deed: "end" | "stay") => {
    const path = `${dir}/${deed}`;
    await Deno.writeFile(path, tinyProgram(deed, arch), { mode: 0o755 });
    const [program = path, ...args] = [...runner ?? [], path];
    return new Deno.Command(program, { args, stdin: "null" }).spawn();
  };
}
