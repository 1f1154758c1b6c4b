import { assert, assertEquals, assertRejects } from "@std/assert";
import { background, type Context } from "../../base/context.ts";
import { EngineError, type ErrorCode } from "../../base/errors.ts";
import type { TypedValue } from "../container.ts";
import type { ProcessRef, ShimService, StdioAddresses } from "../shim.ts";

/** What the suite runs on; a fresh one for each step. */
export interface ShimUnderTest extends AsyncDisposable {
  readonly service: ShimService;
  /** Of the container that the bundle is for. */
  readonly id: string;
  /**
   * A bundle for a container with busybox whose process runs `script`.
   * @returns its directory
   */
  bundle(script: string): Promise<string>;
  /** A file of the host for a process to write to, and what is in it. */
  readonly output: { readonly path: string; read(): Promise<string> };
  /** The options that `create` needs here. */
  readonly options?: TypedValue;
}

type Step = (under: ShimUnderTest, ctx: Context) => Promise<void>;

/** The conformance suite of every shim, ours and others'. */
export async function shimSuite(
  t: Deno.TestContext,
  open: () => Promise<ShimUnderTest>,
): Promise<void> {
  for (const [name, step] of Object.entries(STEPS)) {
    await t.step(name, async () => {
      await using under = await open();
      await step(under, background());
    });
  }
}

const NOWHERE: StdioAddresses = {
  stdin: "",
  stdout: "",
  stderr: "",
  terminal: false,
};
const SIG = { kill: 9, term: 15 } as const;
const FOREVER = "while :; do sleep 0.1; done";
const PROCESS_TYPE =
  "types.containerd.io/opencontainers/runtime-spec/1/Process";

function init({ id }: ShimUnderTest): ProcessRef {
  return { id, execId: "" };
}

function shell(script: string): TypedValue {
  const process = {
    args: ["/bin/sh", "-c", script],
    cwd: "/",
    env: ["PATH=/bin"],
    user: { uid: 0, gid: 0 },
  };
  return {
    typeUrl: PROCESS_TYPE,
    value: new TextEncoder().encode(JSON.stringify(process)),
  };
}

/** @returns the number of the process */
async function create(
  under: ShimUnderTest,
  ctx: Context,
  script: string,
  stdio: StdioAddresses = NOWHERE,
): Promise<number> {
  const { id, options } = under;
  return await under.service.create(ctx, {
    ...stdio,
    id,
    bundle: await under.bundle(script),
    rootfs: [],
    checkpoint: "",
    ...options === undefined ? {} : { options },
  });
}

async function run(
  under: ShimUnderTest,
  ctx: Context,
  script: string,
  stdio?: StdioAddresses,
): Promise<void> {
  await create(under, ctx, script, stdio);
  await under.service.start(ctx, init(under));
}

async function end(under: ShimUnderTest, ctx: Context): Promise<number> {
  const { service } = under;
  const process = init(under);
  await service.kill(ctx, { ...process, signal: SIG.kill, scope: "all" });
  const { exitCode } = await service.wait(ctx, process);
  await service.delete(ctx, process);
  return exitCode;
}

async function rejects(
  work: Promise<unknown>,
  ...codes: readonly ErrorCode[]
): Promise<void> {
  const error = await assertRejects(() => work, EngineError);
  assert(codes.includes(error.code), `${error.code}: ${error.message}`);
}

/** It may have ended just now. */
async function eventually(check: () => Promise<boolean>): Promise<void> {
  const until = Date.now() + 10_000;
  while (!await check()) {
    assert(Date.now() < until, "It did not happen");
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

const STEPS: Readonly<Record<string, Step>> = {
  "takes a process from created over running to stopped": async (
    under,
    ctx,
  ) => {
    const { service } = under;
    const pid = await create(under, ctx, "exit 7");
    assert(pid > 1);
    const created = await service.state(ctx, init(under));
    assertEquals([created.status, created.pid], ["created", pid]);
    const ended = service.wait(ctx, init(under));
    assertEquals(await service.start(ctx, init(under)), pid);
    const { exitCode, exitedAt } = await ended;
    assertEquals(exitCode, 7);
    assert(Math.abs(Date.now() - exitedAt.getTime()) < 60_000);
    const stopped = await service.state(ctx, init(under));
    assertEquals([stopped.status, stopped.exit?.exitCode], ["stopped", 7]);
    const deleted = await service.delete(ctx, init(under));
    assertEquals([deleted.pid, deleted.exit.exitCode], [pid, 7]);
    await rejects(service.state(ctx, init(under)), "notFound");
  },

  "tells of the end of a process that is killed while it starts": async (
    under,
    ctx,
  ) => {
    const { service } = under;
    const pid = await create(under, ctx, FOREVER);
    // Halted, it can't go on when it is started.
    Deno.kill(pid, "SIGSTOP");
    const started = service.start(ctx, init(under)).catch(() => {});
    await new Promise((resolve) => setTimeout(resolve, 300));
    Deno.kill(pid, "SIGKILL");
    await started;
    assertEquals((await service.wait(ctx, init(under))).exitCode, 137);
    const deleted = await service.delete(ctx, init(under));
    assertEquals([deleted.pid, deleted.exit.exitCode], [pid, 137]);
  },

  "waits for what has ended already, as often as asked": async (under, ctx) => {
    await run(under, ctx, "exit 3");
    for (let times = 0; times < 3; times++) {
      assertEquals((await under.service.wait(ctx, init(under))).exitCode, 3);
    }
    await under.service.delete(ctx, init(under));
  },

  "passes signals on, and gives 128 and the number": async (under, ctx) => {
    const { service } = under;
    // Until the shell has come to its trap, a signal ends the runtime's own
    // process, which becomes it.
    const address = `file://${under.output.path}`;
    await run(under, ctx, `trap 'exit 4' TERM; echo ready; ${FOREVER}`, {
      ...NOWHERE,
      stdout: address,
      stderr: address,
    });
    await eventually(async () => await under.output.read() === "ready\n");
    const process = init(under);
    const ended = service.wait(ctx, process);
    await service.kill(ctx, {
      ...process,
      signal: SIG.term,
      scope: "process",
    });
    assertEquals((await ended).exitCode, 4);
    await service.delete(ctx, process);
  },

  "kills all": async (under, ctx) => {
    await run(under, ctx, `sleep 1000 & ${FOREVER}`);
    assertEquals(await end(under, ctx), 128 + SIG.kill);
  },

  "says notFound when what has ended is killed": async (under, ctx) => {
    await run(under, ctx, "true");
    await under.service.wait(ctx, init(under));
    await rejects(
      under.service.kill(ctx, {
        ...init(under),
        signal: SIG.term,
        scope: "process",
      }),
      "notFound",
    );
    await under.service.delete(ctx, init(under));
  },

  "refuses to delete what runs": async (under, ctx) => {
    await run(under, ctx, FOREVER);
    await rejects(
      under.service.delete(ctx, init(under)),
      "failedPrecondition",
      // containerd's own shim has no class for it.
      "unknown",
    );
    await end(under, ctx);
  },

  "pauses and resumes": async (under, ctx) => {
    const { service, id } = under;
    // runc gives up on those that start processes all the time.
    await run(under, ctx, "sleep 100000");
    await service.pause(ctx, id);
    assertEquals((await service.state(ctx, init(under))).status, "paused");
    await service.resume(ctx, id);
    assertEquals((await service.state(ctx, init(under))).status, "running");
    await end(under, ctx);
  },

  "runs further processes": async (under, ctx) => {
    const { service, id } = under;
    await run(under, ctx, FOREVER);
    const process = { id, execId: "more" };
    await service.exec(ctx, { ...process, ...NOWHERE, spec: shell("exit 5") });
    assertEquals((await service.state(ctx, process)).status, "created");
    assert(await service.start(ctx, process) > 1);
    assertEquals((await service.wait(ctx, process)).exitCode, 5);
    assertEquals((await service.delete(ctx, process)).exit.exitCode, 5);
    await rejects(service.state(ctx, process), "notFound");
    await end(under, ctx);
  },

  "refuses a further process of the same name": async (under, ctx) => {
    const { service, id } = under;
    await run(under, ctx, FOREVER);
    const request = { id, execId: "more", ...NOWHERE, spec: shell("true") };
    await service.exec(ctx, request);
    await rejects(service.exec(ctx, request), "alreadyExists");
    await service.delete(ctx, request);
    await end(under, ctx);
  },

  "lists all processes": async (under, ctx) => {
    const { service, id } = under;
    await run(under, ctx, FOREVER);
    const { pid } = await service.state(ctx, init(under));
    const process = { id, execId: "more" };
    await service.exec(ctx, { ...process, ...NOWHERE, spec: shell(FOREVER) });
    const more = await service.start(ctx, process);
    const pids = (await service.pids(ctx, id)).map(({ pid }) => pid);
    assert(pids.includes(pid) && pids.includes(more), pids.join(" "));
    await service.kill(ctx, { ...process, signal: SIG.kill, scope: "process" });
    await service.wait(ctx, process);
    await service.delete(ctx, process);
    await end(under, ctx);
  },

  "tells figures and where it is": async (under, ctx) => {
    const { service, id } = under;
    await run(under, ctx, FOREVER);
    const { typeUrl, value } = await service.stats(ctx, id);
    assert(/io\.containerd\.cgroups\.v[12]\.Metrics$/.test(typeUrl), typeUrl);
    assert(value.length > 0);
    const { shimPid, taskPid } = await service.connect(ctx, id);
    const { pid } = await service.state(ctx, init(under));
    assertEquals(taskPid, pid);
    assert(shimPid > 1);
    await end(under, ctx);
  },

  "writes what is written, in both streams, to a file": async (under, ctx) => {
    const address = `file://${under.output.path}`;
    // containerd's own may lose what is written just before the end.
    await run(under, ctx, "echo out; echo err >&2; sleep 0.3", {
      ...NOWHERE,
      stdout: address,
      stderr: address,
    });
    await under.service.wait(ctx, init(under));
    await under.service.delete(ctx, init(under));
    const text = await under.output.read();
    assertEquals(text.split("\n").toSorted(), ["", "err", "out"]);
  },

  "does not know what there is not": async (under, ctx) => {
    const { service } = under;
    const nobody = { id: "nobody", execId: "" };
    await rejects(service.state(ctx, nobody), "notFound");
    await rejects(service.delete(ctx, nobody), "notFound");
    await rejects(service.wait(ctx, nobody), "notFound");
    await rejects(
      service.kill(ctx, { ...nobody, signal: SIG.term, scope: "process" }),
      "notFound",
    );
  },

  "says what can't be started": async (under, ctx) => {
    const { id } = under;
    await run(under, ctx, FOREVER);
    const process = { id, execId: "bad" };
    const spec = new TextDecoder().decode(shell("").value)
      .replace("/bin/sh", "/not/there");
    await under.service.exec(ctx, {
      ...process,
      ...NOWHERE,
      spec: { typeUrl: PROCESS_TYPE, value: new TextEncoder().encode(spec) },
    });
    const error = await assertRejects(
      () => under.service.start(ctx, process),
      EngineError,
    );
    assert(/no such file or directory/.test(error.message), error.message);
    await under.service.delete(ctx, process);
    await end(under, ctx);
  },
};
