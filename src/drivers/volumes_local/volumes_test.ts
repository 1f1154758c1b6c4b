import { assert, assertEquals, assertRejects } from "@std/assert";
import { background } from "../../base/context.ts";
import { EngineError } from "../../base/errors.ts";
import type { VolumeStore } from "../../core/volume.ts";
import { diskUsage } from "../../sys/disk_usage.ts";
import { createLocalVolumes } from "./volumes.ts";

// Libraries that the first call opens stay open.
await diskUsage(import.meta.dirname ?? ".");

const ctx = background({ namespace: "ship" });

async function withVolumes(
  body: (volumes: VolumeStore, root: string) => Promise<void>,
): Promise<void> {
  const root = await Deno.makeTempDir({ prefix: "coracle-volumes-" });
  try {
    await body(createLocalVolumes(root), root);
  } finally {
    await Deno.remove(root, { recursive: true });
  }
}

Deno.test("LocalVolumes lists what it and containers have made", () =>
  withVolumes(async (volumes, root) => {
    assertEquals(await Array.fromAsync(volumes.list(ctx)), []);
    const before = Date.now();
    const made = await volumes.create(ctx, "hold");
    assertEquals(made.mountpoint, `${root}/ship/hold/_data`);
    assert(made.createdAt.getTime() >= before - 1_000);
    assertEquals((await volumes.create(ctx, "hold")).name, "hold");
    await Deno.mkdir(`${root}/ship/.c0ffee/3/_data`, { recursive: true });
    await volumes.create({ ...ctx, namespace: "other" }, "theirs");
    const found = await Array.fromAsync(volumes.list(ctx));
    assertEquals(found.map(({ name, kind }) => [name, kind]), [
      ["hold", "named"],
      [".c0ffee/3", "anonymous"],
    ]);
  }));

Deno.test("LocalVolumes removes one volume with all that is in it", () =>
  withVolumes(async (volumes, root) => {
    const { mountpoint } = await volumes.create(ctx, "hold");
    await Deno.writeTextFile(`${mountpoint}/cargo`, "x".repeat(10_000));
    assert(await volumes.usage(ctx, "hold") >= 10_000);
    await volumes.remove(ctx, "hold");
    for (const number of [0, 1]) {
      await Deno.mkdir(`${root}/ship/.c0/${number}/_data`, { recursive: true });
    }
    await volumes.remove(ctx, ".c0/0");
    const left = await Array.fromAsync(volumes.list(ctx));
    assertEquals(left.map(({ name }) => name), [".c0/1"]);
    await volumes.remove(ctx, ".c0/1");
    assertEquals(await Array.fromAsync(Deno.readDir(`${root}/ship`)), []);
  }));

Deno.test("LocalVolumes throws notFound for what is no volume", () =>
  withVolumes(async (volumes) => {
    await volumes.create(ctx, "hold");
    for (
      const name of [
        "none",
        "",
        ".",
        "..",
        "../ship/hold",
        ".c0/..",
        "hold/_data",
      ]
    ) {
      for (const call of ["get", "remove", "usage"] as const) {
        const error = await assertRejects(
          async () => await volumes[call](ctx, name),
          EngineError,
        );
        assertEquals(error.code, "notFound", name);
      }
    }
  }));
