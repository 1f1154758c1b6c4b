import { assert, assertEquals } from "@std/assert";
import { openKeptBundles } from "../../tests/support/kept_bundle.ts";
import { background } from "../base/context.ts";
import type { StdioAddresses } from "../core/shim.ts";
import { shimSuite } from "../core/testing/shim.ts";
import { openToAppend } from "../sys/append_file.ts";
import {
  closeFd,
  makeFifo,
  makePipe,
  setBlocking,
} from "../sys/descriptors.ts";
import { sendSignal } from "../sys/process.ts";
import { mountRootfs, unmountRootfs } from "./rootfs.ts";

const isRoot = Deno.uid() === 0;
const ctx = background();
const NOWHERE: StdioAddresses = {
  stdin: "",
  stdout: "",
  stderr: "",
  terminal: false,
};
const FOREVER = "while :; do sleep 0.1; done";
const SIGKILL = 9;

/** libc's symbols stay open; the sanitizer must not count them to a test. */
async function prime(): Promise<void> {
  await using bundles = openKeptBundles();
  const { service, directory } = bundles;
  const stdout = `${directory}/out`;
  const output = clientOutput(stdout);
  const init = { id: "prime", execId: "" };
  await service.create(ctx, {
    ...NOWHERE,
    stdout,
    terminal: true,
    id: "prime",
    bundle: bundles.make("prime", {
      args: ["/bin/true"],
      terminal: "terminal",
    }),
    rootfs: [],
    checkpoint: "",
  });
  await service.resizePty(ctx, { ...init, columns: 80, rows: 24 });
  await service.start(ctx, init);
  await service.wait(ctx, init);
  await service.delete(ctx, init);
  await output;
  mountRootfs(directory, [{ type: "tmpfs", source: "tmpfs", options: [] }]);
  unmountRootfs(directory);
  const pipe = makePipe();
  setBlocking(pipe.read, "blocking");
  closeFd(pipe.read);
  closeFd(pipe.write);
  closeFd(openToAppend("/dev/null", 0));
  sendSignal(Deno.pid, 0);
}
if (isRoot) await prime();

Deno.test({
  name: "TaskService passes the suite of every shim",
  ignore: !isRoot,
  async fn(t) {
    await shimSuite(t, () => {
      const bundles = openKeptBundles();
      const path = `${bundles.directory}/output`;
      return Promise.resolve({
        service: bundles.service,
        id: "one",
        bundle: (script) =>
          Promise.resolve(
            bundles.make("one", { args: ["/bin/sh", "-c", script] }),
          ),
        output: { path, read: () => Deno.readTextFile(path) },
        async [Symbol.asyncDispose]() {
          // Disposed of in any case: its listener would fail what comes next.
          const left = bundles.leftovers();
          await bundles[Symbol.asyncDispose]();
          assertEquals(left, []);
        },
      });
    });
  },
});

/** A FIFO of a client that reads it to its end. */
function clientOutput(path: string): Promise<string> {
  makeFifo(path, 0o600);
  return new Deno.Command("cat", { args: [path], stdout: "piped" }).output()
    .then(({ stdout }) => new TextDecoder().decode(stdout));
}

async function feed(path: string, text: string): Promise<void> {
  const child = new Deno.Command("sh", {
    args: ["-c", 'printf %s "$1" > "$2"', "sh", text, path],
  });
  await child.output();
}

Deno.test({
  name: "TaskService tells create, start, exit, delete in this order",
  ignore: !isRoot,
  async fn() {
    await using bundles = openKeptBundles();
    const { service, events } = bundles;
    const process = { id: "quick", execId: "" };
    const bundle = bundles.make("quick", { args: ["/bin/true"] });
    const request = {
      ...NOWHERE,
      id: "quick",
      bundle,
      rootfs: [],
      checkpoint: "",
    };
    await service.create(ctx, request);
    await service.start(ctx, process);
    await service.wait(ctx, process);
    await service.delete(ctx, process);
    assertEquals(events.map(({ kind }) => kind), [
      "create",
      "start",
      "exit",
      "delete",
    ]);
    const exit = JSON.parse(await Deno.readTextFile(`${bundle}/exit.json`));
    assertEquals(exit.exitCode, 0);
  },
});

for (const pids of ["own", "host"] as const) {
  Deno.test({
    name: `TaskService ends all processes with the first, its end told last, ` +
      `with ${pids} process numbers`,
    ignore: !isRoot,
    async fn() {
      await using bundles = openKeptBundles();
      const { service, events } = bundles;
      const args = ["/bin/sh", "-c", FOREVER];
      const init = { id: "many", execId: "" };
      await service.create(ctx, {
        ...NOWHERE,
        id: "many",
        bundle: bundles.make("many", { args, pids }),
        rootfs: [],
        checkpoint: "",
      });
      await service.start(ctx, init);
      const spec = {
        args,
        cwd: "/",
        env: ["PATH=/bin"],
        user: { uid: 0, gid: 0 },
      };
      for (const execId of ["a", "b"]) {
        await service.exec(ctx, {
          ...NOWHERE,
          id: "many",
          execId,
          spec: {
            typeUrl: "",
            value: new TextEncoder().encode(JSON.stringify(spec)),
          },
        });
        await service.start(ctx, { id: "many", execId });
      }
      await service.kill(ctx, { ...init, signal: SIGKILL, scope: "process" });
      assertEquals((await service.wait(ctx, init)).exitCode, 128 + SIGKILL);
      const exits = events.flatMap((event) =>
        event.kind === "exit" ? [event.execId] : []
      );
      assertEquals([exits.toSorted(), exits.at(-1)], [["", "a", "b"], ""]);
      await service.delete(ctx, init);
      assertEquals(bundles.leftovers(), []);
    },
  });
}

Deno.test({
  name: "TaskService answers for what is being created when it has been",
  ignore: !isRoot,
  async fn() {
    await using bundles = openKeptBundles();
    const { service, directory } = bundles;
    const stdin = `${directory}/in`;
    makeFifo(stdin, 0o600);
    const init = { id: "early", execId: "" };
    const created = service.create(ctx, {
      ...NOWHERE,
      stdin,
      id: "early",
      bundle: bundles.make("early", { args: ["/bin/cat"] }),
      rootfs: [],
      checkpoint: "",
    });
    const [{ status }] = await Promise.all([
      service.state(ctx, init),
      service.closeStdin(ctx, init),
      created,
    ]);
    assertEquals(status, "created");
    await service.start(ctx, init);
    assertEquals((await service.wait(ctx, init)).exitCode, 0);
    await service.delete(ctx, init);
  },
});

Deno.test({
  name: "TaskService copies a terminal, of any size, until it ends",
  ignore: !isRoot,
  async fn() {
    await using bundles = openKeptBundles();
    const { service, directory } = bundles;
    const stdio = {
      stdin: `${directory}/in`,
      stdout: `${directory}/out`,
      stderr: "",
      terminal: true,
    };
    makeFifo(stdio.stdin, 0o600);
    const output = clientOutput(stdio.stdout);
    const init = { id: "tty", execId: "" };
    const script = "read line; stty size; echo got $line; seq 20000; cat";
    await service.create(ctx, {
      ...stdio,
      id: "tty",
      bundle: bundles.make("tty", {
        args: ["/bin/sh", "-c", script.replace("seq 20000", COUNT)],
        terminal: "terminal",
      }),
      rootfs: [],
      checkpoint: "",
    });
    await service.resizePty(ctx, { ...init, columns: 91, rows: 37 });
    await service.start(ctx, init);
    await feed(stdio.stdin, "treasure\n");
    await service.closeStdin(ctx, init);
    assertEquals((await service.wait(ctx, init)).exitCode, 0);
    await service.delete(ctx, init);
    const lines = (await output).split("\r\n");
    assert(lines.includes("37 91"), lines.slice(0, 3).join("|"));
    assert(lines.includes("got treasure"));
    assert(lines.includes("line 5000"));
  },
});

const COUNT = "n=0; while [ $n -lt 5000 ]; do n=$((n+1)); echo line $n; done";

Deno.test({
  name: "TaskService gives output to a logger's program",
  ignore: !isRoot,
  async fn() {
    await using bundles = openKeptBundles();
    const { service, directory } = bundles;
    const logger = `${directory}/logger`;
    const script = `#!/bin/sh
exec 5>&-
{ echo "$CONTAINER_NAMESPACE/$CONTAINER_ID $*"; cat <&3; cat <&4; } > ${directory}/log
`;
    await Deno.writeTextFile(logger, script, { mode: 0o755 });
    const address = `binary://${logger}?--to=sea&plain`;
    const init = { id: "logged", execId: "" };
    await service.create(ctx, {
      ...NOWHERE,
      stdout: address,
      stderr: address,
      id: "logged",
      bundle: bundles.make("logged", {
        args: ["/bin/sh", "-c", "echo out; echo err >&2"],
      }),
      rootfs: [],
      checkpoint: "",
    });
    await service.start(ctx, init);
    await service.wait(ctx, init);
    await service.delete(ctx, init);
    const [head, ...lines] = (await Deno.readTextFile(`${directory}/log`))
      .split("\n");
    assert(head?.endsWith("/logged --to sea plain"), head);
    assertEquals(lines, ["out", "err", ""]);
  },
});

Deno.test({
  name: "TaskService.create() leaves nothing of what could not be created",
  ignore: !isRoot,
  async fn() {
    await using bundles = openKeptBundles();
    const { service, directory } = bundles;
    const bundle = bundles.make("bad", { args: ["/not/there"] });
    const source = `${directory}/source`;
    await Deno.rename(`${bundle}/rootfs`, source);
    const made = service.create(ctx, {
      ...NOWHERE,
      id: "bad",
      bundle,
      rootfs: [{ type: "bind", source, options: ["rbind"] }],
      checkpoint: "",
    });
    const error = await made.then(() => undefined, (error) => error);
    assert(/no such file or directory/.test(error?.message), error?.message);
    assertEquals(bundles.leftovers(), []);
    assertEquals(bundles.events, []);
  },
});

Deno.test({
  name: "TaskService tells of a want of memory",
  ignore: !isRoot,
  async fn() {
    await using bundles = openKeptBundles();
    const { service, events } = bundles;
    const init = { id: "hungry", execId: "" };
    await service.create(ctx, {
      ...NOWHERE,
      id: "hungry",
      bundle: bundles.make("hungry", {
        args: ["/bin/busybox", "dd", "if=/dev/zero", "of=/dev/null", "bs=64M"],
        memoryBytes: 16 * 1024 * 1024,
      }),
      rootfs: [],
      checkpoint: "",
    });
    await service.start(ctx, init);
    assertEquals((await service.wait(ctx, init)).exitCode, 128 + SIGKILL);
    await eventually(() => events.some(({ kind }) => kind === "oom"));
    await service.delete(ctx, init);
  },
});

Deno.test({
  name: "TaskService ends a container whose bundle has gone",
  ignore: !isRoot,
  async fn() {
    await using bundles = openKeptBundles();
    const { service, events } = bundles;
    const init = { id: "gone", execId: "" };
    const bundle = bundles.make("gone", { args: ["/bin/sh", "-c", FOREVER] });
    await service.create(ctx, {
      ...NOWHERE,
      id: "gone",
      bundle,
      rootfs: [],
      checkpoint: "",
    });
    await service.start(ctx, init);
    await Deno.remove(bundle, { recursive: true });
    await eventually(() => events.at(-1)?.kind === "delete");
    // Control groups may take a moment to be empty.
    await eventually(() => bundles.leftovers().length === 0);
  },
});

Deno.test({
  name: "TaskService tries again to end a container whose bundle has gone",
  ignore: !isRoot,
  async fn() {
    const scripts = await Deno.makeTempDir();
    const runtime = `${scripts}/runc`;
    await Deno.writeTextFile(
      runtime,
      `#!/bin/sh\ncase " $* " in\n*" delete "*) mkdir ${scripts}/tried ` +
        `2>/dev/null && exit 1 ;;\nesac\nexec runc "$@"\n`,
      { mode: 0o755 },
    );
    await using bundles = openKeptBundles({ binaryName: runtime });
    const { service, events } = bundles;
    const init = { id: "again", execId: "" };
    const bundle = bundles.make("again", { args: ["/bin/true"] });
    const request = { ...NOWHERE, id: "again", bundle, rootfs: [] };
    await service.create(ctx, { ...request, checkpoint: "" });
    await service.start(ctx, init);
    await service.wait(ctx, init);
    await Deno.remove(bundle, { recursive: true });
    await eventually(() => events.at(-1)?.kind === "delete");
    assertEquals([...service.containers], []);
    assert((await Deno.stat(`${scripts}/tried`)).isDirectory);
    await eventually(() => bundles.leftovers().length === 0);
    await Deno.remove(scripts, { recursive: true });
  },
});

async function eventually(check: () => boolean): Promise<void> {
  for (let pauses = 0; !check(); pauses++) {
    assert(pauses < 1000, "It did not happen");
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
