/** Differs and sandbox controllers of other programs, `[proxy_plugins]`. */

import {
  assert,
  assertEquals,
  assertMatch,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import {
  ControllerCreateRequest,
  ControllerDefinition,
} from "../proto/gen/containerd/services/sandbox/v1/sandbox.ts";
import { EngineError } from "../src/base/errors.ts";
import {
  ARCHIVE_IMAGE,
  makeBusyboxArchive,
} from "./support/busybox_archive.ts";
import { hasContainerd } from "./support/containerd.ts";
import { type Daemon, openDaemon } from "./support/daemon.ts";
import { ExternalProgram } from "./support/external_program.ts";

interface Bench extends AsyncDisposable {
  readonly daemon: Daemon;
  readonly dir: string;
  readonly archive: string;
  readonly differ: ExternalProgram;
  readonly sandboxer: ExternalProgram;
}

Deno.test({
  name: "differs and sandbox controllers of other programs",
  ignore: !hasContainerd(),
  fn: async (t) => {
    await using bench = await openBench();
    for (const [name, step] of Object.entries(STEPS)) {
      await t.step(name, async () => {
        try {
          await step(bench);
        } catch (error) {
          throw new Error(bench.daemon.log(), { cause: error });
        }
      });
    }
  },
});

async function openBench(): Promise<Bench> {
  await using undo = new AsyncDisposableStack();
  const dir = await Deno.makeTempDir({ prefix: "coracle-proxy-" });
  undo.defer(() => Deno.remove(dir, { recursive: true }));
  const archive = await makeBusyboxArchive(dir);
  await Deno.writeTextFile(`${dir}/config.toml`, configOf(dir, "outside"));
  const args = ["--config", `${dir}/config.toml`];
  const daemon = undo.use(await openDaemon({ args }));
  const external = async (name: string, argument: string) => {
    const program = undo.use(
      new ExternalProgram({
        ...{ main: `external_${name}_main.ts`, args: [argument] },
        address: `${dir}/${name}.sock`,
      }),
    );
    await program.start();
    return program;
  };
  const differ = await external("differ", daemon.address);
  const sandboxer = await external("sandboxer", `${dir}/sandboxes`);
  const owned = undo.move();
  return {
    ...{ daemon, dir, archive, differ, sandboxer },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** @param preferred the differ that is asked first */
function configOf(dir: string, preferred: string): string {
  return `version = 2
[plugins."io.containerd.service.v1.diff-service"]
  default = ["${preferred}", "walking"]
[proxy_plugins.outside]
  type = "diff"
  address = "${dir}/differ.sock"
[proxy_plugins.pods]
  type = "sandbox"
  address = "unix://${dir}/sandboxer.sock"
`;
}

/** Who unpacked the image, if it was not us. */
async function unpackedBy(
  { daemon, archive }: Bench,
  snapshotter: string,
): Promise<string> {
  const at = ["--snapshotter", snapshotter];
  await daemon.expectCtr("images", "import", ...at, archive);
  const said = await daemon.expectCtr(
    ...["run", "--rm", ...at, ARCHIVE_IMAGE, "c1"],
    ...["sh", "-c", "if [ -f /unpacked-by ]; then cat /unpacked-by; fi"],
  );
  await daemon.expectCtr("images", "rm", "--sync", ARCHIVE_IMAGE);
  return said.trim();
}

async function failure(work: Promise<unknown>): Promise<EngineError> {
  return await assertRejects(() => work, EngineError);
}

function sandboxes({ daemon }: Bench) {
  const controller = daemon.stub(ControllerDefinition);
  const options = { metadata: daemon.headers };
  const request = { sandboxId: "pod", sandboxer: "pods" };
  const create = () =>
    controller.create(
      ControllerCreateRequest.fromPartial({
        ...request,
        netnsPath: "/net",
        annotations: { a: "b" },
        sandbox: {
          sandboxId: "pod",
          labels: { tier: "web" },
          runtime: { name: "io.containerd.pod.v1" },
          sandboxer: "pods",
        },
      }),
      options,
    );
  return { controller, options, request, create };
}

const STEPS: Readonly<Record<string, (bench: Bench) => Promise<void>>> = {
  async "introspection shows them"({ daemon, differ, sandboxer }) {
    const list = await daemon.expectCtr("plugins", "ls");
    assertMatch(list, /io\.containerd\.differ\.v1\s+outside\s.*\sok/);
    assertMatch(list, /io\.containerd\.service\.v1\s+diff-service\s.*\sok/);
    assertMatch(list, /io\.containerd\.sandbox\.controller\.v1\s+pods\s.*\sok/);
    for (
      const [id, { address }] of [["outside", differ], [
        "pods",
        sandboxer,
      ]] as const
    ) {
      const detail = await daemon.expectCtr("plugins", "ls", "-d", `id==${id}`);
      assertStringIncludes(detail, address);
    }
    assert(!daemon.log().includes("changes nothing"));
  },

  async "the differ that is preferred unpacks"(bench) {
    assertEquals(await unpackedBy(bench, "native"), "another program");
  },

  async "the next one does what it can't do"(bench) {
    const { daemon } = bench;
    // Unpacking for overlay, and comparing.
    assertEquals(await unpackedBy(bench, "overlayfs"), "");
    const native = ["snapshots", "--snapshotter", "native"];
    await daemon.expectCtr(...native, "prepare", "changed");
    const mounts = await daemon.expectCtr(...native, "mounts", "/t", "changed");
    const [source = ""] = mounts.split(" ").filter((it) =>
      it.includes("/root/")
    );
    await Deno.writeTextFile(`${source}/made`, "by hand");
    const plain = ["--media-type", "application/vnd.oci.image.layer.v1.tar"];
    const tar = await daemon.expectCtr(...native, "diff", ...plain, "changed");
    assertStringIncludes(tar, "made");
    assertStringIncludes(tar, "by hand");
    await daemon.expectCtr(...native, "rm", "changed");
  },

  async "a differ that has gone is named, until it is back"(bench) {
    const { daemon, archive, differ } = bench;
    await differ.kill();
    const at = ["--snapshotter", "native"];
    const { code, stderr } = await daemon
      .ctr("images", "import", ...at, archive);
    assertEquals(code, 1);
    assertStringIncludes(stderr, `Cannot reach differ "outside"`);
    await differ.start();
    assertEquals(await unpackedBy(bench, "native"), "another program");
  },

  async "a controller makes sandboxes, and tells all of them"(bench) {
    const { controller, options, request, create } = sandboxes(bench);
    assertEquals(await create(), { sandboxId: "pod" });
    assertEquals((await failure(create())).code, "alreadyExists");
    const started = await controller.start(request, options);
    const { address, version, labels } = started;
    assertEquals(address, `unix://${bench.dir}/sandboxes/pod.sock`);
    assertEquals([version, labels], [3, { tier: "web" }]);
    const verbose = { ...request, verbose: true };
    const status = await controller.status(verbose, options);
    assertEquals(status.state, "SANDBOX_READY");
    assertEquals(status.pid, started.pid);
    assertEquals([status.address, status.version], ["unix:///there", 3]);
    assertEquals(status.extra?.typeUrl, "extra");
    assertEquals(JSON.parse(status.info["kept"] ?? ""), {
      sandbox: { id: "pod", labels: { tier: "web" }, sandboxer: "pods" },
      netnsPath: "/net",
      annotations: { a: "b" },
    });
    const { platform } = await controller.platform(request, options);
    assertEquals(platform?.variant, "v6");
    const { metrics } = await controller.metrics(request, options);
    assertEquals(metrics?.data?.typeUrl, "figures");
  },

  async "it is updated there"(bench) {
    const { controller, options, request } = sandboxes(bench);
    const sandbox = { sandboxId: "pod", labels: { tier: "db" } };
    const { sandbox: wanted } = ControllerCreateRequest
      .fromPartial({ sandbox });
    const fields = ["labels"];
    await controller.update({ ...request, sandbox: wanted, fields }, options);
    const verbose = { ...request, verbose: true };
    const { info } = await controller.status(verbose, options);
    assertStringIncludes(info["kept"] ?? "", `"tier":"db"`);
  },

  async "whoever waits goes on when the controller is back"(bench) {
    const { sandboxer, daemon } = bench;
    const { controller, options, request } = sandboxes(bench);
    const waiting = controller.wait(request, options);
    const settled = waiting.then(() => "settled", () => "settled");
    await sandboxer.kill();
    const gone = await failure(controller.platform(request, options));
    assertEquals(gone.code, "unavailable");
    assertStringIncludes(
      gone.message,
      `Cannot reach sandbox controller "pods"`,
    );
    assertEquals(await Promise.race([settled, Promise.resolve("")]), "");
    await sandboxer.start();
    await controller.stop({ ...request, timeoutSecs: 3 }, options);
    assertEquals((await waiting).exitStatus, 7);
    await controller.shutdown(request, options);
    const missing = await failure(controller.wait(request, options));
    assertEquals(missing.code, "notFound");
    const topics = (await daemon.call(
      ...["events", "--since", "1h", "--until", "0s", "--format", "{{.Topic}}"],
    )).stdout;
    for (const topic of ["create", "start", "exit"]) {
      assert(topics.includes(`/sandboxes/${topic}`), topics);
    }
  },

  async "a differ that is not there is an error of the service"(bench) {
    const { daemon, dir } = bench;
    await Deno.writeTextFile(`${dir}/config.toml`, configOf(dir, "nosuch"));
    await daemon.stop("SIGTERM");
    await daemon.start();
    const list = await daemon.expectCtr("plugins", "ls");
    assertMatch(list, /io\.containerd\.service\.v1\s+diff-service\s.*\serror/);
    assertMatch(list, /io\.containerd\.differ\.v1\s+outside\s.*\sok/);
  },
};
