/** Snapshotters of other programs: what our daemon answers, and containerd. */

import { assertEquals } from "@std/assert";
import { remoteSnapshotter } from "../src/api/remote/snapshots.ts";
import { remoteLeases } from "../src/api/remote/leases.ts";
import { background, type Context } from "../src/base/context.ts";
import { EngineError } from "../src/base/errors.ts";
import type { Snapshotter } from "../src/core/snapshot.ts";
import { GrpcClient } from "../src/rpc/grpc/client.ts";
import { openBareContainerd } from "./support/bare_containerd.ts";
import { hasContainerd } from "./support/containerd.ts";
import { openDaemon } from "./support/daemon.ts";
import { ExternalSnapshotter } from "./support/external_snapshotter_process.ts";

/** One daemon, with a program behind it that nobody else uses. */
interface Side extends AsyncDisposable {
  readonly one: Context;
  readonly two: Context;
  readonly proxied: Snapshotter;
  readonly backend: Snapshotter;
}

const NAME = "outside";
const REF = "containerd.io/snapshot.ref";
const TOLD = "containerd.io/snapshot/told";

async function openSide(
  which: "ours" | "containerd",
  layers: "given" | "its own",
): Promise<Side> {
  await using undo = new AsyncDisposableStack();
  const directory = await Deno.makeTempDir({ prefix: "coracle-proxy-" });
  undo.defer(() => Deno.remove(directory, { recursive: true }));
  await Deno.mkdir(`${directory}/layer`);
  const program = undo.use(
    new ExternalSnapshotter({
      ...{ name: NAME, directory },
      ...layers === "given" ? {} : { layer: `${directory}/layer` },
    }),
  );
  await program.start();
  const config = `[proxy_plugins.${NAME}]\n  type = "snapshot"\n` +
    `  address = "${program.address}"\n`;
  await Deno.writeTextFile(`${directory}/config.toml`, config);
  const server = which === "ours"
    ? undo.use(
      await openDaemon({ args: ["--config", `${directory}/config.toml`] }),
    )
    : undo.use(await openBareContainerd(config));
  const there = undo.use(new GrpcClient({ path: server.address }));
  const behind = undo.use(new GrpcClient({ path: program.address }));
  const leases = remoteLeases(there, {
    now: () => new Date(),
    newId: () => "hold",
  });
  const [one, two] = [inNamespace("one"), inNamespace("two")];
  for (const ctx of [one, two]) await leases.create(ctx, { id: "hold" });
  const owned = undo.move();
  return {
    one,
    two,
    proxied: remoteSnapshotter(there, NAME),
    backend: remoteSnapshotter(behind, NAME),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

function inNamespace(namespace: string): Context {
  return background({ namespace, leaseId: "hold" });
}

async function outcome(work: Promise<unknown>): Promise<unknown> {
  try {
    await work;
    return "done";
  } catch (error) {
    return EngineError.from(error).code;
  }
}

async function about(
  { proxied }: Side,
  ctx: Context,
  key: string,
): Promise<unknown> {
  try {
    const { kind, name, parent, labels } = await proxied.stat(ctx, key);
    return { kind, name, parent, labels };
  } catch (error) {
    return EngineError.from(error).code;
  }
}

/** Without the numbers that make names unique. */
async function behind({ backend, one }: Side): Promise<readonly unknown[]> {
  const infos = await Array.fromAsync(backend.walk(one));
  const plain = (name: string) => name.replace(/\/\d+\//, "/N/");
  return infos.map(({ kind, name, parent, labels }) => ({
    ...{ kind, name: plain(name), parent: plain(parent), labels },
  })).sort((a, b) => a.name < b.name ? -1 : 1);
}

type Answers = readonly (readonly [string, unknown])[];

async function given(side: Side): Promise<Answers> {
  const { one, two, proxied } = side;
  const labels = { mine: "1", [TOLD]: "2" };
  const answers: [string, unknown][] = [];
  const ask = async (what: string, work: Promise<unknown>) => {
    answers.push([what, await outcome(work)]);
  };
  const look = async (what: string, ctx: Context, key: string) => {
    answers.push([what, await about(side, ctx, key)]);
  };
  const peek = async () => {
    answers.push(["there", await behind(side)]);
  };
  await ask("prepare", proxied.prepare(one, "key", "", { labels }));
  await ask("of another", proxied.prepare(two, "key", ""));
  await look("stat", one, "key");
  await peek();
  await ask("again", proxied.prepare(one, "key", ""));
  await ask("no parent", proxied.prepare(one, "new", "none"));
  await ask("active parent", proxied.prepare(one, "new", "key"));
  await ask("commit none", proxied.commit(one, "name", "none"));
  await ask("commit", proxied.commit(one, "name", "key", { labels }));
  await look("committed", one, "name");
  await look("used up", one, "key");
  await ask("commit again", proxied.commit(one, "name", "key"));
  await ask("mounts", proxied.mounts(one, "none"));
  await ask("mounts of a layer", proxied.mounts(one, "name"));
  await ask("usage", proxied.usage(one, "none"));
  await ask("view", proxied.view(one, "view", "name"));
  await ask("commit a view", proxied.commit(one, "other", "view"));
  await ask("remove a parent", proxied.remove(one, "name"));
  await peek();
  const change = { name: "name", labels: { mine: "3", [TOLD]: "4" } };
  await ask("update one", proxied.update(one, change, [`labels.${TOLD}`]));
  await look("updated one", one, "name");
  await ask("update", proxied.update(one, change));
  await look("updated", one, "name");
  await ask("update a field", proxied.update(one, change, ["parent"]));
  await peek();
  await ask("remove", proxied.remove(one, "view"));
  await ask("remove none", proxied.remove(one, "view"));
  return answers;
}

async function itsOwn(side: Side): Promise<Answers> {
  const { one, two, proxied } = side;
  const answers: [string, unknown][] = [];
  const ask = async (
    ctx: Context,
    key: string,
    parent: string,
    ref: string,
  ) => {
    const labels = { [REF]: ref, mine: key };
    answers.push([
      `prepare ${key}`,
      await outcome(proxied.prepare(ctx, key, parent, { labels })),
    ]);
  };
  await ask(one, "extract-1", "", "sha256:low");
  await ask(one, "extract-2", "", "sha256:low");
  await ask(one, "extract-3", "sha256:low", "sha256:high");
  await ask(two, "extract-4", "", "sha256:low");
  await ask(two, "extract-5", "none", "sha256:high");
  for (const name of ["sha256:low", "sha256:high", "extract-1"]) {
    answers.push([`${name} of one`, await about(side, one, name)]);
    answers.push([`${name} of two`, await about(side, two, name)]);
  }
  const top = proxied.prepare(one, "top", "sha256:high");
  answers.push(["prepare top", await outcome(top)]);
  answers.push(["there", await behind(side)]);
  return answers;
}

const PLAYS = [
  { name: "layers that are given to it", layers: "given", play: given },
  { name: "layers of its own", layers: "its own", play: itsOwn },
] as const;

for (const { name, layers, play } of PLAYS) {
  Deno.test({
    name:
      `a snapshotter of another program answers as with containerd: ${name}`,
    ignore: !hasContainerd(),
    fn: async () => {
      await using ours = await openSide("ours", layers);
      await using theirs = await openSide("containerd", layers);
      assertEquals(await play(ours), await play(theirs));
    },
  });
}
