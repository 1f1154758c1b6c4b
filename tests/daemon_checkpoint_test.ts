/**
 * Checkpoints through the daemon and back. Few machines have a criu that works:
 * what the runtime is asked is what counts, so a program in its place writes
 * an image, starts afresh where it should restore, and writes down what it was
 * given. All else is real runc's.
 */

import { assertEquals } from "@std/assert";
import {
  ContentDefinition,
  WriteAction,
  WriteContentRequest,
} from "../proto/gen/containerd/services/content/v1/content.ts";
import {
  CreateTaskRequest,
  TasksDefinition,
} from "../proto/gen/containerd/services/tasks/v1/tasks.ts";
import { Options } from "../proto/gen/containerd/runc/v1/options.ts";
import type { Descriptor } from "../proto/gen/containerd/types/descriptor.ts";
import { digestOf } from "../src/base/hash.ts";
import { EngineError } from "../src/base/errors.ts";
import {
  ARCHIVE_IMAGE,
  makeBusyboxArchive,
} from "./support/busybox_archive.ts";
import { hasContainerd } from "./support/containerd.ts";
import { type Daemon, openDaemon } from "./support/daemon.ts";
import { until } from "./support/processes.ts";
import { isThere } from "../src/sys/is_there.ts";

const ignore = !hasContainerd();
const IMAGE = "example.com/boat:asleep";

/** @param record gets a line for each file of an image that is restored */
function standIn(record: string): string {
  return `#!/bin/sh
image= bundle= pid= verb= before=
for word in "$@"; do
  case "$before" in
    --image-path) image=$word ;;
    --bundle) bundle=$word ;;
    --pid-file) pid=$word ;;
    --root) root=$word ;;
  esac
  case "$word" in checkpoint|restore) verb=$word ;; esac
  before=$word
done
case "$verb" in
  checkpoint)
    mkdir -p "$image/deep"
    echo "what $before remembers" > "$image/pages-1.img"
    echo more > "$image/deep/core.img"
    exit 0 ;;
  restore)
    echo "$image" > "${record}"
    (cd "$image" && grep -r . .) | sort >> "${record}"
    exec runc --root "$root" run --detach --bundle "$bundle" \\
      --pid-file "$pid" "$before" ;;
esac
exec runc "$@"
`;
}

interface Yard extends AsyncDisposable {
  readonly daemon: Daemon;
  /** The program in runc's place. */
  readonly runtime: string;
  /** Lines that it has written down: the image's directory, then its files. */
  restored(): readonly string[];
}

async function openYard(): Promise<Yard> {
  const daemon = await openDaemon();
  const runtime = `${daemon.dir}/runtime-stand-in`;
  const record = `${daemon.dir}/restored`;
  await Deno.writeTextFile(runtime, standIn(record), { mode: 0o755 });
  await daemon.expectCtr(
    ...["images", "import", await makeBusyboxArchive(daemon.dir)],
  );
  return {
    daemon,
    runtime,
    restored: () => Deno.readTextFileSync(record).trim().split("\n"),
    [Symbol.asyncDispose]: () => daemon[Symbol.asyncDispose](),
  };
}

async function sail({ daemon, runtime }: Yard, id: string): Promise<void> {
  const script = "test -e /course || echo north >/course; sleep 300";
  const command = [ARCHIVE_IMAGE, id, "sh", "-c", script];
  await daemon.expectCtr("run", "-d", "--runc-binary", runtime, ...command);
  const look = ["tasks", "exec", "--exec-id", "look", id, "cat", "/course"];
  await until("it has written", async () => {
    return (await daemon.ctr(...look)).stdout === "north\n";
  });
}

async function sink(daemon: Daemon, id: string): Promise<void> {
  await daemon.ctr("tasks", "delete", "--force", id);
  await daemon.expectCtr("containers", "rm", id);
}

function bundles(daemon: Daemon): readonly string[] {
  return [...Deno.readDirSync(`${daemon.dir}/state/bundles`)]
    .map(({ name }) => name);
}

Deno.test({
  name: "ctr restores a container from a checkpoint that it took",
  ignore,
  async fn() {
    await using yard = await openYard();
    const { daemon } = yard;
    await sail(yard, "boat");
    const turn = ["sh", "-c", "echo south >/course"];
    await daemon.expectCtr(
      ...["tasks", "exec", "--exec-id", "turn", "boat", ...turn],
    );
    const parts = ["--task", "--image", "--rw"];
    await daemon.expectCtr("c", "checkpoint", ...parts, "boat", IMAGE);
    await sink(daemon, "boat");
    // It stays to show the output, until the container has ended.
    const restoring = daemon.ctr(
      ...["c", "restore", "--live", "--rw", "again", IMAGE],
    );
    await until("it runs", async () => {
      const { stdout } = await daemon.ctr("tasks", "ls");
      return /^again\s+\d+\s+RUNNING/m.test(stdout);
    });
    const [directory = "", ...files] = yard.restored();
    assertEquals(files, [
      "./deep/core.img:more",
      "./pages-1.img:what boat remembers",
    ]);
    // The layer that it has written.
    const look = ["tasks", "exec", "--exec-id", "e", "again", "cat", "/course"];
    assertEquals(await daemon.expectCtr(...look), "south\n");
    await daemon.expectCtr("tasks", "kill", "-s", "SIGKILL", "again");
    await restoring;
    await sink(daemon, "again");
    assertEquals(bundles(daemon), []);
    assertEquals(isThere(directory), false);
  },
});

Deno.test({
  name: "tasks.create() says what is no checkpoint, and leaves nothing behind",
  ignore,
  async fn() {
    await using yard = await openYard();
    const { daemon } = yard;
    const command = [ARCHIVE_IMAGE, "raft", "/bin/sleep", "300"];
    await daemon.expectCtr("c", "create", ...command);
    const data = new TextEncoder().encode("no archive at all");
    const digest = await store(daemon, data);
    const size = BigInt(data.length);
    const of = (mediaType: string) => ({ mediaType, digest, size });
    assertEquals(
      await refused(daemon, of("text/plain")),
      ["invalidArgument", "text/plain"],
    );
    const damaged = of(CHECKPOINT);
    assertEquals(await refused(daemon, damaged), ["dataLoss", undefined]);
    const none = await digestOf(new Uint8Array(1));
    const absent = { mediaType: CHECKPOINT, digest: none, size: 1n };
    assertEquals(await refused(daemon, absent), ["notFound", none]);
    assertEquals(bundles(daemon), []);
    await daemon.expectCtr("containers", "rm", "raft");
  },
});

Deno.test({
  name: "tasks.create() restores from a directory that its options name",
  ignore,
  async fn() {
    await using yard = await openYard();
    const { daemon, runtime: binaryName } = yard;
    const command = [ARCHIVE_IMAGE, "tug", "/bin/sleep", "300"];
    await daemon.expectCtr("c", "create", ...command);
    const criuImagePath = `${daemon.dir}/kept`;
    await Deno.mkdir(criuImagePath);
    await Deno.writeTextFile(`${criuImagePath}/a.img`, "dreams\n");
    const options = Options.fromPartial({ binaryName, criuImagePath });
    const value = Options.encode(options).finish();
    const source = `${daemon.dir}/image/rootfs`;
    const tasks = daemon.stub(TasksDefinition);
    const request = CreateTaskRequest.fromPartial({
      containerId: "tug",
      options: { typeUrl: "containerd.runc.v1.Options", value },
      rootfs: [{ type: "bind", source, options: ["rbind", "rw"] }],
    });
    await tasks.create(request, { metadata: daemon.headers });
    const started = { containerId: "tug", execId: "" };
    await tasks.start(started, { metadata: daemon.headers });
    assertEquals(yard.restored(), [criuImagePath, "./a.img:dreams"]);
    await sink(daemon, "tug");
    assertEquals(isThere(criuImagePath), true);
  },
});

const CHECKPOINT =
  "application/vnd.containerd.container.criu.checkpoint.criu.tar";

async function store(
  daemon: Daemon,
  data: Uint8Array<ArrayBuffer>,
): Promise<string> {
  const request = WriteContentRequest.fromPartial({
    ...{ action: WriteAction.COMMIT, ref: "planks", data },
    labels: { "containerd.io/gc.root": "yes" },
  });
  async function* once() {
    yield await Promise.resolve(request);
  }
  const content = daemon.stub(ContentDefinition);
  await Array.fromAsync(content.write(once(), { metadata: daemon.headers }));
  return await digestOf(data);
}

/** @returns the error's code, and what of `checkpoint` its message names */
async function refused(
  daemon: Daemon,
  checkpoint: Partial<Descriptor>,
): Promise<readonly unknown[]> {
  const request = CreateTaskRequest.fromPartial({
    containerId: "raft",
    checkpoint,
  });
  try {
    await daemon.stub(TasksDefinition)
      .create(request, { metadata: daemon.headers });
    return ["ok"];
  } catch (error) {
    const { code, message } = EngineError.from(error);
    const values = [checkpoint.mediaType, checkpoint.digest];
    return [code, values.find((it) => message.includes(String(it)))];
  }
}
