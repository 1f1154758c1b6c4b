/** Our engine on Debian's shim of containerd, without a daemon. */

import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { createShimWire } from "../src/app/shim_wire.ts";
import { background } from "../src/base/context.ts";
import { EngineError } from "../src/base/errors.ts";
import { TaskStartError } from "../src/core/start_failure.ts";
import type { Bundle, Task } from "../src/core/task.ts";
import { shimSuite, type ShimUnderTest } from "../src/core/testing/shim.ts";
import { launchShim } from "../src/drivers/shim_manager/launch.ts";
import { createBootstrapMemory } from "../src/drivers/shim_manager/memory.ts";
import { openPoller } from "../src/sys/poller.ts";
import { SIGNALS } from "../src/sys/signals.ts";
import { openForeignBundles } from "./support/foreign_bundle.ts";
import {
  environment,
  openForeignShims,
  RUNTIME,
  SHIM,
} from "./support/foreign_shims.ts";
import { isThere } from "../src/sys/is_there.ts";

const IGNORE = Deno.uid() !== 0 || !isThere(SHIM);
const ID = "one";
const FOREVER = "sleep 100000";

function shell(script: string) {
  return { args: ["sh", "-c", script] };
}

function execRequest(execId: string, script: string) {
  const process = {
    ...shell(script),
    cwd: "/",
    env: ["PATH=/bin"],
    user: { uid: 0, gid: 0 },
  };
  return {
    execId,
    process: () => Promise.resolve(process),
    stdio: { to: "none" },
  } as const;
}

function setArgs(path: string, args: readonly string[]): void {
  const spec = JSON.parse(Deno.readTextFileSync(path));
  spec.process.args = args;
  Deno.writeTextFileSync(path, JSON.stringify(spec));
}

function shimOf(bundle: Bundle): number {
  return Number(Deno.readTextFileSync(`${bundle.path}/shim.pid`));
}

async function mustFind(task: Promise<Task | undefined>): Promise<Task> {
  const found = await task;
  assert(found !== undefined);
  return found;
}

async function eventually(check: () => boolean): Promise<void> {
  const until = Date.now() + 10_000;
  while (!check()) {
    assert(Date.now() < until, "It did not happen");
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** A shim that has been started for one container. */
async function openShim(): Promise<ShimUnderTest> {
  const bundles = await openForeignBundles(RUNTIME);
  const { state, namespace, dir } = bundles;
  const bundle = await bundles.make(ID, shell("true"));
  const poller = openPoller();
  const wire = createShimWire();
  const eventsAddress = `${dir}/events`;
  const events = wire.serveEvents(eventsAddress, () => {});
  const ctx = background({ namespace });
  const endpoint = await launchShim({
    poller,
    wire,
    memory: createBootstrapMemory(`${state}/memory.json`),
    env: environment,
    engineAddress: `${state}/coracle.sock`,
    publishBinary: "/bin/false",
    socketDirectory: `${state}/containerd`,
  }, { program: SHIM, bundle: bundle.path, eventsAddress, namespace, id: ID });
  const service = await wire.connect(ctx, endpoint);
  const output = `${dir}/output`;
  return {
    service,
    id: ID,
    options: wire.encodeRuncOptions({ root: `${state}/runtime` }),
    bundle(script) {
      setArgs(`${bundle.path}/config.json`, shell(script).args);
      return Promise.resolve(bundle.path);
    },
    output: { path: output, read: () => Deno.readTextFile(output) },
    async [Symbol.asyncDispose]() {
      await service.shutdown(ctx, { id: ID, when: "now" }).catch(() => {});
      await service[Symbol.asyncDispose]();
      await eventually(() => bundles.leftovers().length === 0);
      await events[Symbol.asyncDispose]();
      await poller.close();
      bundle[Symbol.dispose]();
      await bundles[Symbol.asyncDispose]();
    },
  };
}

Deno.test({
  name: "containerd's own shim, through our proxy, keeps to the interface",
  ignore: IGNORE,
  sanitizeResources: false,
  fn: (t) => shimSuite(t, openShim),
});

Deno.test({
  name: "the driver of foreign shims",
  ignore: IGNORE,
  // What a manager has open lasts as long as the process.
  sanitizeOps: false,
  sanitizeResources: false,
  fn: async (t) => {
    await t.step("starts in the background, and others find it", async () => {
      await using shims = await openForeignShims();
      const { ctx, bundles } = shims;
      const bundle = await bundles.make(
        ID,
        shell(`echo out; echo err >&2; trap 'exit 3' TERM; ${FOREVER} & wait`),
      );
      const started = await shims.manager().start(ctx, bundle, shims.request());
      bundle[Symbol.dispose]();
      assertEquals(started.keeping, "shim");
      const task = await mustFind(shims.manager().find(ctx, bundle.record));
      const { state, pid, startedAt } = await task.status(ctx);
      assertEquals(state, "running");
      assert(pid > 1 && startedAt !== undefined);
      assert((await task.pids(ctx)).includes(pid));

      await task.pause(ctx);
      assertEquals((await task.status(ctx)).state, "paused");
      await task.resume(ctx);
      assertEquals((await task.status(ctx)).state, "running");

      const stats = await task.stats(ctx);
      assert(stats.memoryBytes > 0 && stats.cpuNs > 0n && stats.pids > 0);
      await task.update(ctx, { memory: { limit: 64 * 1024 * 1024 } });
      assertEquals((await task.stats(ctx)).memoryLimitBytes, 64 * 1024 * 1024);

      const exec = await task.exec(ctx, execRequest("more", "exit 4"));
      const end = await exec.wait();
      assert(end !== "detached");
      assertEquals(end.exitCode, 4);

      const ended = task.wait(ctx);
      await task.kill(ctx, SIGNALS.SIGTERM, "init");
      assertEquals((await ended).exitCode, 3);
      assertEquals(await shims.manager().find(ctx, bundle.record), undefined);
      const { state: last, exit } = bundle.status() ?? {};
      assertEquals([last, exit?.exitCode, exit?.certainty], [
        "stopped",
        3,
        "seen",
      ]);
      await shims.manager().destroy(ctx, bundle.record);
      assertEquals(shims.log(ID).split("\n").toSorted(), ["", "err", "out"]);
      await eventually(() => bundles.leftovers().length === 0);
    });

    await t.step("ends what runs, paused or not", async () => {
      await using shims = await openForeignShims();
      const { ctx, bundles } = shims;
      for (const state of ["running", "paused"] as const) {
        using bundle = await bundles.make(state, shell(FOREVER));
        const task = await shims.manager().start(ctx, bundle, shims.request());
        if (state === "paused") await task.pause(ctx);
        await shims.manager().destroy(ctx, bundle.record);
        await eventually(() => bundles.leftovers().length === 0);
        // Nothing left is no error.
        await shims.manager().destroy(ctx, bundle.record);
      }
    });

    await t.step("cleans up after a shim that was killed", async () => {
      await using shims = await openForeignShims();
      const { ctx, bundles } = shims;
      using bundle = await bundles.make(ID, shell(FOREVER));
      await shims.manager().start(ctx, bundle, shims.request());
      const shim = shimOf(bundle);
      Deno.kill(shim, "SIGKILL");
      await eventually(() => !isThere(`/proc/${shim}/exe`));
      assertEquals(await shims.manager().find(ctx, bundle.record), undefined);
      await shims.manager().destroy(ctx, bundle.record);
      await eventually(() => bundles.leftovers().length === 0);
    });

    await t.step("does not call gone what only takes long", async () => {
      await using shims = await openForeignShims();
      const { ctx, bundles } = shims;
      using bundle = await bundles.make(ID, shell(FOREVER));
      await shims.manager().start(ctx, bundle, shims.request());
      const shim = shimOf(bundle);
      Deno.kill(shim, "SIGSTOP");
      const task = await mustFind(shims.manager().find(ctx, bundle.record));
      assertEquals((await task.status(ctx)).state, "running");
      Deno.kill(shim, "SIGCONT");
      await shims.manager().destroy(ctx, bundle.record);
      await eventually(() => bundles.leftovers().length === 0);
    });

    await t.step("says why a container does not start", async () => {
      await using shims = await openForeignShims();
      const { ctx, bundles } = shims;
      using bundle = await bundles.make(ID, { args: ["nope"] });
      const error = await assertRejects(
        () => shims.manager().start(ctx, bundle, shims.request()),
        TaskStartError,
        'exec: "nope": executable file not found in $PATH',
      );
      assertEquals(error.exitCode, 127);
      await eventually(() => bundles.leftovers().length === 0);
    });

    await t.step(
      "refuses a restart policy that nobody would keep",
      async () => {
        await using shims = await openForeignShims();
        const { ctx, bundles } = shims;
        using bundle = await bundles.make(ID, shell("true"));
        const request = shims.request({ restart: { kind: "always" } });
        await assertRejects(
          () => shims.manager().start(ctx, bundle, request),
          EngineError,
          'by policy "always"',
        );
        await eventually(() => bundles.leftovers().length === 0);
      },
    );

    await t.step(
      "ends a container in the foreground with its shim",
      async () => {
        await using shims = await openForeignShims();
        const { ctx, bundles } = shims;
        using bundle = await bundles.make(ID, shell(FOREVER));
        const stdio = { stdin: "null", kind: "streams" } as const;
        const started = Promise.withResolvers<number>();
        const ended = shims.manager()
          .runForeground(ctx, bundle, stdio, started.resolve);
        assert(await started.promise > 1);
        const shim = shimOf(bundle);
        Deno.kill(shim, "SIGKILL");
        await assertRejects(() => ended, EngineError);
        await eventually(() => bundles.leftovers().length === 0);
      },
    );

    await t.step("takes a shim's events while it starts it", async () => {
      await using shims = await openForeignShims();
      const { ctx, bundles } = shims;
      using bundle = await bundles.make(ID, shell("exit 2"));
      const stdio = { stdin: "null", kind: "streams" } as const;
      const { exitCode } = await shims.manager()
        .runForeground(ctx, bundle, stdio);
      assertEquals(exitCode, 2);
      await eventually(() => bundles.leftovers().length === 0);
      const topics = shims.events.map(({ topic }) => topic);
      for (const topic of ["/tasks/create", "/tasks/start", "/tasks/exit"]) {
        assertStringIncludes(topics.join(" "), topic);
      }
    });

    await t.step("goes back to the older bootstrap", async () => {
      const dir = await Deno.makeTempDir();
      const program = `${dir}/containerd-shim-newer-v2`;
      // It says that it is new, and does not understand what that means.
      await Deno.writeTextFile(
        program,
        String.raw`#!/bin/sh
case " $* " in
*" -info "*) echo info >>${dir}/calls; printf '\022\010\012\006v2.3.0'; exit 0 ;;
*" start "*)
  if [ "$(wc -c)" -gt 0 ]; then echo new >>${dir}/calls; exit 1; fi
  echo old >>${dir}/calls ;;
esac
exec ${SHIM} "$@" </dev/null
`,
        { mode: 0o755 },
      );
      await using shims = await openForeignShims(program);
      const { ctx, bundles } = shims;
      for (const id of ["first", "second"]) {
        using bundle = await bundles.make(id, shell(FOREVER));
        await shims.manager().start(ctx, bundle, shims.request());
        await shims.manager().destroy(ctx, bundle.record);
      }
      const calls = await Deno.readTextFile(`${dir}/calls`);
      assertEquals(calls, "info\nnew\nold\nold\n");
      await eventually(() => bundles.leftovers().length === 0);
      await Deno.remove(dir, { recursive: true });
    });
  },
});
