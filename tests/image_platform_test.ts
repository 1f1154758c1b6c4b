/** Commands on images that have several platforms, or the wrong one. */

import { assertEquals, assertStringIncludes } from "@std/assert";
import { openTestStore, type TestStore } from "./support/coracle.ts";

const HERE = Deno.build.arch === "aarch64" ? "linux/arm64" : "linux/amd64";
const FAR = "linux/riscv64";

interface Entry {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
}

async function digestOf(text: string): Promise<string> {
  const bytes = new TextEncoder().encode(text);
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return hash.toHex();
}

/** An image of one file that says what it is for. */
async function importFor(store: TestStore, platform: string, name: string) {
  const root = `${store.dir}/rootfs`;
  await Deno.mkdir(root, { recursive: true });
  await Deno.writeTextFile(`${root}/for`, platform);
  const tar = `${store.dir}/rootfs.tar`;
  await new Deno.Command("tar", { args: ["-C", root, "-cf", tar, "."] })
    .output();
  await store.ok(
    ...["import", "-m", `for ${platform}`, "--platform", platform, tar, name],
  );
}

/** Makes them the image that a layout has. */
async function writeIndex(
  layout: string,
  manifests: readonly Entry[],
  name: string,
): Promise<void> {
  const mediaType = "application/vnd.oci.image.index.v1+json";
  const index = JSON.stringify({ schemaVersion: 2, mediaType, manifests });
  const hex = await digestOf(index);
  await Deno.writeTextFile(`${layout}/blobs/sha256/${hex}`, index);
  const entry = {
    ...{ mediaType, digest: `sha256:${hex}`, size: index.length },
    annotations: { "io.containerd.image.name": name },
  };
  await Deno.writeTextFile(
    `${layout}/index.json`,
    JSON.stringify({ schemaVersion: 2, mediaType, manifests: [entry] }),
  );
}

/** `local/three:1`: what `local/both:1` has, and one that is not there. */
async function loadThree(store: TestStore): Promise<void> {
  const layout = `${store.dir}/three`;
  const save = ["save", "--format", "oci-dir", "-o", layout];
  await store.ok(...save, "local/both:1");
  const [{ digest }] = JSON.parse(
    await Deno.readTextFile(`${layout}/index.json`),
  ).manifests;
  const { manifests } = JSON.parse(
    await Deno.readTextFile(`${layout}/blobs/${digest.replace(":", "/")}`),
  );
  const absent = {
    ...manifests[0],
    digest: `sha256:${"0".repeat(64)}`,
    platform: { os: "linux", architecture: "s390x" },
  };
  const three = [...manifests, absent];
  await writeIndex(layout, three, "docker.io/local/three:1");
  await store.ok("load", "-q", "-i", layout);
}

/** `local/both:1`, an index; its parts have no names of their own any more. */
async function loadBoth(store: TestStore): Promise<void> {
  await importFor(store, HERE, "local/here:1");
  await importFor(store, FAR, "local/far:1");
  const layout = `${store.dir}/layout`;
  await store.ok(
    ...["save", "--format", "oci-dir", "-o", layout],
    ...["local/here:1", "local/far:1"],
  );
  const saved = JSON.parse(await Deno.readTextFile(`${layout}/index.json`));
  const manifests = saved.manifests.map((
    { annotations: _, ...entry }: Entry & { annotations: unknown },
  ) => entry);
  await writeIndex(layout, manifests, "docker.io/local/both:1");
  await store.ok("rmi", "local/here:1", "local/far:1");
  await store.ok("load", "-q", "-i", layout);
}

Deno.test({
  name: "coracle tells platforms of an image apart",
  ignore: Deno.uid() !== 0,
  fn: async (t) => {
    await using store = await openTestStore();
    await loadBoth(store);
    const architecture = async (...flags: readonly string[]) => {
      const format = ["--format", "{{.Os}}/{{.Architecture}}"];
      const args = ["image", "inspect", ...format, ...flags, "local/both:1"];
      return (await store.ok(...args)).trim();
    };

    await t.step("image inspect", async () => {
      assertEquals(await architecture(), HERE);
      assertEquals(await architecture("--platform", FAR), FAR);
    });

    await t.step("history", async () => {
      const comment = ["history", "--format", "{{.Comment}}"];
      assertEquals(
        await store.ok(...comment, "--platform", FAR, "local/both:1"),
        `for ${FAR}\n`,
      );
      assertEquals(
        await store.ok(...comment, "local/both:1"),
        `for ${HERE}\n`,
      );
    });

    await t.step("save", async () => {
      const layout = `${store.dir}/one`;
      await store.ok("tag", "local/both:1", "local/one:1");
      await store.ok(
        ...["save", "--format", "oci-dir", "-o", layout, "--platform", FAR],
        "local/one:1",
      );
      const { manifests } = JSON.parse(
        await Deno.readTextFile(`${layout}/index.json`),
      );
      assertEquals(manifests[0].platform.architecture, "riscv64");
    });

    await t.step("save of all that there are", async () => {
      const layout = `${store.dir}/all`;
      const save = ["save", "--format", "docker-dir", "-o", layout];
      await store.ok(...save, "local/both:1");
      const read = async (file: string) =>
        JSON.parse(await Deno.readTextFile(`${layout}/${file}`));
      const [entry] = (await read("index.json")).manifests;
      assertStringIncludes(entry.mediaType, "index");
      const blob = (digest: string) =>
        read(`blobs/${digest.replace(":", "/")}`);
      const { manifests } = await blob(entry.digest);
      const platforms = await Promise.all(
        manifests.map(async ({ digest }: Entry) => {
          const { config } = await blob(digest);
          const { os, architecture } = await blob(config.digest);
          return `${os}/${architecture}`;
        }),
      );
      assertEquals(platforms, [HERE, FAR]);
      // Who reads docker's file gets the one for this machine.
      const [docker] = await read("manifest.json");
      assertEquals((await read(docker.Config)).architecture, HERE.slice(6));
      await using other = await openTestStore();
      await other.ok("load", "-q", "-i", layout);
      const show = ["image", "inspect", "--format", "{{.Architecture}}"];
      for (const platform of [HERE, FAR]) {
        const shown = await other.ok(
          ...[...show, "--platform", platform, "local/both:1"],
        );
        assertEquals(shown.trim(), platform.slice(6));
      }
    });

    await t.step("save of those of three that there are", async () => {
      await loadThree(store);
      const layout = `${store.dir}/two`;
      const save = ["save", "--format", "oci-dir", "-o", layout];
      await store.ok(...save, "local/three:1");
      const read = async (file: string) =>
        JSON.parse(await Deno.readTextFile(`${layout}/${file}`));
      const [{ digest }] = (await read("index.json")).manifests;
      const { manifests } = await read(`blobs/${digest.replace(":", "/")}`);
      assertEquals(manifests.length, 2);
      await using other = await openTestStore();
      await other.ok("load", "-q", "-i", layout);
      await other.ok("history", "--platform", FAR, "local/three:1");
      await store.ok("rmi", "local/three:1");
    });

    await t.step("one that it lacks", async () => {
      for (const command of ["image inspect", "history", "save", "rmi"]) {
        const { code, stderr } = await store.call([
          ...[...command.split(" "), "--platform", "linux/s390x"],
          "local/both:1",
        ]);
        assertEquals(code, 1, command);
        assertStringIncludes(
          stderr,
          "image with reference local/both:1 was found but does not provide " +
            "the specified platform (linux/s390x)",
        );
      }
    });

    await t.step("rmi leaves what another image has", async () => {
      await store.ok("tag", "local/both:1", "local/same:1");
      const layout = `${store.dir}/one`;
      await store.ok("load", "-q", "-i", layout);
      const { code, stderr } = await store.call(
        ["rmi", "--platform", FAR, "local/same:1"],
      );
      assertEquals(code, 1);
      assertStringIncludes(stderr, "has it, too");
      await store.ok("rmi", "local/one:1");
      assertEquals(await architecture("--platform", FAR), FAR);
    });

    await t.step("rmi leaves what a container has", async () => {
      const create = ["create", "--name", "web", "local/both:1", "/for"];
      await store.ok(...create);
      const { code, stderr } = await store.call(
        ["rmi", "--platform", HERE, "local/both:1"],
      );
      assertEquals(code, 1);
      assertStringIncludes(stderr, "uses it");
      await store.ok("rm", "web");
    });

    await t.step("rmi", async () => {
      const before = await blobs(store);
      const said = await store.ok("rmi", "--platform", HERE, "local/both:1");
      assertEquals(/^Deleted: sha256:[0-9a-f]{64}\n$/.test(said), true, said);
      // Its manifest, its config and its layer.
      assertEquals(await blobs(store), before - 3);
      // A platform that is not there is no damage.
      const { code, stdout } = await store.call(["fsck"]);
      assertEquals(code, 0, stdout);
      assertEquals(await architecture(), FAR);
      assertEquals(await store.ok("images", "-q", "local/same:1") !== "", true);
      const gone = await store.call(
        ["history", "--platform", HERE, "local/both:1"],
      );
      assertEquals(gone.code, 1);
    });

    await t.step("rmi of the last one removes the image", async () => {
      await store.ok("rmi", "local/same:1");
      const said = await store.ok(
        ...["rmi", "--platform", `${FAR}`, "local/both:1"],
      );
      assertStringIncludes(said, "Untagged: local/both:1");
      assertEquals(await store.ok("images", "-q"), "");
      assertEquals(await blobs(store), 0);
    });
  },
});

Deno.test({
  name: "coracle history --platform refuses an image for another one",
  ignore: Deno.uid() !== 0,
  fn: async () => {
    await using store = await openTestStore();
    await importFor(store, FAR, "local/far:1");
    for (const command of ["image inspect", "history", "save", "rmi"]) {
      const { code, stderr } = await store.call(
        [...command.split(" "), "--platform", HERE, "local/far:1"],
      );
      assertEquals(code, 1, command);
      assertStringIncludes(stderr, "does not provide the specified platform");
    }
    await store.ok("history", "--platform", FAR, "local/far:1");
  },
});

async function blobs({ dir }: TestStore): Promise<number> {
  const path = `${dir}/root/content/blobs/sha256`;
  return (await Array.fromAsync(Deno.readDir(path))).length;
}
