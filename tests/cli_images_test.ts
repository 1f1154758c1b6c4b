import {
  assert,
  assertEquals,
  assertMatch,
  assertStringIncludes,
} from "@std/assert";
import { openTestStore, type TestStore } from "./support/coracle.ts";
import { PROGRAM } from "./support/program.ts";

const isRoot = Deno.uid() === 0;

/** A store with an image `local/base:1` of one file, `etc/motd`. */
async function storeWithImage(...flags: readonly string[]): Promise<TestStore> {
  const store = await openTestStore();
  await makeTar(store, "rootfs.tar", "hello\n");
  await store.ok("import", ...flags, `${store.dir}/rootfs.tar`, "local/base:1");
  return store;
}

async function makeTar(store: TestStore, name: string, motd: string) {
  await Deno.mkdir(`${store.dir}/rootfs/etc`, { recursive: true });
  await Deno.writeTextFile(`${store.dir}/rootfs/etc/motd`, motd);
  const { code } = await new Deno.Command("tar", {
    args: ["-C", `${store.dir}/rootfs`, "-cf", `${store.dir}/${name}`, "."],
  }).output();
  assertEquals(code, 0);
}

async function idOf(store: TestStore, name: string): Promise<string> {
  const text = await store.ok("inspect", "--format", "{{.Id}}", name);
  return text.trim();
}

function test(name: string, fn: () => Promise<void>): void {
  Deno.test({ name, ignore: !isRoot, fn });
}

test("coracle import makes an image with the settings that are asked for", async () => {
  await using store = await storeWithImage(
    "-c",
    'ENTRYPOINT ["/bin/sh", "-c"]',
    "-c",
    "CMD echo hi",
    "--change",
    `ENV A=1 B="two words"`,
    "-c",
    "LABEL who=me",
    "-c",
    "EXPOSE 80 53/udp",
    "-c",
    "WORKDIR /srv",
    "-c",
    "USER 7:8",
    "-c",
    "VOLUME /data",
    "-m",
    "made here",
    "--platform",
    "linux/arm64",
  );
  const [image] = JSON.parse(await store.ok("inspect", "local/base:1"));
  assertEquals(image.Config.Entrypoint, ["/bin/sh", "-c"]);
  assertEquals(image.Config.Cmd, ["/bin/sh", "-c", "echo hi"]);
  assertEquals(image.Config.Env, ["A=1", "B=two words"]);
  assertEquals(image.Config.Labels, { who: "me" });
  assertEquals(image.Config.ExposedPorts, { "80/tcp": {}, "53/udp": {} });
  assertEquals(image.Config.WorkingDir, "/srv");
  assertEquals(image.Config.User, "7:8");
  assertEquals(image.Config.Volumes, { "/data": {} });
  assertEquals([image.Comment, image.Architecture], ["made here", "arm64"]);
  assertEquals(image.RootFS.Layers.length, 1);
  const history = await store.ok(
    "history",
    "--format",
    "{{.Comment}}",
    image.Id,
  );
  assertEquals(history, "made here\n");
});

test("coracle import takes standard input, gzip and a directory", async () => {
  await using store = await storeWithImage();
  const tar = await Deno.readFile(`${store.dir}/rootfs.tar`);
  const gzip = await new Response(
    new Blob([tar]).stream().pipeThrough(new CompressionStream("gzip")),
  ).bytes();
  for (const [stdin, name] of [[tar, "in:tar"], [gzip, "in:gz"]] as const) {
    const { code, stderr } = await store.call(["import", "-", name], { stdin });
    assertEquals([code, stderr], [0, ""]);
  }
  await store.ok("import", `${store.dir}/rootfs`, "in:dir");
  const layers = (name: string) =>
    store.ok("inspect", "--format", "{{json .RootFS.Layers}}", name);
  assertEquals(await layers("in:gz"), await layers("in:tar"));
  assertMatch(await layers("in:dir"), /^\["sha256:[0-9a-f]{64}"\]\n$/);
});

test("coracle import refuses what is no tar, and leaves nothing behind", async () => {
  await using store = await openTestStore();
  const { code, stderr } = await store.call(["import", "-", "x"], {
    stdin: "this is not a tar archive".repeat(100),
  });
  assertEquals(code, 1);
  assertStringIncludes(stderr, "Cannot import the archive");
  assertEquals(await store.ok("images", "-q"), "");
  await store.ok("system", "gc");
  assertEquals(await filesBelow(`${store.dir}/root/content`), []);
});

async function filesBelow(path: string): Promise<string[]> {
  const found: string[] = [];
  for await (const entry of Deno.readDir(path)) {
    const full = `${path}/${entry.name}`;
    if (entry.isDirectory) found.push(...await filesBelow(full));
    else found.push(full);
  }
  return found;
}

test("coracle images lists names, filters, and formats", async () => {
  await using store = await storeWithImage("-c", "LABEL tier=base");
  await store.ok("tag", "local/base:1", "other");
  const id = await idOf(store, "other");
  const short = id.slice("sha256:".length, "sha256:".length + 12);
  const table = await store.ok("images");
  const [heading, ...rows] = table.trimEnd().split("\n");
  assertMatch(heading ?? "", /^REPOSITORY +TAG +IMAGE ID +CREATED +SIZE$/);
  assertMatch(
    rows[0] ?? "",
    new RegExp(`^local/base +1 +${short} .* ago +\\S+B$`),
  );
  assertMatch(rows[1] ?? "", new RegExp(`^other +latest +${short} `));
  assertEquals(await store.ok("images", "-q"), `${short}\n`);
  assertEquals(await store.ok("images", "-q", "--no-trunc"), `${id}\n`);
  const names = (...args: readonly string[]) =>
    store.ok("images", "--format", "{{.Repository}}:{{.Tag}}", ...args);
  assertEquals(await names("other"), "other:latest\n");
  assertEquals(await names("--filter", "reference=loc*/*"), "local/base:1\n");
  assertEquals(
    await names("--filter", "label=tier=base"),
    "local/base:1\nother:latest\n",
  );
  assertEquals(await names("--filter", "label=tier=top"), "");
  assertEquals(await names("--filter", "dangling=true"), "");
  const json = (await store.ok("image", "ls", "--format", "json")).trim().split(
    "\n",
  );
  assertEquals(json.map((line) => JSON.parse(line).ID), [short, short]);
});

test("coracle rmi untags, deletes with the last name, and frees everything", async () => {
  await using store = await storeWithImage();
  await store.ok("tag", "local/base:1", "other:2");
  const id = await idOf(store, "other:2");
  assertEquals(await store.ok("rmi", "other:2"), "Untagged: other:2\n");
  const last = await store.ok("rmi", "local/base:1");
  assertStringIncludes(last, `Untagged: local/base:1\nDeleted: ${id}\n`);
  assertEquals(await filesBelow(`${store.dir}/root/content/blobs`), []);
  const again = await store.call(["rmi", "local/base:1"]);
  assertEquals(again.code, 1);
  assertStringIncludes(again.stderr, 'Cannot find image "local/base:1"');
  assertEquals((await store.call(["rmi", "-f", "local/base:1"])).code, 0);
});

test("coracle rmi by id needs force for names in several repositories", async () => {
  await using store = await storeWithImage();
  await store.ok("tag", "local/base:1", "other:2");
  const id = await idOf(store, "other:2");
  const refused = await store.call(["rmi", id.slice(7, 19)]);
  assertEquals([refused.code, refused.stdout], [1, ""]);
  assertStringIncludes(refused.stderr, "several repositories");
  const removed = await store.ok("rmi", "-f", id.slice(7, 19));
  assertStringIncludes(removed, "Untagged: local/base:1\n");
  assertStringIncludes(removed, "Untagged: other:2\n");
  assertEquals(await store.ok("images", "-q"), "");
});

test("coracle rmi goes on after a name that is not there", async () => {
  await using store = await storeWithImage();
  const { code, stdout } = await store.call(["rmi", "nosuch", "local/base:1"]);
  assertEquals(code, 1);
  assertStringIncludes(stdout, "Untagged: local/base:1");
});

const FORMATS = [
  ["docker-archive", "a.tar"],
  ["docker-archive", "a.tar.gz"],
  ["oci-archive", "a.tar"],
  ["oci-dir", "dir"],
  ["docker-dir", "dir"],
] as const;

for (const [format, output] of FORMATS) {
  test(`coracle save and load keep images whole as ${format} in ${output}`, async () => {
    await using store = await storeWithImage("-c", "ENV A=1");
    await store.ok("tag", "local/base:1", "other:2");
    const before = await store.ok("inspect", "local/base:1");
    const path = `${store.dir}/${output}`;
    await store.ok(
      "save",
      "--format",
      format,
      "-o",
      path,
      "local/base:1",
      "other:2",
    );
    await store.ok("rmi", "local/base:1", "other:2");
    const loaded = await store.ok("load", "-i", path);
    assertEquals(loaded, "Loaded image: local/base:1\nLoaded image: other:2\n");
    const after = await store.ok("inspect", "local/base:1");
    assertEquals(withoutTimes(after), withoutTimes(before));
    assertEquals((await store.call(["fsck"])).code, 0);
  });
}

function withoutTimes(inspection: string): unknown {
  const [image] = JSON.parse(inspection);
  return { ...image, Metadata: undefined };
}

test("coracle save writes the same archive twice", async () => {
  await using store = await storeWithImage();
  await store.ok("save", "-o", `${store.dir}/1.tar`, "local/base:1");
  await store.ok("save", "-o", `${store.dir}/2.tar`, "local/base:1");
  assertEquals(
    await Deno.readFile(`${store.dir}/1.tar`),
    await Deno.readFile(`${store.dir}/2.tar`),
  );
});

test("coracle save names the directory that is not there", async () => {
  await using store = await storeWithImage();
  const path = `${store.dir}/no/where/x.tar`;
  const { code, stderr } = await store.call([
    "save",
    "-o",
    path,
    "local/base:1",
  ]);
  assertEquals(code, 1);
  assertStringIncludes(
    stderr,
    `Cannot find directory "${store.dir}/no/where"\nhint: Make it`,
  );
});

test("coracle inspect knows a variant, also of an image that has none", async () => {
  await using store = await storeWithImage();
  const platform = "{{.Os}}/{{.Architecture}}/{{.Variant}}";
  const text = await store.ok("inspect", "--format", platform, "local/base:1");
  assertMatch(text, /^linux\/\w+\/\n$/);
});

test("coracle save leaves no file behind for an image that is not there", async () => {
  await using store = await storeWithImage();
  const path = `${store.dir}/none.tar`;
  const { code } = await store.call([
    "save",
    "-o",
    path,
    "local/base:1",
    "nope",
  ]);
  assertEquals(code, 1);
  const entries = await Array.fromAsync(Deno.readDir(store.dir));
  const names = entries.map(({ name }) => name);
  assert(!names.some((name) => name.startsWith("none.tar")), names.join());
});

test("coracle load and import refuse what is cut off, and leave nothing", async () => {
  await using store = await storeWithImage();
  const path = `${store.dir}/whole.tar.gz`;
  await store.ok("save", "-o", path, "local/base:1");
  await store.ok("rmi", "local/base:1");
  const whole = await Deno.readFile(path);
  const stdin = whole.subarray(0, whole.length / 2);
  for (const args of [["load"], ["import", "-", "x:1"]]) {
    const { code, stderr } = await store.call(args, { stdin });
    assertEquals(code, 1);
    assertStringIncludes(stderr, "unexpected end of file");
    assert(!stderr.includes("bug"), stderr);
  }
  await store.ok("system", "gc");
  assertEquals(await filesBelow(`${store.dir}/root/content`), []);
});

test("coracle load refuses a damaged or an incomplete archive", async () => {
  await using store = await storeWithImage();
  const dir = `${store.dir}/dir`;
  await store.ok("save", "--format", "oci-dir", "-o", dir, "local/base:1");
  await store.ok("rmi", "local/base:1");
  const [config = "", , layer = ""] = await blobsBySize(`${dir}/blobs/sha256`);
  const whole = await Deno.readFile(layer);
  await Deno.writeFile(layer, whole.with(600, 0xff));
  const damaged = await store.call(["load", "-i", dir]);
  assertEquals(damaged.code, 1);
  assertStringIncludes(damaged.stderr, "it is damaged");
  await Deno.remove(layer);
  const missing = await store.call(["load", "-i", dir]);
  assertStringIncludes(missing.stderr, "is missing from it");
  await Deno.writeFile(layer, whole);
  await Deno.remove(config);
  await store.ok("system", "gc");
  const headless = await store.call(["load", "-i", dir]);
  assertStringIncludes(headless.stderr, "is missing from it");
  assertEquals(await store.ok("images", "-q"), "");
});

async function blobsBySize(path: string): Promise<string[]> {
  const entries = await Array.fromAsync(Deno.readDir(path));
  const blobs = await Promise.all(entries.map(async ({ name }) => {
    const file = `${path}/${name}`;
    return { file, size: (await Deno.stat(file)).size };
  }));
  return blobs.sort((a, b) => a.size - b.size).map(({ file }) => file);
}

test("coracle load takes what other programs write", async () => {
  await using store = await storeWithImage();
  const dir = `${store.dir}/dir`;
  await store.ok("save", "--format", "oci-dir", "-o", dir, "local/base:1");
  const config = await idOf(store, "local/base:1");
  await store.ok("rmi", "local/base:1");
  // Docker's older form: a layer in a directory of its own, others link to it.
  const layer = (await blobsBySize(`${dir}/blobs/sha256`)).at(-1) ?? "";
  const hex = config.slice("sha256:".length);
  const old = `${store.dir}/old`;
  await Deno.mkdir(`${old}/aaa`, { recursive: true });
  await Deno.mkdir(`${old}/bbb`);
  await Deno.copyFile(layer, `${old}/aaa/layer.tar`);
  await Deno.symlink("../aaa/layer.tar", `${old}/bbb/layer.tar`);
  await Deno.writeTextFile(`${old}/bbb/VERSION`, "1.0");
  await Deno.copyFile(`${dir}/blobs/sha256/${hex}`, `${old}/${hex}.json`);
  await Deno.writeTextFile(
    `${old}/manifest.json`,
    JSON.stringify([{
      Config: `${hex}.json`,
      RepoTags: ["old/img:1"],
      Layers: ["bbb/layer.tar"],
    }]),
  );
  assertEquals(await store.ok("load", "-i", old), "Loaded image: old/img:1\n");
  assertEquals(await idOf(store, "old/img:1"), config);
});

test("coracle inspect shows one array, and fails for what is missing", async () => {
  await using store = await storeWithImage();
  const { code, stdout, stderr } = await store.call([
    "inspect",
    "local/base:1",
    "nope",
  ]);
  assertEquals(code, 1);
  assertEquals(JSON.parse(stdout).length, 1);
  assertStringIncludes(stderr, 'Cannot find container, image or volume "nope"');
});

test("coracle image prune removes what nothing uses, and asks before", async () => {
  await using store = await storeWithImage();
  const nobody = await store.call(["image", "prune", "-a"]);
  assertEquals(nobody.code, 1);
  assertStringIncludes(nobody.stderr, "Use --force where nobody can be asked");
  const no = await store.call(["image", "prune", "-a"], { stdin: "n\n" });
  assertEquals([no.code, no.stdout], [0, ""]);
  const young = await store.ok("image", "prune", "-af", "--filter", "until=1h");
  assertEquals(young, "Total reclaimed space: 0B\n");
  const yes = await store.call(["image", "prune", "-a"], { stdin: "y\n" });
  assertStringIncludes(yes.stdout, "Untagged: local/base:1\n");
  assertMatch(yes.stdout, /Total reclaimed space: [\d.]+kB\n$/);
  assertEquals(await store.ok("images", "-q"), "");
});

test("coracle events tells what has happened", async () => {
  await using store = await storeWithImage();
  await store.ok("tag", "local/base:1", "other:2");
  const topics = await store.ok(
    "events",
    "--since",
    "1h",
    "--until",
    "0s",
    "--filter",
    "type=image",
    "--format",
    "{{.Topic}} {{.Event.name}}",
  );
  assertEquals(
    topics,
    "/images/create docker.io/local/base:1\n" +
      "/images/create docker.io/library/other:2\n",
  );
});

test("coracle keeps namespaces apart", async () => {
  await using store = await storeWithImage();
  assertEquals(await store.ok("-n", "elsewhere", "images", "-q"), "");
  const { stdout } = await store.call(["images", "-q"], {
    env: { CONTAINERD_NAMESPACE: "elsewhere" },
  });
  assertEquals(stdout, "");
  const { code } = await store.call(["-n", "elsewhere", "rmi", "local/base:1"]);
  assertEquals(code, 1);
});

test("coracle ends quietly when nobody reads its output", async () => {
  await using store = await storeWithImage();
  const command = `set -o pipefail
${PROGRAM.join(" ")} --root "${store.dir}/root" --state "${store.dir}/state" \
    save local/base:1 | head -c 1 >/dev/null`;
  const { code, stderr } = await new Deno.Command("bash", {
    args: ["-c", command],
  }).output();
  assertEquals(new TextDecoder().decode(stderr), "");
  assert(code === 141 || code === 0, `exit code ${code}`);
});
