import { assertEquals } from "@std/assert";
import { fakeDescriptor } from "../../core/testing/fixtures.ts";
import type { TransferProgress } from "../../core/transfer.ts";
import { MEDIA_TYPE } from "../../oci/media_types.ts";
import { partName, ProgressPump, ProgressTracker } from "./progress.ts";

const manifest = fakeDescriptor(1);
const layer = { ...fakeDescriptor(2), mediaType: MEDIA_TYPE.ociLayerGzip };

function about(event: string, name: string): TransferProgress {
  return { event, name, parents: [], done: 0, total: 0 };
}

Deno.test("ProgressTracker tells of parts below what names them", () => {
  const told: TransferProgress[] = [];
  const tracker = new ProgressTracker("app:v1", (it) => told.push(it));
  tracker.add(undefined, [manifest]);
  tracker.add(manifest, [layer, layer]);
  const update = (
    state: "downloading" | "unpacking" | "done",
    doneBytes: number,
  ) =>
    tracker.update({
      kind: "layer",
      subject: layer.digest,
      state,
      doneBytes,
      totalBytes: layer.size,
    });
  update("downloading", 7);
  update("unpacking", 9);
  update("done", layer.size);
  update("downloading", 0);
  assertEquals(
    told.map(({ event, name, parents, done }) => [event, name, parents, done]),
    [
      ["waiting", partName(manifest), ["app:v1"], 0],
      ["waiting", partName(layer), [partName(manifest)], 0],
      ["downloading", partName(layer), [partName(manifest)], 7],
      ["extracting", partName(layer), [partName(manifest)], 9],
      ["extracted", partName(layer), [partName(manifest)], layer.size],
    ],
  );
  assertEquals(partName(layer), `layer-${layer.digest}`);
});

Deno.test("ProgressPump keeps the latest of each for a slow reader", async () => {
  const sent: string[] = [];
  let gate = Promise.withResolvers<void>();
  const pump = new ProgressPump(async ({ event, name }) => {
    await gate.promise;
    sent.push(`${event} ${name}`);
  });
  pump.tell(about("waiting", "a"));
  await Promise.resolve();
  await Promise.resolve();
  for (let n = 0; n < 1_000; n++) pump.tell(about(`at ${n}`, "a"));
  pump.tell(about("waiting", "b"));
  pump.tell(about("Completed", ""));
  gate.resolve();
  gate = Promise.withResolvers<void>();
  gate.resolve();
  await pump.idle();
  assertEquals(sent, ["waiting a", "at 999 a", "waiting b", "Completed "]);
});

Deno.test("ProgressPump is idle when nobody listens any more", async () => {
  let calls = 0;
  const pump = new ProgressPump(() => {
    calls++;
    return Promise.reject(new Error("gone"));
  });
  pump.tell(about("waiting", "a"));
  pump.tell(about("waiting", "b"));
  await pump.idle();
  pump.tell(about("waiting", "c"));
  await pump.idle();
  assertEquals(calls, 1);
});
