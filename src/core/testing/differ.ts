import { assert, assertEquals, assertRejects } from "@std/assert";
import { background, type Context } from "../../base/context.ts";
import { EngineError } from "../../base/errors.ts";
import { MEDIA_TYPE } from "../../oci/media_types.ts";
import type { ContentStore } from "../content.ts";
import type { Differ } from "../diff.ts";
import { LABEL } from "../labels.ts";
import type { Mount } from "../mount.ts";
import type { Snapshotter } from "../snapshot.ts";

/** What a suite runs on; a fresh one for each step. */
export interface DifferUnderTest extends AsyncDisposable {
  readonly differ: Differ;
  readonly content: ContentStore;
  readonly snapshotter: Snapshotter;
  /** Runs a shell script in the root of what the mounts show. */
  run(mounts: readonly Mount[], script: string): Promise<void>;
  /** A line for each file that the mounts show, with all that a layer keeps. */
  describe(mounts: readonly Mount[]): Promise<string[]>;
}

type Step = (under: DifferUnderTest, ctx: Context) => Promise<void>;

/** The conformance suite that each differ runs. */
export async function differSuite(
  t: Deno.TestContext,
  open: () => Promise<DifferUnderTest>,
): Promise<void> {
  for (const [name, step] of Object.entries(STEPS)) {
    await t.step(name, async () => {
      await using under = await open();
      await step(under, background());
    });
  }
}

const BASE = `
  mkdir -p etc usr/bin var/cache deep/er/est keep
  echo one >etc/a; echo two >etc/b; echo old >usr/bin/tool; chmod 755 usr/bin/tool
  echo cached >var/cache/x; echo bottom >deep/er/est/file; ln -s etc/a link
  echo same >keep/file; mknod null c 1 3
`;

/** One of every change that a layer can hold. */
const CHANGES: Readonly<Record<string, string>> = {
  "a new file": "echo new >etc/new",
  "a file with other data": "echo changed >etc/a",
  "a file of the same size with other data": "echo eno >etc/a",
  "a file with another mode": "chmod 4711 usr/bin/tool",
  "a file with another owner": "chown 70000:80000 etc/b",
  "a deleted file": "rm etc/b",
  "a deleted directory": "rm -r deep",
  "a directory made anew":
    "rm -r var/cache; mkdir var/cache; echo fresh >var/cache/y",
  "a directory emptied": "rm var/cache/x",
  "a directory that became a file": "rm -r deep; echo file >deep",
  "a directory that became a symlink": "rm -r deep; ln -s usr deep",
  "a file that became a directory": "rm etc/a; mkdir etc/a; echo in >etc/a/in",
  "a symlink that points elsewhere": "ln -sfn etc/b link",
  "a renamed directory": "mv deep/er moved",
  "a directory with another mode": "chmod 1777 var",
  "new hard links": "echo h >h1; ln h1 h2; ln h1 etc/h3",
  "a hard link to a file below": "ln keep/file etc/linked",
  "a fifo": "mkfifo pipe",
  "a device": "mknod -m 640 disk b 7 5",
  "extended attributes": "echo x >x; setfattr -n user.note -v 0x00ff0a3d x",
  "a name that is no UTF-8": "echo l >\"$(printf 'l\\351')\"",
  "a name of 250 bytes far down":
    'n=$(printf "n%.0s" $(seq 250)); mkdir -p $n/$n; echo f >$n/$n/$n',
  "a sparse file": "truncate -s 3M sparse; echo end >>sparse",
  "times to the nanosecond":
    "touch -d @1500000000.123456789 etc/a; touch -hd @-5.25 link",
};

const STEPS: Readonly<Record<string, Step>> = {
  ...Object.fromEntries(
    Object.entries(CHANGES).map(([what, script]) => [
      `compare() makes a layer that apply() turns into the same: ${what}`,
      (under: DifferUnderTest, ctx: Context) => roundTrip(under, ctx, script),
    ]),
  ),

  "compare() makes a layer of all changes at once": (under, ctx) =>
    roundTrip(
      under,
      ctx,
      `echo new >etc/new; rm etc/b; rm -r deep; echo eno >etc/a; chmod 1777 var
       rm -r var/cache; mkdir -p var/cache/z; ln keep/file l2; mv usr lib`,
    ),

  "compare() makes a layer of a first snapshot": async (under, ctx) => {
    const { snapshotter, differ } = under;
    const upper = await snapshotter.prepare(ctx, "first", "");
    await under.run(upper, BASE);
    const layer = await differ.compare(ctx, [], upper);
    const again = await snapshotter.prepare(ctx, "again", "");
    await differ.apply(ctx, layer, again);
    assertEquals(await under.describe(again), await under.describe(upper));
  },

  "compare() of what did not change makes an empty layer": async (
    under,
    ctx,
  ) => {
    const { lower, upper } = await prepared(under, ctx, "true");
    const layer = await under.differ.compare(ctx, lower, upper, {
      compression: "none",
    });
    // Nothing but the two blocks of zeros that end an archive.
    assertEquals(layer.size, 1024);
  },

  "compare() gives the same layer each time": async (under, ctx) => {
    const { lower, upper } = await prepared(under, ctx, CHANGES["a fifo"]);
    const first = await under.differ.compare(ctx, lower, upper);
    const second = await under.differ.compare(ctx, lower, upper);
    assertEquals(second, first);
  },

  "compare() compresses as it is told and labels the layer": async (
    under,
    ctx,
  ) => {
    const { lower, upper } = await prepared(under, ctx, "echo a >a");
    const seen = new Set<string>();
    for (
      const [compression, mediaType] of [
        ["none", MEDIA_TYPE.ociLayer],
        ["gzip", MEDIA_TYPE.ociLayerGzip],
        ["zstd", MEDIA_TYPE.ociLayerZstd],
      ] as const
    ) {
      const labels = { "test/compression": compression };
      const options = { compression, labels };
      const layer = await under.differ.compare(ctx, lower, upper, options);
      assertEquals(layer.mediaType, mediaType);
      const info = await under.content.info(ctx, layer.digest);
      assertEquals(info.size, layer.size);
      assertEquals(info.labels[LABEL.uncompressed], layer.diffId);
      assertEquals(info.labels["test/compression"], compression);
      assertEquals(
        layer.digest === layer.diffId,
        compression === "none",
      );
      seen.add(layer.diffId);
    }
    assertEquals(seen.size, 1);
  },

  "compare() takes Docker's media types": async (under, ctx) => {
    const { lower, upper } = await prepared(under, ctx, "echo a >a");
    const mediaType = MEDIA_TYPE.dockerLayerGzip;
    const layer = await under.differ.compare(ctx, lower, upper, { mediaType });
    assertEquals(layer.mediaType, mediaType);
  },

  "compare() refuses a media type that is no layer's": async (under, ctx) => {
    const mediaType = MEDIA_TYPE.ociManifest;
    const error = await assertRejects(
      () => under.differ.compare(ctx, [], [], { mediaType }),
      EngineError,
    );
    assertEquals(error.code, "unimplemented");
  },

  "compare() ends when the context does": async (under, ctx) => {
    const { lower, upper } = await prepared(under, ctx, "echo a >a");
    const ended = { ...ctx, signal: AbortSignal.abort() };
    await assertRejects(() => under.differ.compare(ended, lower, upper));
  },

  "changes() lists what is new, other and gone": async (under, ctx) => {
    const { lower, upper } = await prepared(
      under,
      ctx,
      `mkdir -p new/in; echo n >new/in/f; chmod 600 etc/a; rm etc/b
       rm -r deep/er; rm -r var/cache; mkdir var/cache; echo y >var/cache/y
       rm -r keep; echo file >keep; ln -sfn etc/b link; touch usr/bin; chmod 700 usr`,
    );
    const letters = { added: "A", changed: "C", deleted: "D" };
    const lines: string[] = [];
    for await (const change of under.differ.changes(ctx, lower, upper)) {
      lines.push(`${letters[change.kind]} ${change.path}`);
    }
    assertEquals(lines, [
      ...["C /deep", "D /deep/er", "C /etc", "C /etc/a", "D /etc/b"],
      ...["C /keep", "C /link", "A /new", "A /new/in", "A /new/in/f"],
      ...["C /usr", "C /var", "C /var/cache", "D /var/cache/x"],
      "A /var/cache/y",
    ]);
  },

  "changes() lists all of a first snapshot, nothing of the same": async (
    under,
    ctx,
  ) => {
    const { lower } = await prepared(under, ctx);
    const paths = async (before: readonly Mount[]) => {
      const list = under.differ.changes(ctx, before, lower);
      return (await Array.fromAsync(list)).map(({ path }) => path);
    };
    assertEquals((await paths([])).slice(0, 2), ["/deep", "/deep/er"]);
    assertEquals(await paths(lower), []);
  },

  "empty places to mount at are no difference": async (under, ctx) => {
    const { lower, upper } = await prepared(
      under,
      ctx,
      "mkdir proc sys; echo >sys/x; touch etc/hosts etc/other; " +
        "mkdir -p run/only/place run/more; touch run/only/file run/more/own",
    );
    const mountPoints = new Set([
      ...["/proc", "/sys", "/etc/hosts", "/etc/a"],
      // Made with all above them.
      ...["/run/only/place", "/run/only/file", "/run/more/place"],
    ]);
    const list = under.differ.changes(ctx, lower, upper, { mountPoints });
    const paths = (await Array.fromAsync(list)).map(({ path }) => path);
    assertEquals(paths, [
      ...["/etc", "/etc/other", "/run", "/run/more", "/run/more/own"],
      ...["/sys", "/sys/x"],
    ]);
    const layer = await under.differ.compare(ctx, lower, upper, {
      mountPoints,
    });
    const again = await under.snapshotter.prepare(ctx, "again", "base");
    await under.differ.apply(ctx, layer, again);
    await under.run(
      upper,
      "rmdir proc; rm -r etc/hosts run/only; touch -d @5 . etc run",
    );
    await under.run(again, "touch -d @5 . etc run");
    assertEquals(await under.describe(again), await under.describe(upper));
  },

  "apply() refuses content that is not there": async (under, ctx) => {
    const { lower, upper } = await prepared(under, ctx, "echo a >a");
    const layer = await under.differ.compare(ctx, lower, upper);
    await under.content.delete(ctx, layer.digest);
    const target = await under.snapshotter.prepare(ctx, "target", "base");
    const error = await assertRejects(
      () => under.differ.apply(ctx, layer, target),
      EngineError,
    );
    assertEquals(error.code, "notFound");
  },

  "apply() writes nothing into a view": async (under, ctx) => {
    const { lower, upper } = await prepared(under, ctx, "echo a >a");
    const layer = await under.differ.compare(ctx, lower, upper);
    const view = await under.snapshotter.view(ctx, "look", "base");
    await assertRejects(() => under.differ.apply(ctx, layer, view));
    const after = await under.snapshotter.view(ctx, "look again", "base");
    const changes = under.differ.changes(ctx, lower, after);
    assertEquals(await Array.fromAsync(changes), []);
  },
};

interface Prepared {
  readonly lower: readonly Mount[];
  readonly upper: readonly Mount[];
}

/** A committed `base`, a view of it, and a changed snapshot on it. */
async function prepared(
  { snapshotter, run }: DifferUnderTest,
  ctx: Context,
  script = "true",
): Promise<Prepared> {
  await run(await snapshotter.prepare(ctx, "base-key", ""), BASE);
  await snapshotter.commit(ctx, "base", "base-key");
  const lower = await snapshotter.view(ctx, "view", "base");
  const upper = await snapshotter.prepare(ctx, "changed", "base");
  await run(upper, script);
  return { lower, upper };
}

async function roundTrip(
  under: DifferUnderTest,
  ctx: Context,
  script: string,
): Promise<void> {
  const { lower, upper } = await prepared(under, ctx, script);
  const layer = await under.differ.compare(ctx, lower, upper);
  const target = await under.snapshotter.prepare(ctx, "target", "base");
  const before = await under.describe(target);
  const applied = await under.differ.apply(ctx, layer, target);
  assertEquals(applied.diffId, layer.diffId);
  const wanted = await under.describe(upper);
  assertEquals(await under.describe(target), wanted);
  assert(`${before}` !== `${wanted}`, "the script changed nothing");
}
