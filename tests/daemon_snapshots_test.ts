/**
 * Snapshots and layers over the daemon, as clients use them that mount for
 * themselves: unpacking in parallel, comparing, going on after a restart, and
 * beside the command line on the same store. What one call answers is compared
 * with containerd's in `daemon_differential_test.ts`.
 */

import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  ContentDefinition,
  ReadContentRequest,
  WriteAction,
  WriteContentRequest,
} from "../proto/gen/containerd/services/content/v1/content.ts";
import {
  ApplyRequest,
  DiffDefinition,
  DiffRequest,
} from "../proto/gen/containerd/services/diff/v1/diff.ts";
import { LeasesDefinition } from "../proto/gen/containerd/services/leases/v1/leases.ts";
import {
  CommitSnapshotRequest,
  ListSnapshotsRequest,
  SnapshotsDefinition,
} from "../proto/gen/containerd/services/snapshots/v1/snapshots.ts";
import { Descriptor } from "../proto/gen/containerd/types/descriptor.ts";
import type { Mount } from "../proto/gen/containerd/types/mount.ts";
import { digestOf } from "../src/base/hash.ts";
import { EngineError } from "../src/base/errors.ts";
import { MEDIA_TYPE } from "../src/oci/media_types.ts";
import { type Daemon, openDaemon } from "./support/daemon.ts";

Deno.test({
  name: "snapshots of the daemon",
  ignore: Deno.uid() !== 0,
  fn: async (t) => {
    await using daemon = await openDaemon();
    await daemon.stub(LeasesDefinition)
      .create({ id: LEASE, labels: {} }, { metadata: daemon.headers });
    for (const [name, run] of Object.entries(STEPS)) {
      await t.step(name, () => run(daemon));
    }
  },
});

const snapshotter = "overlayfs";
/** Keeps from the collector what the steps make. */
const LEASE = "steps";

const STEPS: Readonly<Record<string, (daemon: Daemon) => Promise<void>>> = {
  async "layers of many images unpack at once"(daemon) {
    const done = await Promise.all(
      Array.from({ length: 12 }, async (_, at) => {
        const layer = await makeLayer({ "number": `${at}` });
        await store(daemon, layer);
        const key = `extract-${at}`;
        const mounts = await prepare(daemon, key);
        const request = { diff: layer.descriptor, mounts };
        const { applied } = await daemon.stub(DiffDefinition)
          .apply(ApplyRequest.fromPartial(request), about(daemon));
        assertEquals(applied?.digest, layer.diffId);
        const name = `layer-${at}`;
        await commit(daemon, { key, name });
        return name;
      }),
    );
    const blocks = await Array.fromAsync(
      daemon.stub(SnapshotsDefinition).list(
        ListSnapshotsRequest.fromPartial({
          snapshotter,
          filters: ["kind==committed"],
        }),
        about(daemon),
      ),
    );
    const names = blocks.flatMap(({ info }) => info.map((it) => it.name));
    assertEquals(names.toSorted(), done.toSorted());
    const mounts = await prepare(daemon, "reader", "layer-7");
    const text = await mounted(mounts, (at) => readText(`${at}/number`));
    assertEquals(text, "7");
  },

  async "what a client has changed becomes the same layer each time"(daemon) {
    const lower = await view(daemon, "lower", "layer-3");
    const upper = await prepare(daemon, "upper", "layer-3");
    await mounted(upper, async (at) => {
      await Deno.writeTextFile(`${at}/added`, "new");
      await Deno.remove(`${at}/number`);
    });
    const request = DiffRequest.fromPartial({
      ...{ left: lower, right: upper, mediaType: MEDIA_TYPE.ociLayerGzip },
      ...{ ref: "made", labels: { of: "upper" } },
      sourceDateEpoch: new Date(1_700_000_000_000),
    });
    const diffs = daemon.stub(DiffDefinition);
    const { diff } = await diffs.diff(request, about(daemon));
    const digest = diff?.digest ?? "";
    const { info } = await daemon.stub(ContentDefinition)
      .info({ digest }, about(daemon));
    assertEquals(info?.labels["of"], "upper");
    const packed = await fetched(daemon, digest);
    const tar = await new Response(
      new Blob([packed.slice()]).stream()
        .pipeThrough(new DecompressionStream("gzip")),
    ).bytes();
    const diffId = await digestOf(tar);
    assertEquals(info?.labels["containerd.io/uncompressed"], diffId);
    const again = await diffs.diff(
      { ...request, ref: "made-again" },
      about(daemon),
    );
    assertEquals(again.diff?.digest, digest);
    const onto = await prepare(daemon, "onto", "layer-3");
    const apply = ApplyRequest.fromPartial({ diff, mounts: onto });
    const { applied } = await diffs.apply(apply, about(daemon));
    assertEquals(applied?.digest, diffId);
    const entries = await mounted(onto, (at) => names(at));
    assertEquals(entries, ["added"]);
  },

  async "mounts are the same after a restart, also while in use"(daemon) {
    const before = await mountsOf(daemon, "upper");
    await mounted(before, async (at) => {
      await Deno.writeTextFile(`${at}/kept`, "yes");
      await daemon.stop("SIGKILL");
      await daemon.start();
      assertEquals(await mountsOf(daemon, "upper"), before);
      assertEquals(await readText(`${at}/kept`), "yes");
    });
    const types = new Set(before.map(({ type }) => type));
    assert(types.isSubsetOf(new Set(["bind", "overlay"])));
  },

  async "payloads for stream processors matter to no layer that needs none"(
    daemon,
  ) {
    const layer = await makeLayer({ a: "b" });
    await store(daemon, layer);
    const apply = (mounts: Mount[], mediaType: string) =>
      daemon.stub(DiffDefinition).apply(
        ApplyRequest.fromPartial({
          diff: { ...layer.descriptor, mediaType },
          mounts,
          payloads: { "io.example.decrypt": { typeUrl: "x" } },
        }),
        about(daemon),
      );
    const { mediaType } = layer.descriptor;
    const mounts = await prepare(daemon, "processed");
    await apply(mounts, mediaType);
    assertEquals(await mounted(mounts, (at) => names(at)), ["a"]);
    const error = await assertRejects(
      () => apply(mounts, `${mediaType}+encrypted`),
      EngineError,
      `${mediaType}+encrypted`,
    );
    assertEquals(error.code, "unimplemented");
  },

  async "the collector takes what nothing names, and no more"(daemon) {
    const kept = { "containerd.io/gc.root": "yes" };
    const without = { metadata: daemon.headers };
    const snapshots = daemon.stub(SnapshotsDefinition);
    for (const [key, labels] of [["rooted", kept], ["loose", {}]] as const) {
      const request = { snapshotter, key, parent: "", labels };
      await snapshots.prepare(request, without);
    }
    await daemon.expectCtr("leases", "create", "--id", "empty");
    await daemon.expectCtr("leases", "delete", "--sync", "empty");
    await mountsOf(daemon, "rooted");
    const error = await assertRejects(
      () => mountsOf(daemon, "loose"),
      EngineError,
    );
    assertEquals(error.code, "notFound");
  },
};

function about({ headers }: Daemon) {
  return { metadata: { ...headers, "containerd-lease": LEASE } };
}

async function prepare(
  daemon: Daemon,
  key: string,
  parent = "",
): Promise<Mount[]> {
  const request = { snapshotter, key, parent, labels: {} };
  const { mounts } = await daemon.stub(SnapshotsDefinition)
    .prepare(request, about(daemon));
  return mounts;
}

async function view(daemon: Daemon, key: string, parent: string) {
  const request = { snapshotter, key, parent, labels: {} };
  const { mounts } = await daemon.stub(SnapshotsDefinition)
    .view(request, about(daemon));
  return mounts;
}

async function mountsOf(daemon: Daemon, key: string) {
  const { mounts } = await daemon.stub(SnapshotsDefinition)
    .mounts({ snapshotter, key }, about(daemon));
  return mounts;
}

async function commit(
  daemon: Daemon,
  of: { readonly key: string; readonly name: string },
): Promise<void> {
  const labels = { "containerd.io/gc.root": "yes" };
  const request = { snapshotter, ...of, labels };
  await daemon.stub(SnapshotsDefinition)
    .commit(CommitSnapshotRequest.fromPartial(request), about(daemon));
}

interface Layer {
  readonly descriptor: Descriptor;
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Of the archive as it is uncompressed. */
  readonly diffId: string;
}

async function makeLayer(
  files: Readonly<Record<string, string>>,
): Promise<Layer> {
  const dir = await Deno.makeTempDir();
  try {
    for (const [name, text] of Object.entries(files)) {
      await Deno.writeTextFile(`${dir}/${name}`, text);
    }
    const { stdout } = await new Deno.Command("tar", {
      args: ["-C", dir, "-c", ...Object.keys(files)],
    }).output();
    const bytes = await new Response(
      new Blob([stdout]).stream().pipeThrough(new CompressionStream("gzip")),
    ).bytes();
    const descriptor = Descriptor.fromPartial({
      mediaType: MEDIA_TYPE.ociLayerGzip,
      digest: await digestOf(bytes),
      size: BigInt(bytes.length),
    });
    return { descriptor, bytes, diffId: await digestOf(stdout) };
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

async function store(daemon: Daemon, layer: Layer): Promise<void> {
  const { digest } = layer.descriptor;
  const request = WriteContentRequest.fromPartial({
    ...{ action: WriteAction.COMMIT, ref: digest, expected: digest },
    data: layer.bytes,
    labels: { "containerd.io/gc.root": "yes" },
  });
  const answers = daemon.stub(ContentDefinition)
    .write(ReadableStream.from([request]), about(daemon));
  assertEquals((await Array.fromAsync(answers)).length, 1);
}

async function fetched(daemon: Daemon, digest: string): Promise<Uint8Array> {
  const request = ReadContentRequest.fromPartial({ digest });
  const pieces = daemon.stub(ContentDefinition).read(request, about(daemon));
  const all = await Array.fromAsync(pieces, ({ data }) => data.slice());
  return await new Blob(all).bytes();
}

/** Mounts as a client does, in this process's own place. */
async function mounted<T>(
  mounts: readonly Mount[],
  use: (at: string) => Promise<T>,
): Promise<T> {
  const at = await Deno.makeTempDir();
  try {
    for (const { type, source, options } of mounts) {
      const bind = type === "bind" ? [] : ["-t", type];
      await run("mount", ...bind, "-o", options.join(","), source, at);
    }
    try {
      return await use(at);
    } finally {
      for (const _ of mounts) await run("umount", at);
    }
  } finally {
    await Deno.remove(at);
  }
}

async function run(command: string, ...args: string[]): Promise<void> {
  const { code, stderr } = await new Deno.Command(command, { args }).output();
  assertEquals(code, 0, new TextDecoder().decode(stderr));
}

async function readText(path: string): Promise<string> {
  return await Deno.readTextFile(path);
}

async function names(path: string): Promise<readonly string[]> {
  const found = await Array.fromAsync(Deno.readDir(path), ({ name }) => name);
  return found.toSorted();
}
