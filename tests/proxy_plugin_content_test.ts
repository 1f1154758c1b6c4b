/** A content store of another program behind the daemon, `[proxy_plugins]`. */

import {
  assert,
  assertEquals,
  assertMatch,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { ContentDefinition } from "../proto/gen/containerd/services/content/v1/content.ts";
import { remoteContent } from "../src/api/remote/content.ts";
import { background } from "../src/base/context.ts";
import { EngineError } from "../src/base/errors.ts";
import {
  describeBytes,
  randomBytes,
  writeBytes,
} from "../src/core/testing/content.ts";
import { GrpcClient } from "../src/rpc/grpc/client.ts";
import {
  ARCHIVE_IMAGE,
  makeBusyboxArchive,
} from "./support/busybox_archive.ts";
import { hasContainerd } from "./support/containerd.ts";
import { coracle } from "./support/coracle.ts";
import { type Daemon, openDaemon } from "./support/daemon.ts";
import { ExternalProgram } from "./support/external_program.ts";
import { PROGRAM } from "./support/program.ts";
import { hasRegistry, startRegistry } from "./support/registry.ts";
import {
  imageStore,
  registry as registryEnd,
  transfer,
} from "./support/transfer_client.ts";

interface Bench extends AsyncDisposable {
  readonly daemon: Daemon;
  readonly dir: string;
  readonly archive: string;
  readonly program: ExternalProgram;
  /** Digests of what the program has. */
  has(): Promise<readonly string[]>;
}

Deno.test({
  name: "content of another program",
  ignore: !hasContainerd() || !hasRegistry(),
  fn: async (t) => {
    await using bench = await openBench();
    for (const [name, step] of Object.entries(STEPS)) {
      await t.step(name, async () => {
        try {
          await step(bench);
        } catch (error) {
          throw new Error(bench.daemon.log(), { cause: error });
        }
      });
    }
  },
});

async function openBench(): Promise<Bench> {
  await using undo = new AsyncDisposableStack();
  const dir = await Deno.makeTempDir({ prefix: "coracle-proxy-" });
  undo.defer(() => Deno.remove(dir, { recursive: true }));
  const archive = await makeBusyboxArchive(dir);
  const program = undo.use(
    new ExternalProgram({
      main: "external_content_main.ts",
      address: `${dir}/content.sock`,
      args: [`${dir}/content`],
    }),
  );
  await program.start();
  await configure(`${dir}/config.toml`, "blobs", program.address);
  const args = ["--config", `${dir}/config.toml`];
  const daemon = undo.use(await openDaemon({ args }));
  const there = remoteContent(
    undo.use(new GrpcClient({ path: program.address })),
  );
  const has = async () => {
    const infos = await Array.fromAsync(there.walk(background()));
    return infos.map(({ digest }) => digest).sort();
  };
  const owned = undo.move();
  return {
    ...{ daemon, dir, archive, program, has },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** For a daemon whose content the program at `address` is to keep. */
async function configure(
  path: string,
  name: string,
  address: string,
): Promise<void> {
  await Deno.writeTextFile(
    path,
    `disabled_plugins = ["io.containerd.content.v1.content"]\n` +
      `[proxy_plugins.${name}]\n  type = "content"\n` +
      `  address = "${address}"\n`,
  );
}

/** What a daemon on the store says that is not to live. */
async function refused(daemon: Daemon, config: string): Promise<string> {
  const { code, stderr } = await new Deno.Command("timeout", {
    args: [
      ...["30", ...PROGRAM, "daemon", ...daemon.flags],
      ...["--address", `${daemon.dir}/o.sock`, "--config", config],
    ],
    stdin: "null",
  }).output();
  assert(code !== 0);
  return new TextDecoder().decode(stderr);
}

/** In which a collection is; it rests the longer the longer one took. */
const SOON_MS = 30_000;

/** Waits for the collector, which follows deletions by itself. */
async function soon(isSo: () => Promise<boolean>): Promise<void> {
  const until = Date.now() + SOON_MS;
  while (!await isSo()) {
    assert(Date.now() < until, "it never comes to be so");
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Starts it; connections are made again after a pause. */
async function startAgain({ program, daemon, has }: Bench): Promise<void> {
  await program.start();
  await soon(async () => {
    const isThere = await has().then(() => true, () => false);
    const request = daemon.ctr("content", "active");
    return isThere && (await request).code === 0;
  });
}

/** Held by the lease `hold`. */
async function ingest(
  { address, namespace }: Daemon,
  text: string,
): Promise<string> {
  const bytes = new TextEncoder().encode(text);
  await using client = new GrpcClient({ path: address });
  const ctx = background({ namespace, leaseId: "hold" });
  return (await writeBytes(ctx, remoteContent(client), bytes)).digest;
}

async function expectCoracle(...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await coracle(args);
  assertEquals(code, 0, stderr);
  return stdout;
}

const ARCHITECTURE = Deno.build.arch === "aarch64" ? "arm64" : "amd64";
const PLAIN = { defaultScheme: "http" };

const STEPS: Readonly<Record<string, (bench: Bench) => Promise<void>>> = {
  async "introspection shows it in place of ours"({ daemon, program }) {
    const list = await daemon.expectCtr("plugins", "ls");
    assertMatch(list, /io\.containerd\.content\.v1\s+blobs\s.*\sok/);
    assertMatch(list, /io\.containerd\.content\.v1\s+content\s.*\sskip/);
    assertMatch(list, /io\.containerd\.metadata\.v1\s+bolt\s.*\sok/);
    const detail = await daemon.expectCtr("plugins", "ls", "-d", "id==blobs");
    assertStringIncludes(detail, program.address);
  },

  async "a blob is there, and its record here"(bench) {
    const { daemon, has } = bench;
    await daemon.expectCtr("leases", "create", "--id", "hold");
    const digest = await ingest(daemon, "kept by somebody else");
    assertEquals(await has(), [digest]);
    assertEquals(
      await daemon.expectCtr("content", "get", digest),
      "kept by somebody else",
    );
    await daemon.expectCtr("content", "label", digest, "of=mine");
    const list = await daemon.expectCtr("content", "ls");
    assertStringIncludes(list, digest);
    assertStringIncludes(list, "of=mine");
    const elsewhere = await daemon.expectCtr("-n", "other", "content", "ls");
    assert(!elsewhere.includes(digest));
    const blobs = await Array.fromAsync(
      Deno.readDir(`${daemon.dir}/root/content`),
      ({ name }) => name,
    );
    assertEquals(blobs, ["kept-elsewhere"]);
  },

  async "it outlives the daemon"({ daemon, has }) {
    const [digest = ""] = await has();
    await daemon.stop("SIGKILL");
    await daemon.start();
    const list = await daemon.expectCtr("content", "ls");
    assertStringIncludes(list, digest);
    assertStringIncludes(list, "of=mine");
    assertEquals(
      await daemon.expectCtr("content", "get", digest),
      "kept by somebody else",
    );
  },

  async "one that has gone is unavailable until it is back"(bench) {
    const { daemon, program, has } = bench;
    const [digest = ""] = await has();
    await program.kill();
    const { code, stderr } = await daemon.ctr("content", "get", digest);
    assertEquals(code, 1);
    assertStringIncludes(stderr, `Cannot reach content store "blobs"`);
    const metadata = daemon.headers;
    const status = daemon.stub(ContentDefinition)
      .status({ ref: "any" }, { metadata });
    const error = await assertRejects(() => status, EngineError);
    assertEquals(error.code, "unavailable");
    // Records need no program.
    assertStringIncludes(await daemon.expectCtr("content", "ls"), digest);
    await startAgain(bench);
    assertEquals(
      await daemon.expectCtr("content", "get", digest),
      "kept by somebody else",
    );
  },

  async "what was begun goes on when it is back"(bench) {
    const { daemon, program } = bench;
    const bytes = randomBytes(3_000_000);
    const descriptor = await describeBytes(bytes);
    await using client = new GrpcClient({ path: daemon.address });
    const content = remoteContent(client);
    const ctx = background({ namespace: daemon.namespace, leaseId: "hold" });
    {
      await using writer = await content.writer(ctx, "large", descriptor);
      await writer.write(bytes.subarray(0, 2_000_000));
      await program.kill();
      const rest = bytes.subarray(2_000_000);
      const error = await assertRejects(() => writer.write(rest), EngineError);
      assertEquals(error.code, "unavailable");
    }
    await startAgain(bench);
    await using writer = await content.writer(ctx, "large", descriptor);
    const { offset } = await writer.status();
    assertEquals(offset, 2_000_000);
    await writer.write(bytes.subarray(offset));
    assertEquals(await writer.commit(ctx), descriptor.digest);
    await using reader = await content.readerAt(ctx, descriptor);
    const read = new Uint8Array(bytes.length);
    assertEquals(await reader.readAt(read, 0), bytes.length);
    assertEquals(read, bytes);
  },

  async "what nobody holds is collected there, too"({ daemon, has }) {
    assertEquals((await has()).length, 2);
    await daemon.expectCtr("leases", "rm", "--sync", "hold");
    await soon(async () => (await has()).length === 0);
  },

  async "images are pulled into it, unpacked and run"(bench) {
    const { daemon, archive, has } = bench;
    await using registry = await startRegistry();
    const name = `${registry.host}/busybox:test`;
    await daemon.expectCtr("images", "import", "--no-unpack", archive);
    await daemon.expectCtr("images", "tag", ARCHIVE_IMAGE, name);
    await daemon.expectCtr("images", "push", "--plain-http", name);
    await daemon.expectCtr("images", "rm", ARCHIVE_IMAGE, name);
    await soon(async () => (await has()).length === 0);
    for (const snapshotter of ["overlayfs", "native"]) {
      const at = ["--snapshotter", snapshotter];
      await daemon.expectCtr("images", "pull", "--plain-http", ...at, name);
      const said = await daemon.expectCtr(
        ...["run", "--rm", ...at, name, "c1", "echo", "afloat"],
      );
      assertEquals(said.trim(), "afloat");
    }
    // Pulled, unpacked and pushed by the daemon itself.
    await daemon.expectCtr("images", "rm", "--sync", name);
    const platforms = [{ os: "linux", architecture: ARCHITECTURE }];
    const unpacks = platforms
      .map((platform) => ({ platform, snapshotter: "overlayfs" }));
    await transfer(
      daemon,
      registryEnd({ reference: name, resolver: PLAIN }),
      imageStore({ name, platforms, unpacks }),
    );
    const flags = ["run", "--rm", "--snapshotter", "overlayfs"];
    const said = await daemon.expectCtr(...flags, name, "c1", "echo", "afloat");
    assertEquals(said.trim(), "afloat");
    const copy = `${registry.host}/copy:test`;
    const to = registryEnd({ reference: copy, resolver: PLAIN });
    await transfer(daemon, imageStore({ name }), to);
    // Manifest, config and layer.
    assertEquals((await has()).length, 3);
    await daemon.expectCtr("images", "rm", name);
    await soon(async () => (await has()).length === 0);
  },

  async "our own commands use it through the socket"(bench) {
    const { daemon, archive, has } = bench;
    const to = ["--address", daemon.address, "--namespace", "own"];
    await expectCoracle(...to, "load", "-i", archive);
    const said = await expectCoracle(
      ...[...to, "run", "--rm", "--network", "none", ARCHIVE_IMAGE],
      ...["echo", "afloat"],
    );
    assertEquals(said.trim(), "afloat");
    assert((await has()).length >= 3);
  },

  async "commands without the daemon say where it is"({ daemon, dir }) {
    for (const command of [["fsck"], ["load", "-i", `${dir}/image.tar`]]) {
      const { code, stderr } = await daemon.call(...command);
      assert(code !== 0);
      assertStringIncludes(stderr, `the program "blobs" keeps it`);
    }
    assertEquals((await daemon.call("ps")).code, 0);
  },

  async "a removal while it is away is made up for"(bench) {
    const { daemon, program, has } = bench;
    assert((await has()).length >= 3);
    await program.kill();
    const own = ["-n", "own", "images", "rm", "--sync", ARCHIVE_IMAGE];
    await daemon.expectCtr(...own);
    await startAgain(bench);
    await daemon.expectCtr("leases", "create", "--id", "any");
    await daemon.expectCtr("leases", "rm", "--sync", "any");
    await soon(async () => (await has()).length === 0);
  },

  async "what a killed daemon left there goes with the next collection"(bench) {
    const { daemon, has } = bench;
    await daemon.expectCtr("leases", "create", "--id", "hold");
    await ingest(daemon, "left behind");
    await daemon.stop("SIGKILL");
    await using client = new GrpcClient({ path: bench.program.address });
    const there = remoteContent(client);
    const stray = new TextEncoder().encode("without a record");
    await using writer = await there.writer(background(), "stray");
    await writer.write(stray);
    await writer.commit(background());
    assertEquals((await has()).length, 2);
    await daemon.start();
    await daemon.expectCtr("leases", "create", "--id", "any");
    await daemon.expectCtr("leases", "rm", "--sync", "any");
    await soon(async () => (await has()).length === 1);
    await daemon.expectCtr("leases", "rm", "--sync", "hold");
    await soon(async () => (await has()).length === 0);
  },

  async "a program by another name has to be told of"(bench) {
    const { daemon, dir, program } = bench;
    await daemon.expectCtr("leases", "create", "--id", "hold");
    const digest = await ingest(daemon, "under both names");
    await daemon.stop("SIGTERM");
    const config = `${dir}/config.toml`;
    await configure(config, "other", program.address);
    const note = `${daemon.dir}/root/content/kept-elsewhere`;
    const said = await refused(daemon, config);
    assertStringIncludes(
      said,
      `Cannot keep content in "other": the program "blobs" keeps that`,
    );
    assertStringIncludes(said, `"${note}"`);
    // As the hint says: there, and back.
    await Deno.writeTextFile(note, "other\n");
    await daemon.start();
    assertEquals(
      await daemon.expectCtr("content", "get", digest),
      "under both names",
    );
    await daemon.stop("SIGTERM");
    await Deno.writeTextFile(note, "blobs\n");
    await configure(config, "blobs", program.address);
    await daemon.start();
    await daemon.expectCtr("leases", "rm", "--sync", "hold");
    await soon(async () => (await bench.has()).length === 0);
  },

  async "a daemon that is to keep content itself refuses to"({ daemon, dir }) {
    await Deno.writeTextFile(`${dir}/config.toml`, "");
    await daemon.stop("SIGTERM");
    await daemon.start();
    const list = await daemon.expectCtr("plugins", "ls");
    assertMatch(list, /io\.containerd\.content\.v1\s+content\s.*\serror/);
    const error = await assertRejects(
      () =>
        daemon.stub(ContentDefinition)
          .status({ ref: "any" }, { metadata: daemon.headers }),
      EngineError,
    );
    assertEquals(error.code, "failedPrecondition");
    assertStringIncludes(error.message, `the program "blobs" keeps it`);
  },
};

Deno.test({
  name: "a store that has content can't be given to another program",
  ignore: !hasContainerd(),
  fn: async () => {
    await using daemon = await openDaemon({ args: ["--config", "/dev/null"] });
    await daemon.expectCtr("leases", "create", "--id", "hold");
    await ingest(daemon, "kept here");
    await daemon.stop("SIGTERM");
    const config = `${daemon.dir}/other.toml`;
    await configure(config, "blobs", "/nowhere");
    assertStringIncludes(
      await refused(daemon, config),
      `Cannot keep content in "blobs"`,
    );
  },
});
