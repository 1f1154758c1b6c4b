import { assertEquals } from "@std/assert";
import { createPauses } from "./pauses.ts";

const TASK = { namespace: "default", id: "web" };

async function withDirectory(
  use: (directory: string) => void | Promise<void>,
): Promise<void> {
  const directory = await Deno.makeTempDir({ prefix: "coracle-pauses-" });
  try {
    await use(`${directory}/pauses`);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

/** As a process that is killed meanwhile. */
async function abandon(directory: string): Promise<void> {
  const module = new URL("pauses.ts", import.meta.url);
  const script = `import { createPauses } from "${module}";
    createPauses("${directory}").hold(${JSON.stringify(TASK)});
    Deno.kill(Deno.pid, "SIGKILL");`;
  await new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "-A",
      "--no-check",
      "data:text/typescript," +
      encodeURIComponent(script),
    ],
    stderr: "null",
  }).output();
}

Deno.test("abandoned() leaves out what somebody holds", () =>
  withDirectory(async (directory) => {
    const pauses = createPauses(directory);
    assertEquals([...pauses.abandoned()], []);
    {
      using _held = pauses.hold(TASK);
      assertEquals([...createPauses(directory).abandoned()], []);
    }
    assertEquals([...pauses.abandoned()], []);
    assertEquals(await Array.fromAsync(Deno.readDir(directory)), []);
  }));

Deno.test("abandoned() gives what a killed process held, once", () =>
  withDirectory(async (directory) => {
    await abandon(directory);
    const pauses = createPauses(directory);
    for (const pause of pauses.abandoned()) {
      using held = pause;
      assertEquals(held.task, TASK);
      // To others it is held now.
      assertEquals([...pauses.abandoned()], []);
    }
    assertEquals(await Array.fromAsync(Deno.readDir(directory)), []);
  }));
