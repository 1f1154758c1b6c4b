/** Sandboxes in the daemon: their records, and the shims that make them run. */

import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  ContentDefinition,
  WriteAction,
  WriteContentRequest,
} from "../proto/gen/containerd/services/content/v1/content.ts";
import {
  ControllerCreateRequest,
  ControllerDefinition,
  StoreDefinition,
} from "../proto/gen/containerd/services/sandbox/v1/sandbox.ts";
import { Sandbox } from "../proto/gen/containerd/types/sandbox.ts";
import { EngineError } from "../src/base/errors.ts";
import { type Daemon, openDaemon } from "./support/daemon.ts";
import { isRoot } from "./pull_support.ts";

const typed = (text: string) => ({
  typeUrl: "types.example/T",
  value: new TextEncoder().encode(text),
});

async function failure(work: Promise<unknown>): Promise<EngineError> {
  return await assertRejects(() => work, EngineError);
}

Deno.test("the daemon keeps records of sandboxes", async (t) => {
  await using daemon = await openDaemon();
  const store = daemon.stub(StoreDefinition);
  const options = { metadata: daemon.headers };
  const pod = Sandbox.fromPartial({
    sandboxId: "pod",
    runtime: { name: "io.example.v1", options: typed("options") },
    spec: typed("spec"),
    labels: { tier: "web" },
    extensions: { "a/b": typed("x") },
    sandboxer: "shim",
  });

  await t.step("byte for byte", async () => {
    const { sandbox } = await store.create({ sandbox: pod }, options);
    assert(sandbox?.createdAt instanceof Date);
    const { createdAt, updatedAt } = sandbox;
    assertEquals(sandbox, { ...pod, createdAt, updatedAt });
    const got = await store.get({ sandboxId: "pod" }, options);
    assertEquals(got.sandbox, sandbox);
    const again = await failure(store.create({ sandbox: pod }, options));
    assertEquals(again.code, "alreadyExists");
  });

  await t.step("finds and changes them", async () => {
    const ids = async (...filters: string[]) =>
      (await store.list({ filters }, options)).list.map((it) => it.sandboxId);
    assertEquals(await ids("labels.tier==web"), ["pod"]);
    assertEquals(await ids("id==other"), []);
    const changed = { ...pod, labels: { tier: "db" }, extensions: {} };
    const fields = ["labels.tier"];
    await store.update({ sandbox: changed, fields }, options);
    assertEquals(await ids("labels.tier==db"), ["pod"]);
    const { sandbox } = await store.get({ sandboxId: "pod" }, options);
    assertEquals(Object.keys(sandbox?.extensions ?? {}), ["a/b"]);
    const bad = store.update({ sandbox: pod, fields: ["nonsense"] }, options);
    assertEquals((await failure(bad)).code, "invalidArgument");
  });

  await t.step("holds what their labels name", async () => {
    const digest = await ingest(daemon, "held by a sandbox");
    const collect = async () => {
      await daemon.expectCtr("leases", "create", "--id", "x");
      await daemon.expectCtr("leases", "rm", "--sync", "x");
    };
    const labels = { "containerd.io/gc.ref.content.mine": digest };
    const sandbox = { ...pod, labels };
    await store.update({ sandbox, fields: ["labels"] }, options);
    await daemon.expectCtr("leases", "rm", "ingest");
    await collect();
    assert((await daemon.expectCtr("content", "ls", "-q")).includes(digest));
    await store.delete({ sandboxId: "pod" }, options);
    await collect();
    assert(!(await daemon.expectCtr("content", "ls", "-q")).includes(digest));
  });

  await t.step("says what is wrong", async () => {
    const gone = store.get({ sandboxId: "pod" }, options);
    assertEquals((await failure(gone)).code, "notFound");
    const deleted = store.delete({ sandboxId: "pod" }, options);
    assertEquals((await failure(deleted)).code, "notFound");
    const unnamed = store.create({ sandbox: undefined }, options);
    assertEquals((await failure(unnamed)).code, "invalidArgument");
    const nowhere = store.create({ sandbox: pod });
    assertEquals((await failure(nowhere)).code, "failedPrecondition");
  });
});

/** Held by a lease only. */
async function ingest(daemon: Daemon, text: string): Promise<string> {
  await daemon.expectCtr("leases", "create", "--id", "ingest");
  const data = new TextEncoder().encode(text);
  const hash = await crypto.subtle.digest("SHA-256", data);
  const digest = `sha256:${new Uint8Array(hash).toHex()}`;
  const request = WriteContentRequest.fromPartial({
    action: WriteAction.COMMIT,
    ...{ ref: "x", total: BigInt(data.length), expected: digest, data },
  });
  const metadata = { ...daemon.headers, "containerd-lease": "ingest" };
  await Array.fromAsync(
    daemon.stub(ContentDefinition)
      .write(ReadableStream.from([request]), { metadata }),
  );
  return digest;
}

const ROOT = new URL("../", import.meta.url).pathname;

async function withShims(): Promise<Daemon & { readonly programs: string }> {
  const programs = await Deno.makeTempDir({ prefix: "coracle-shims-" });
  await Deno.writeTextFile(
    `${programs}/containerd-shim-pod-v1`,
    `#!/bin/sh\nexec ${Deno.execPath()} run -A --config=${ROOT}deno.json ` +
      `${ROOT}tests/support/sandbox_shim_main.ts "$@"\n`,
    { mode: 0o755 },
  );
  const PATH = `${programs}:${Deno.env.get("PATH")}`;
  const daemon = await openDaemon({ env: { PATH } });
  return Object.assign(daemon, { programs });
}

Deno.test({
  name: "the daemon lets shims make sandboxes",
  ignore: !isRoot,
}, async (t) => {
  await using daemon = await withShims();
  await using _programs = {
    [Symbol.asyncDispose]: () =>
      Deno.remove(daemon.programs, { recursive: true }),
  };
  const controller = daemon.stub(ControllerDefinition);
  const options = { metadata: daemon.headers };
  const sandboxer = "shim";
  const bundle = (id: string) =>
    `${daemon.dir}/state/sandboxes/${daemon.namespace}/${id}`;
  const create = (sandboxId: string, more: object = {}) =>
    controller.create(
      ControllerCreateRequest.fromPartial({
        sandboxId,
        sandboxer,
        netnsPath: "/net",
        annotations: { a: "b" },
        sandbox: {
          sandboxId,
          runtime: { name: "io.containerd.pod.v1" },
          spec: typed("{}"),
        },
        ...more,
      }),
      options,
    );

  await t.step("creates, starts and shows one", async () => {
    assertEquals(await create("pod"), { sandboxId: "pod" });
    const [asked = ""] = (await Deno.readTextFile(`${bundle("pod")}/asked`))
      .split("\n");
    assertEquals(JSON.parse(asked), {
      sandboxId: "pod",
      bundlePath: bundle("pod"),
      netnsPath: "/net",
      annotations: { a: "b" },
    });
    assertEquals(await Deno.readTextFile(`${bundle("pod")}/config.json`), "{}");
    assertEquals((await failure(create("pod"))).code, "alreadyExists");
    const request = { sandboxId: "pod", sandboxer };
    const started = await controller.start(request, options);
    assertEquals(started.address, `unix://${bundle("pod")}/shim.sock`);
    assertEquals(started.spec?.typeUrl, "spec");
    const verbose = { ...request, verbose: true };
    const status = await controller.status(verbose, options);
    assertEquals(status.state, "SANDBOX_READY");
    assertEquals(status.info, { much: "more" });
    assertEquals(status.pid, started.pid);
    const { platform } = await controller.platform(request, options);
    assertEquals(platform?.variant, "v6");
    const { metrics } = await controller.metrics(request, options);
    assertEquals(metrics?.data?.typeUrl, "figures");
  });

  await t.step("finds it again after a restart, and ends it", async () => {
    await daemon.stop("SIGKILL");
    await daemon.start();
    const request = { sandboxId: "pod", sandboxer };
    const waiting = controller.wait(request, options);
    await controller.stop({ ...request, timeoutSecs: 3 }, options);
    assertEquals((await waiting).exitStatus, 7);
    await controller.shutdown(request, options);
    await assertRejects(() => Deno.stat(bundle("pod")), Deno.errors.NotFound);
    const gone = await controller.status(
      { ...request, verbose: false },
      options,
    );
    assertEquals(gone.state, "");
    assert(gone.exitedAt instanceof Date);
    await controller.stop({ ...request, timeoutSecs: 3 }, options);
    const missing = await failure(controller.wait(request, options));
    assertEquals(missing.code, "notFound");
    const topics = (await daemon.call(
      ...["events", "--since", "1h", "--until", "0s", "--format", "{{.Topic}}"],
    )).stdout;
    for (const topic of ["create", "start", "exit"]) {
      assert(topics.includes(`/sandboxes/${topic}`), topics);
    }
  });

  await t.step("leaves nothing of what fails", async () => {
    const refused = await failure(
      create("poor", { annotations: { fail: "create" } }),
    );
    assertEquals(refused.code, "resourceExhausted");
    await assertRejects(() => Deno.stat(bundle("poor")), Deno.errors.NotFound);
    await create("nostart");
    const request = { sandboxId: "nostart", sandboxer };
    const started = await failure(controller.start(request, options));
    assertEquals(started.code, "internal");
    await assertRejects(
      () => Deno.stat(bundle("nostart")),
      Deno.errors.NotFound,
    );
  });

  await t.step("clears up after a shim that died", async () => {
    await create("dead");
    const pid = Number(await Deno.readTextFile(`${bundle("dead")}/shim.pid`));
    Deno.kill(pid, "SIGKILL");
    const request = { sandboxId: "dead", sandboxer, verbose: false };
    for (let tries = 0; tries < 100; tries++) {
      // A call that was under way when it died is lost.
      const { state } = await controller.status(request, options)
        .catch(() => ({ state: "unknown" }));
      if (state === "") break;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    await assertRejects(() => Deno.stat(bundle("dead")), Deno.errors.NotFound);
  });

  await t.step("knows its controllers, and what is no runtime", async () => {
    const unknown = await failure(create("x", { sandboxer: "moon" }));
    assertEquals(unknown.code, "notFound");
    assertEquals(
      unknown.message,
      "failed to get sandbox controller by moon",
    );
    const nameless = await failure(create("x", { sandboxer: "" }));
    assertEquals(nameless.code, "invalidArgument");
    const noRecord = await failure(create("x", { sandbox: undefined }));
    assertEquals(noRecord.code, "notFound");
    const runtime = { name: "io.containerd.nothing.v9" };
    const noShim = await failure(
      create("x", { sandbox: { sandboxId: "x", runtime } }),
    );
    assertEquals(noShim.code, "failedPrecondition");
    await assertRejects(() => Deno.stat(bundle("x")), Deno.errors.NotFound);
  });
});
