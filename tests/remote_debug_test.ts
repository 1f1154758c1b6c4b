/** Looking into containerd with `coracle debug`. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { askDaemon } from "../src/app/observe/ask.ts";
import { openBareContainerd } from "./support/bare_containerd.ts";
import { hasContainerd } from "./support/containerd.ts";
import { coracle } from "./support/coracle.ts";
import { programCommand } from "./support/program.ts";

const ignore = !hasContainerd();

async function openDebugged() {
  const containerd = await openBareContainerd();
  const { directory, address } = containerd;
  return {
    directory,
    address,
    socket: `${directory}/debug.sock`,
    call: (...args: readonly string[]) =>
      coracle(["--address", address, "debug", ...args]),
    [Symbol.asyncDispose]: () => containerd[Symbol.asyncDispose](),
  };
}

/** What pprof's files are: compressed, with the names of what was counted. */
async function textOfProfile(path: string): Promise<string> {
  assertEquals(((await Deno.stat(path)).mode ?? 0) & 0o777, 0o600);
  const { readable } = await Deno.open(path);
  return await new Response(
    readable.pipeThrough(new DecompressionStream("gzip")),
  ).text();
}

Deno.test({
  name: "coracle debug stack and info tell what containerd tells",
  ignore,
  fn: async () => {
    await using containerd = await openDebugged();
    const stack = await containerd.call("stack");
    assertEquals(stack.code, 0, stack.stderr);
    assertStringIncludes(stack.stdout, "\ngoroutine ");
    assertStringIncludes(stack.stdout, "github.com/containerd/containerd");
    // Whole, without what the transport puts between.
    assert(!/^[0-9a-f]+\r?$/m.test(stack.stdout));
    const info = await containerd.call("info");
    assertEquals(info.code, 0, info.stderr);
    const { cmdline, memstats } = JSON.parse(info.stdout);
    assertEquals(cmdline.slice(-1), [`${containerd.directory}/config.toml`]);
    assert(memstats.HeapAlloc > 100_000);
  },
});

Deno.test({
  name: "coracle debug heap and profile record containerd in pprof's format",
  ignore,
  fn: async () => {
    await using containerd = await openDebugged();
    const { directory, call } = containerd;
    for (
      const [word, sample] of [
        ["heap", "inuse_space"],
        ["profile --seconds 1", "nanoseconds"],
      ] as const
    ) {
      const path = `${directory}/recorded`;
      const outcome = await call(...word.split(" "), "-o", path);
      assertEquals([outcome.code, outcome.stdout], [0, `${path}\n`]);
      assertEquals(
        outcome.stderr,
        `It is in pprof's format: go tool pprof ${path} shows it\n`,
      );
      assertStringIncludes(await textOfProfile(path), sample);
      await Deno.remove(path);
    }
    const { code } = await programCommand(
      ["--address", containerd.address, "debug", "heap"],
      { cwd: directory, stdout: "null", stderr: "null" },
    ).output();
    const made = (await Array.fromAsync(Deno.readDir(directory)))
      .map(({ name }) => name).filter((name) =>
        /^coracle-[\dT-]+Z\.heap\.pprof$/.test(name)
      );
    assertEquals([code, made.length], [0, 1]);
    const piped = await call("heap", "-o", "-");
    assertEquals([piped.code, piped.stderr], [0, ""]);
  },
});

Deno.test({
  name: "coracle debug asks containerd at the socket that --socket names",
  ignore,
  fn: async () => {
    await using containerd = await openDebugged();
    const { socket } = containerd;
    const { code, stdout } = await coracle([
      ...["debug", "stack", "--socket", socket],
    ]);
    assertEquals(code, 0);
    assertStringIncludes(stdout, "\ngoroutine ");
  },
});

Deno.test({
  name: "coracle debug profile says what containerd can't do",
  ignore,
  fn: async () => {
    await using containerd = await openDebugged();
    const { directory, socket, call } = containerd;
    const to = ["-o", `${directory}/recorded`] as const;
    const half = await call("profile", "--seconds", "1.5", ...to);
    assertEquals([half.code, half.stderr], [
      1,
      'coracle: Cannot profile for "1.5" seconds\n' +
      "hint: Containerd counts whole seconds, from 1 on\n",
    ]);
    const recording = new AbortController();
    const first = askDaemon(
      ...[socket, "/debug/pprof/profile?seconds=60", recording.signal] as const,
    ).catch(() => {});
    const second = await call("profile", "--seconds", "1", ...to);
    recording.abort();
    await first;
    assertEquals([second.code, second.stderr], [
      1,
      "coracle: Could not enable CPU profiling: cpu profiling already in use\n",
    ]);
    assertEquals(await Deno.stat(to[1]).catch(() => undefined), undefined);
  },
});

Deno.test({
  name: "coracle debug says how containerd gets a debug socket",
  ignore,
  fn: async () => {
    await using containerd = await openDebugged();
    const { directory, socket, call } = containerd;
    await Deno.remove(socket);
    const told = `coracle: Cannot look into the daemon at ` +
      `"${directory}/c.sock": it does not listen at "${socket}" or ` +
      `"${directory}/containerd-debug.sock"\n` +
      "hint: Containerd does once [debug] address in its configuration " +
      "names a socket; --socket says where else to ask\n";
    for (const word of ["stack", "info", "heap", "profile"]) {
      const { code, stderr } = await call(word);
      assertEquals([code, stderr], [1, told]);
    }
    // Another daemon's tells nothing of this one.
    using _other = Deno.listen({ transport: "unix", path: socket });
    assertEquals((await call("stack")).stderr, told);
  },
});
