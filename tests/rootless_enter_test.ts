import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import {
  denoRun,
  makeUser,
  processesOf,
  run,
  succeed,
  type TestUser,
} from "./rootless_support.ts";

const ignore = Deno.uid() !== 0;

interface Report {
  readonly identity: { kind: string; uid: number; ids?: string };
  readonly paths: { root: string; state: string };
  readonly pid: number;
  readonly uid: number;
  readonly directory: string;
  readonly uidMap: string;
  readonly mountNamespace: string;
  readonly userNamespace: string;
  readonly arguments: string[];
}

function probe(user: TestUser, ...args: string[]): string[] {
  return user.command(denoRun("./rootless/probe.ts", ...args));
}

async function report(user: TestUser, ...args: string[]): Promise<Report> {
  const { code, stdout, stderr } = await run(probe(user, ...args), {
    cwd: "/usr/share",
  });
  assertEquals(code, 0, stderr);
  return JSON.parse(stdout);
}

async function killAndWait(user: TestUser, pid: number): Promise<void> {
  Deno.kill(pid, "SIGKILL");
  while (processesOf(user.uid).includes(pid)) {
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

Deno.test({
  name: "enterNamespace() makes the user root with subordinate ids",
  ignore,
  fn: async () => {
    await using user = await makeUser("ranges");
    const seen = await report(user, "a", "b c", "");
    assertEquals(seen.identity, {
      kind: "rootless",
      uid: user.uid,
      ids: "ranges",
    });
    assertEquals(seen.uid, 0);
    assertEquals(seen.directory, "/usr/share");
    assertEquals(seen.arguments, ["a", "b c", ""]);
    assertEquals(seen.paths, {
      root: `${user.home}/.local/share/coracle`,
      state: `${user.runtimeDirectory}/coracle`,
    });
    assert(seen.uidMap.split("\n").length >= 2);
    assert(seen.userNamespace !== await Deno.readLink("/proc/self/ns/user"));
  },
});

Deno.test({
  name: "enterNamespace() joins the same namespace, and one holder keeps it",
  ignore,
  fn: async () => {
    await using user = await makeUser("ranges");
    const seen = await Promise.all(
      Array.from({ length: 6 }, (_, at) => report(user, String(at))),
    );
    const names = seen.map(({ mountNamespace }) => mountNamespace);
    assertEquals(new Set(names).size, 1);
    assertEquals(processesOf(user.uid).length, 1);
    // Killed, it is replaced.
    const [holder = 0] = processesOf(user.uid);
    await killAndWait(user, holder);
    await report(user);
    assertEquals(processesOf(user.uid).length, 1);
  },
});

Deno.test({
  name: "enterNamespace() finds the namespace again when its holder is killed",
  ignore,
  fn: async () => {
    await using user = await makeUser("ranges");
    const before = await report(user);
    const [holder = 0] = processesOf(user.uid);
    const [program = "", ...args] = probe(user, "signal");
    const inside = new Deno.Command(program, { args, stdout: "piped" }).spawn();
    const reader = inside.stdout.getReader();
    await reader.read();
    await killAndWait(user, holder);
    const after = await report(user);
    assertEquals(after.mountNamespace, before.mountNamespace);
    assertEquals(after.userNamespace, before.userNamespace);
    inside.kill("SIGTERM");
    assertEquals((await inside.status).code, 42);
    await reader.cancel();
  },
});

Deno.test({
  name: "enterNamespace() passes input, exit code and signals unharmed",
  ignore,
  fn: async () => {
    await using user = await makeUser("ranges");
    assertEquals((await run(probe(user, "exit", "7"))).code, 7);
    const stdin = "x".repeat(300_000);
    const copied = await run(probe(user, "cat"), { stdin });
    assertEquals(copied.stdout, stdin);
    const [program = "", ...args] = probe(user, "signal");
    const child = new Deno.Command(program, { args, stdout: "piped" }).spawn();
    const reader = child.stdout.getReader();
    const { value } = await reader.read();
    // The process that was started is the one that answers.
    assertEquals(JSON.parse(new TextDecoder().decode(value)).pid, child.pid);
    child.kill("SIGTERM");
    assertEquals((await child.status).code, 42);
    await reader.cancel();
  },
});

Deno.test({
  name: "enterNamespace() keeps the terminal",
  ignore,
  fn: async () => {
    await using user = await makeUser("ranges");
    const line = probe(user, "tty").map((word) => `'${word}'`).join(" ");
    const { code, stdout, stderr } = await run([
      ...["script", "--quiet", "--return", "--command", line, "/dev/null"],
    ]);
    assertEquals(code, 0, stdout + stderr);
    assertStringIncludes(stdout, '"isTerminal":true');
  },
});

Deno.test({
  name: "enterNamespace() maps one id and warns when there are no others",
  ignore,
  fn: async () => {
    await using user = await makeUser("single");
    const first = await run(probe(user));
    assertEquals(first.code, 0, first.stderr);
    const seen: Report = JSON.parse(first.stdout);
    assertEquals(seen.identity.ids, "single");
    assertStringIncludes(first.stderr, "/etc/subuid has no entry");
    // Once is enough.
    assertEquals((await run(probe(user))).stderr, "");
    // Mended by the administrator, the next command has all ids.
    const ids = ["--add-subuids", "3000000-3065535"];
    await succeed([
      ...["usermod", ...ids, "--add-subgids", "3000000-3065535", user.name],
    ]);
    assertEquals((await report(user)).identity.ids, "ranges");
    assertEquals(processesOf(user.uid).length, 1);
  },
});

Deno.test({
  name: "identify() believes the kernel, not the variable",
  ignore,
  fn: async () => {
    const probed = denoRun("./rootless/probe.ts");
    const asRoot = await run(["env", "_CORACLE_ROOTLESS=1000", ...probed]);
    assertEquals(JSON.parse(asRoot.stdout).identity, { kind: "root", uid: 0 });
    assertEquals(JSON.parse(asRoot.stdout).paths.state, "/run/coracle");
  },
});

Deno.test({
  name: "enterNamespace() says what to do when the host forbids it",
  ignore,
  fn: async () => {
    await using user = await makeUser("ranges");
    // In a chroot the kernel makes no user namespaces.
    const { code, stderr } = await run([
      ...["unshare", "--mount", "--propagation", "private", "--", "sh", "-c"],
      'd=$1; shift; mount --rbind / "$d" && exec chroot "$d" "$@"',
      ...["sh", user.runtimeDirectory, ...probe(user)],
    ]);
    assert(code !== 0);
    assertStringIncludes(stderr, "Cannot make a user namespace");
  },
});
