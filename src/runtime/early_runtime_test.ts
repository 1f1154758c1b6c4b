import { assert, assertEquals } from "@std/assert";
import { closeFd, makePipe, writeSome } from "../sys/descriptors.ts";
import { isAlive, spawn, waitFor } from "../sys/process.ts";
import { EarlyRuntime, takesSpecLate } from "./early_runtime.ts";

function sh(directory: string, script: string) {
  return {
    path: "/bin/sh",
    args: ["-c", script],
    env: [],
    cwd: directory,
    processGroup: "own",
  } as const;
}

async function inDirectory(body: (directory: string) => Promise<void>) {
  const directory = await Deno.makeTempDir();
  try {
    await body(directory);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

/** As bundles are written to. */
function writeSpec(directory: string, text: string): void {
  Deno.writeTextFileSync(`${directory}/new`, text);
  Deno.renameSync(`${directory}/new`, `${directory}/config.json`);
}

// libc's symbols stay open; the sanitizer must not count them to a test.
await inDirectory(async (directory) => {
  const early = EarlyRuntime.start(
    `${directory}/config.json`,
    sh(directory, "sleep 60"),
  );
  await early?.[Symbol.asyncDispose]();
  const { read, write } = makePipe();
  writeSome(write, new Uint8Array(1));
  closeFd(read);
  closeFd(write);
  // Its errno is looked up.
  const nobody = { ...sh(directory, ""), path: `${directory}/runc` };
  EarlyRuntime.start(`${directory}/config.json`, nobody);
});

/** Reads a line, and says so before, and what it was. */
const READER = "exec <config.json; : >open; read -r line; echo $line >read";

async function appears(path: string): Promise<void> {
  while (!await Deno.lstat(path).then(() => true, () => false)) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

Deno.test("takesSpecLate() is true of runc, and not of what only has its name", () =>
  inDirectory(async (directory) => {
    const takes = (name: string) =>
      takesSpecLate({ name, path: `${directory}/${name}` });
    await Deno.writeTextFile(`${directory}/crun`, "");
    assertEquals([takes("crun"), takes("runc")], [false, false]);
    await Deno.symlink("crun", `${directory}/runc`);
    assertEquals(takes("runc"), false);
    await Deno.rename(`${directory}/crun`, `${directory}/runc`);
    assertEquals(takes("runc"), true);
  }));

Deno.test("EarlyRuntime gives a runtime that waits for it the spec", () =>
  inDirectory(async (directory) => {
    await using early = EarlyRuntime.start(
      `${directory}/config.json`,
      sh(directory, READER),
    );
    await appears(`${directory}/open`);
    writeSpec(directory, "the spec\n");
    assertEquals(await early?.finish(), { kind: "exited", code: 0 });
    assertEquals(
      await Deno.readTextFile(`${directory}/read`),
      "the spec\n",
    );
    assert((await Deno.lstat(`${directory}/config.json`)).isFile);
  }));

Deno.test("EarlyRuntime gives a runtime that comes late the spec", () =>
  inDirectory(async (directory) => {
    const script = `until [ -e go ]; do sleep 0.01; done; ${READER}`;
    await using early = EarlyRuntime.start(
      `${directory}/config.json`,
      sh(directory, script),
    );
    writeSpec(directory, "the spec\n");
    const finished = early?.finish();
    await Deno.writeTextFile(`${directory}/go`, "");
    assertEquals(await finished, { kind: "exited", code: 0 });
    assertEquals(await Deno.readTextFile(`${directory}/read`), "the spec\n");
  }));

Deno.test("EarlyRuntime ends the file for a runtime that wants to see its end", () =>
  inDirectory(async (directory) => {
    const script = "exec <config.json; : >open; cat >read";
    await using early = EarlyRuntime.start(
      `${directory}/config.json`,
      sh(directory, script),
    );
    await appears(`${directory}/open`);
    writeSpec(directory, "the spec\n");
    assertEquals(await early?.finish(), { kind: "exited", code: 0 });
    assertEquals(await Deno.readTextFile(`${directory}/read`), "the spec\n");
  }));

Deno.test("EarlyRuntime gives up when the spec is longer than what a pipe holds", () =>
  inDirectory(async (directory) => {
    await using early = EarlyRuntime.start(
      `${directory}/config.json`,
      sh(directory, "exec <config.json; : >open; sleep 60"),
    );
    await appears(`${directory}/open`);
    writeSpec(directory, "x".repeat(100_000));
    assertEquals(await early?.finish(), undefined);
  }));

Deno.test("EarlyRuntime ends a runtime that was not told to go on", () =>
  inDirectory(async (directory) => {
    const early = EarlyRuntime.start(
      `${directory}/config.json`,
      sh(directory, "echo $$ >new; mv new pid; exec cat config.json"),
    );
    await appears(`${directory}/pid`);
    await early?.[Symbol.asyncDispose]();
    const pid = Number(await Deno.readTextFile(`${directory}/pid`));
    assert(!isAlive(pid));
  }));

Deno.test("EarlyRuntime.start() leaves nothing when it can't be", () =>
  inDirectory(async (directory) => {
    const file = `${directory}/config.json`;
    const nobody = { ...sh(directory, ""), path: `${directory}/runc` };
    assertEquals(EarlyRuntime.start(file, nobody), undefined);
    assertEquals((await Array.fromAsync(Deno.readDir(directory))).length, 0);
    assertEquals(EarlyRuntime.start(`${file}/x`, sh(directory, "")), undefined);
  }));

/** Starts `script` in a process that is killed when it has made `first`. */
async function kill(directory: string, script: string, first: string) {
  const module = new URL("./early_runtime.ts", import.meta.url);
  const program = `
import { EarlyRuntime } from "${module}";
EarlyRuntime.start(${JSON.stringify(`${directory}/config.json`)}, ${
    JSON.stringify(sh(directory, script))
  });
setTimeout(() => {}, 60_000);`;
  const child = spawn({
    path: Deno.execPath(),
    args: [
      ...["run", "-A", "--quiet"],
      `data:text/javascript,${encodeURIComponent(program)}`,
    ],
    env: Object.entries(Deno.env.toObject()).map(([k, v]) => `${k}=${v}`),
    processGroup: "own",
  });
  await appears(`${directory}/${first}`);
  Deno.kill(child.pid, "SIGKILL");
  await waitFor(child.pid);
}

Deno.test("EarlyRuntime leaves nobody waiting when its process is killed", () =>
  inDirectory(async (directory) => {
    const script =
      "exec <config.json; echo $$ >pid; read -r line; echo ended >ended";
    await kill(directory, script, "pid");
    await appears(`${directory}/ended`);
  }));

Deno.test("EarlyRuntime has nobody wait who comes when its process was killed", () =>
  inDirectory(async (directory) => {
    const script = "echo $$ >pid; until [ -e go ]; do sleep 0.01; done; " +
      "cat config.json >read 2>&1; echo $? >end; mv end ended";
    await kill(directory, script, "pid");
    await Deno.writeTextFile(`${directory}/go`, "");
    await appears(`${directory}/ended`);
    assertEquals(await Deno.readTextFile(`${directory}/ended`), "1\n");
  }));
