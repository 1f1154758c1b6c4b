import { assertEquals } from "@std/assert";
import { background } from "../src/base/context.ts";
import { type Digest, parseDigest } from "../src/base/digest.ts";
import { EngineError } from "../src/base/errors.ts";
import type { LayerTarget, UnpackSession } from "../src/core/unpack.ts";
import { createFileTrees } from "../src/app/file_trees.ts";
import { bytesOnce } from "../src/engine/images_archive.ts";
import { createMounter } from "../src/drivers/mounter/mounter.ts";
import { createLayerUnpacker } from "../src/drivers/unpack/unpacker.ts";
import { MEDIA_TYPE } from "../src/oci/media_types.ts";
import { inUserNamespace } from "../src/sys/ids.ts";
import { rawTar } from "./support/raw_tar.ts";
import { type HostileArchive, hostileArchives } from "./support/tar_corpus.ts";
import { describeTree } from "./support/describe_tree.ts";

const SECRET = "what only the outside knows";

/** What lies beside the layer and must stay as it is. */
function makeOutside(path: string): void {
  Deno.mkdirSync(`${path}/dir`, { recursive: true });
  Deno.writeTextFileSync(`${path}/victim`, SECRET);
  Deno.writeTextFileSync(`${path}/dir/inner`, SECRET);
  Deno.symlinkSync("victim", `${path}/link`);
}

type Way = LayerTarget["how"] | "copied";

interface Outcome {
  readonly result: "error" | "done";
  /** Files in the layer. */
  readonly inside: string[];
  /** What is around the layer, while the layer still exists. */
  readonly outside: string[];
}

interface Place {
  readonly base: string;
  readonly outside: string;
}

async function unpack(
  session: UnpackSession,
  { base, outside }: Place,
  { name, bytes }: Pick<HostileArchive, "name" | "bytes">,
  how: Way,
): Promise<Outcome> {
  const target = `${base}/layer`;
  const path = `${base}/archive`;
  await Deno.mkdir(target);
  await Deno.writeFile(path, bytes);
  const digest = await sha256(bytes);
  const outcome = (result: Outcome["result"]): Outcome => ({
    result,
    inside: describeTree(target),
    outside: describeOutside({ base, outside }),
  });
  try {
    if (how === "copied") await copy(target, bytes);
    else {
      await session.unpack(background(), {
        layer: { mediaType: MEDIA_TYPE.ociLayer, digest, size: bytes.length },
        source: { kind: "file", path },
        target: { path: target, how },
      });
    }
    return outcome("done");
  } catch (error) {
    if (error instanceof EngineError) return outcome("error");
    throw new Error(`"${name}" fails without saying why`, { cause: error });
  } finally {
    await Deno.remove(target, { recursive: true });
  }
}

/** As `coracle cp -` does. */
async function copy(
  target: string,
  bytes: Uint8Array<ArrayBuffer>,
): Promise<void> {
  using tree = await createFileTrees({ ids: "all" }).open(target);
  await tree.write(background(), "/", bytesOnce(bytes), "keep");
}

async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<Digest> {
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return parseDigest(`sha256:${hash.toHex()}`);
}

function openUnpacker(): UnpackSession {
  return createLayerUnpacker({
    workerUrl: () =>
      new URL("../src/drivers/unpack/worker.ts", import.meta.url),
    mounter: createMounter(),
    attributes: inUserNamespace() ? "user" : "trusted",
    owners: "keep",
    devices: "make",
    processors: 2,
  }).open();
}

for (const how of ["staged", "applied", "copied"] as const) {
  Deno.test({
    name: `unpack() lets no hostile archive out of its directory when ${how}`,
    ignore: Deno.uid() !== 0,
    // Drivers open symbols of libc that stay open.
    sanitizeResources: false,
    fn: async () => {
      const base = await Deno.realPath(await Deno.makeTempDir());
      const place = { base, outside: `${base}/outside` };
      makeOutside(place.outside);
      try {
        await using session = openUnpacker();
        await checkAll(session, place, how);
      } finally {
        await Deno.remove(base, { recursive: true });
      }
    },
  });
}

async function checkAll(
  session: UnpackSession,
  place: Place,
  how: Way,
): Promise<void> {
  // Says also that what is compared below would show a difference.
  const honest = { name: "honest", bytes: rawTar({ name: "planted" }) };
  const first = await unpack(session, place, honest, how);
  assertEquals(first.result, "done");
  assertEquals(first.inside.length, 2);
  for (const archive of hostileArchives(place.outside)) {
    const { result, inside, outside } = await unpack(
      session,
      place,
      archive,
      how,
    );
    assertEquals(outside, first.outside, archive.name);
    assertEquals(inside.join().includes(SECRET), false, archive.name);
    // In what is copied no name is a whiteout's.
    const mustFail = archive.expect === "error" &&
      (how !== "copied" || !archive.name.includes("whiteout"));
    if (mustFail) assertEquals(result, "error", archive.name);
  }
}

/** All that could have been changed, by content and metadata. */
function describeOutside({ base, outside }: Place): string[] {
  const host = ["/etc/passwd", "/planted", "/victim"].flatMap(describeTree);
  const names = [...Deno.readDirSync(base)].map(({ name }) => name).sort();
  return [...describeTree(outside), ...host, ...names];
}
