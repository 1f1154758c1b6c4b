/** `coracle fsck` by the socket of a daemon, ours and containerd's. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { FsckFinding } from "../src/core/fsck.ts";
import { REMOTE_IMAGE, REMOTE_SERVERS } from "./support/remote_store.ts";
import type { RemoteStore } from "./support/remote_store.ts";
import type { Outcome } from "./support/coracle.ts";

interface Checked extends Pick<Outcome, "code" | "stderr"> {
  /** `kind action state`, in the order in which they are found. */
  readonly lines: readonly string[];
  readonly findings: readonly FsckFinding[];
}

async function fsck(
  { call }: RemoteStore,
  ...flags: readonly string[]
): Promise<Checked> {
  const outcome = await call(["fsck", "--format", "json", ...flags]);
  const findings: FsckFinding[] = outcome.stdout.split("\n").filter(Boolean)
    .map((line) => JSON.parse(line));
  const lines = findings
    .map(({ kind, action, state }) => `${kind} ${action} ${state}`);
  return { ...outcome, lines, findings };
}

/** Where a daemon keeps a blob, if that is below here. */
async function blobPath(root: string, digest: string): Promise<string> {
  const name = digest.replace("sha256:", "");
  const { stdout } = await new Deno.Command("find", {
    args: [root, "-type", "f", "-path", `*sha256/${name}`],
  }).output();
  return new TextDecoder().decode(stdout).trim();
}

/** Of the only image. */
async function layerOf({ dir, ok, address }: RemoteStore): Promise<string> {
  await ok("save", "-o", `${dir}/saved.tar`, REMOTE_IMAGE);
  await Deno.remove(`${dir}/saved.tar`);
  const listed = await new Deno.Command("ctr", {
    args: ["-a", address, "content", "ls"],
  }).output();
  // The largest of the three.
  const line = new TextDecoder().decode(listed.stdout).split("\n")
    .find((it) => /MB|KiB|MiB/.test(it)) ?? "";
  return line.split(/\s+/)[0] ?? "";
}

async function sound(store: RemoteStore): Promise<void> {
  const { code, stderr, stdout } = await store.call(["fsck"]);
  assertEquals([code, stdout], [0, ""], stderr);
  assertStringIncludes(stderr, "all is well");
  assertStringIncludes(stderr, "Through a socket");
}

async function damagedBlob(store: RemoteStore): Promise<void> {
  const digest = await layerOf(store);
  const root = store.address.replace(/\/[^/]*$/, "");
  const path = await blobPath(root, digest);
  const bytes = await Deno.readFile(path);
  const bad = bytes.slice();
  bad[1000] = (bad[1000] ?? 0) ^ 1;
  await Deno.chmod(path, 0o644);
  await Deno.writeFile(path, bad);
  const found = await fsck(store);
  assertEquals(found.lines, ["blob-damaged delete found"], found.stderr);
  assertEquals([found.code, found.findings[0]?.subject], [1, digest]);
  const mended = await fsck(store, "--repair");
  assertEquals(mended.code, 1);
  assertEquals(mended.lines, [
    "blob-damaged delete repaired",
    "image-incomplete none found",
  ], mended.stderr);
  // Its bytes have gone, so that they can be written again.
  assertEquals(await blobPath(root, digest), "");
}

async function missingBlob(store: RemoteStore): Promise<void> {
  const digest = await layerOf(store);
  const root = store.address.replace(/\/[^/]*$/, "");
  await Deno.remove(await blobPath(root, digest));
  const { lines, stderr } = await fsck(store, "--repair");
  assertEquals(lines, [
    "blob-missing forget repaired",
    "image-incomplete none found",
  ], stderr);
}

/** A lease and a container of other clients'. */
async function dangling(store: RemoteStore): Promise<void> {
  const { address } = store;
  const ctr = async (...args: readonly string[]) => {
    const { success } = await new Deno.Command("ctr", {
      args: ["-a", address, ...args],
      ...{ stdout: "null", stderr: "null" },
    }).output();
    assert(success, args.join(" "));
  };
  const image = `docker.io/library/${REMOTE_IMAGE}`;
  await ctr("containers", "create", image, "bare");
  await ctr("snapshots", "rm", "bare");
  await ctr("images", "tag", image, "docker.io/library/other:1");
  await ctr("containers", "create", "docker.io/library/other:1", "imageless");
  await ctr("images", "rm", "--sync", "docker.io/library/other:1");
  const { findings, code } = await fsck(store);
  const found = findings.map(({ severity, kind, subject }) =>
    `${severity} ${kind} ${subject}`
  );
  assertEquals([code, found.sort()], [1, [
    "error container-incomplete bare",
    "notice container-incomplete imageless",
  ]]);
  await ctr("containers", "rm", "bare", "imageless");
}

/** Of the only layer, while a container is built on it. */
async function missingDirectory(store: RemoteStore): Promise<void> {
  const { ok, address } = store;
  await ok("create", "--name", "built", REMOTE_IMAGE, "true");
  const key = (await ok("ps", "-aq", "--no-trunc")).trim();
  const { stdout } = await new Deno.Command("ctr", {
    args: ["-a", address, "snapshots", "mounts", "/mnt", key],
  }).output();
  const [, path = ""] = /lowerdir=([^,:\s]+)/
    .exec(new TextDecoder().decode(stdout)) ?? [];
  await Deno.rename(path, `${path}-away`);
  const { code, findings } = await fsck(store);
  const found = findings.map(({ kind, detail }) => [kind, detail]);
  assertEquals([code, found.length], [1, 1]);
  assertEquals(found[0]?.[0], "snapshot-missing");
  assertStringIncludes(found[0]?.[1] ?? "", path);
  await Deno.rename(`${path}-away`, path);
  await ok("rm", "built");
}

for (const { name, ignore, open } of REMOTE_SERVERS) {
  Deno.test({
    name: `fsck checks by its socket what ${name} keeps`,
    ignore,
    fn: async (t) => {
      await using store = await open();
      const { dir, ok } = store;
      await t.step("and finds nothing in a sound store", async () => {
        await ok("run", "-d", "--name", "web", REMOTE_IMAGE, "sleep", "1000");
        await sound(store);
        await ok("rm", "-f", "web");
        await sound(store);
      });
      await t.step("and deletes a blob whose bytes are wrong", async () => {
        await ok("save", "-o", `${dir}/image.tar`, REMOTE_IMAGE);
        await damagedBlob(store);
        await ok("load", "-i", `${dir}/image.tar`);
        await sound(store);
      });
      await t.step("and forgets a blob whose file is gone", async () => {
        await missingBlob(store);
        await ok("load", "-i", `${dir}/image.tar`);
        await sound(store);
      });
      await t.step("and misses the directory of a layer", async () => {
        await missingDirectory(store);
        await sound(store);
      });
      await t.step("and reports containers that lack something", async () => {
        await dangling(store);
        await sound(store);
      });
    },
  });
}
