import { assert, assertEquals } from "@std/assert";
import { ensureUnpacked, localContent } from "../src/engine/unpack.ts";
import { ctx, type MadeImage, openStore } from "./pull_support.ts";

/** That all of an image is in the store, whole, and nothing besides. */
export async function checkStore(
  path: string,
  name: string,
  image: MadeImage,
): Promise<void> {
  await using store = await openStore(path);
  const { services } = store.connection;
  const content = localContent(services);
  for (const { bytes, at } of image.blobs) {
    const blob = await content.blobPath(ctx, at.digest);
    assertEquals(await Deno.readFile(blob), bytes);
  }
  const found = await services.images.get(ctx, name);
  const { snapshot } = await ensureUnpacked(ctx, services, found);
  const files = await listFiles(store, snapshot);
  assertEquals(files.get("layer0/added"), "by the next layer");
  assert(!files.has("layer1/file7"));
  assert(!files.has("lib/added"));
  for (let layer = 0; layer < 4; layer++) {
    for (let i = 0; i < 800; i++) {
      if (layer === 1 && i === 7) continue;
      const text = `${layer} ${i} `.repeat(200);
      assertEquals(files.get(`layer${layer}/file${i}`), text);
    }
  }
  const root = `${path}/root`;
  // One that was killed at its very end leaves its name behind, for the
  // garbage collector; nobody needs it any more.
  const ingests = names(`${root}/content/ingest`).filter((name) =>
    sizeOf(`${root}/content/ingest/${name}/data`) > 0
  );
  assertEquals(ingests, []);
  assertEquals(names(`${root}/snapshots/overlayfs`).length, 5);
}

/** Zero also if there is nothing. */
function sizeOf(path: string): number {
  try {
    return Deno.statSync(path).size;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return 0;
    throw error;
  }
}

async function listFiles(
  store: Awaited<ReturnType<typeof openStore>>,
  snapshot: string,
): Promise<Map<string, string>> {
  const { services } = store.connection;
  const snapshotter = services.snapshotters.get("overlayfs");
  assert(snapshotter !== undefined);
  const target = await Deno.makeTempDir();
  const mounts = await snapshotter.view(ctx, "check", snapshot);
  try {
    await using _mounted = await services.mounter.mount(ctx, mounts, target);
    return readFiles(target);
  } finally {
    await snapshotter.remove(ctx, "check");
    await Deno.remove(target);
  }
}

function readFiles(root: string): Map<string, string> {
  const files = new Map<string, string>();
  for (const directory of names(root)) {
    const path = `${root}/${directory}`;
    if (!Deno.lstatSync(path).isDirectory) continue;
    for (const file of names(path)) {
      const text = Deno.readTextFileSync(`${path}/${file}`);
      files.set(`${directory}/${file}`, text);
    }
  }
  return files;
}

function names(directory: string): string[] {
  try {
    return [...Deno.readDirSync(directory)].map(({ name }) => name).sort();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}
