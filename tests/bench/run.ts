/** `coracle run` against containerd's client and against the bare runtime. */

import { makeBusyboxImage } from "../support/run_image.ts";
import { connect } from "../../src/app/connect.ts";
import { background } from "../../src/base/context.ts";
import { silentLogger } from "../../src/base/log.ts";
import { type Bench, pairs, ratioRow, type Row, runQuietly } from "./bench.ts";

const PAIRS = 30;

export const bench: Bench = {
  name: "run",
  async run({ coracle, say }) {
    await using stack = new AsyncDisposableStack();
    const dir = await Deno.makeTempDir({ prefix: "coracle-bench-" });
    stack.defer(() => Deno.remove(dir, { recursive: true }));
    // What does not survive a reboot is in memory on an ordinary machine, for
    // all of those who are compared.
    const state = await Deno.makeTempDir({ dir: "/dev/shm" });
    stack.defer(() => Deno.remove(state, { recursive: true }));
    const store = ["--root", `${dir}/root`, "--state", state];
    await makeImage(`${dir}/root`, state);
    const ours = () =>
      runQuietly(coracle, [...store, "run", "--rm", "busybox", "true"]);

    say(`coracle run and runc run of the same bundle, ${PAIRS} pairs`);
    const bundle = await captureBundle(coracle, store, dir);
    const runc = () =>
      runQuietly("runc", [
        ...["--root", `${state}/runc`, "run", "--bundle", bundle, "bare"],
      ]);
    const rows: Row[] = [
      ratioRow(await pairs(PAIRS, ours, runc), {
        what: "coracle run --rm busybox true",
        reference: "runc run of the same bundle",
        bar: 2.3,
      }),
    ];

    say(`coracle run and ctr run with containerd running, ${PAIRS} pairs`);
    const ctr = stack.use(await startContainerd(dir, state));
    rows.push(
      ratioRow(await pairs(PAIRS, ours, ctr.run), {
        what: "coracle run --rm busybox true",
        reference: "ctr run --rm",
        bar: 0.55,
      }),
    );
    return rows;
  },
};

async function makeImage(root: string, state: string): Promise<void> {
  await using store = await connect({ root, state, log: silentLogger });
  await makeBusyboxImage(
    background(),
    store.services,
    "docker.io/library/busybox:latest",
  );
}

/** A runtime that keeps what it was to run, with a root of its own. */
const KEEPER = `#!/bin/sh
for arg; do
  [ "$previous" = --bundle ] && bundle=$arg
  previous=$arg
done
cp -a "$bundle" "$KEEP"
`;

/** The very bundle that we give to runc, so that it can be run bare. */
async function captureBundle(
  coracle: string,
  store: readonly string[],
  dir: string,
): Promise<string> {
  const keeper = `${dir}/keeper`;
  const bundle = `${dir}/bundle`;
  await Deno.writeTextFile(keeper, KEEPER, { mode: 0o755 });
  await runQuietly(
    coracle,
    [...store, "run", "--rm", "--runtime", keeper, "busybox", "true"],
    { KEEP: bundle },
  );
  const path = `${bundle}/config.json`;
  const spec = JSON.parse(await Deno.readTextFile(path));
  const { source } = spec.mounts.find(
    ({ destination }: { destination: string }) =>
      destination === "/etc/hostname",
  );
  const gone = source.replace(/\/hostname$/, "");
  spec.root.path = "rootfs";
  spec.linux.cgroupsPath = "/coracle/bench/bare";
  const text = JSON.stringify(spec).replaceAll(gone, bundle);
  await Deno.writeTextFile(path, text);
  return bundle;
}

interface Containerd extends AsyncDisposable {
  readonly run: () => Promise<void>;
}

async function startContainerd(
  dir: string,
  stateDir: string,
): Promise<Containerd> {
  const address = `${dir}/containerd.sock`;
  const config = `${dir}/containerd.toml`;
  await Deno.writeTextFile(
    config,
    `version = 2
root = "${dir}/containerd-root"
state = "${stateDir}/containerd"
disabled_plugins = ["io.containerd.grpc.v1.cri"]
[grpc]
address = "${address}"
`,
  );
  const daemon = new Deno.Command("containerd", {
    args: ["--config", config],
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
  const ctr = (...args: readonly string[]) =>
    runQuietly("ctr", ["--address", address, ...args]);
  await until(() => ctr("version"));
  const root = `${dir}/bundle/rootfs`;
  return {
    // As the image, so that neither side pulls or unpacks anything.
    run: await importImage(ctr, dir, root),
    async [Symbol.asyncDispose]() {
      daemon.kill("SIGTERM");
      await daemon.status;
    },
  };
}

async function importImage(
  ctr: (...args: readonly string[]) => Promise<void>,
  dir: string,
  root: string,
): Promise<() => Promise<void>> {
  const name = "docker.io/library/busybox:latest";
  const archive = `${dir}/image.tar`;
  await dockerArchive(dir, root, name, archive);
  await ctr("images", "import", archive);
  let count = 0;
  return () => ctr("run", "--rm", name, `bench-${count++}`, "true");
}

/** An image as `docker save` writes it, made with tar alone. */
async function dockerArchive(
  dir: string,
  root: string,
  name: string,
  archive: string,
): Promise<void> {
  const parts = `${dir}/archive`;
  await Deno.mkdir(parts);
  await runQuietly("tar", ["-C", root, "-cf", `${parts}/layer.tar`, "."]);
  const layer = await Deno.readFile(`${parts}/layer.tar`);
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", layer));
  const hex = Array.from(hash, (b) => b.toString(16).padStart(2, "0")).join("");
  const config = {
    architecture: Deno.build.arch === "aarch64" ? "arm64" : "amd64",
    os: "linux",
    config: { Env: ["PATH=/bin"], Cmd: ["sh"] },
    rootfs: { type: "layers", diff_ids: [`sha256:${hex}`] },
  };
  const manifest = [{
    Config: "config.json",
    RepoTags: [name],
    Layers: ["layer.tar"],
  }];
  await Deno.writeTextFile(`${parts}/config.json`, JSON.stringify(config));
  await Deno.writeTextFile(`${parts}/manifest.json`, JSON.stringify(manifest));
  await runQuietly("tar", ["-C", parts, "-cf", archive, "."]);
}

async function until(check: () => Promise<void>): Promise<void> {
  for (let left = 100;; left--) {
    try {
      return await check();
    } catch (error) {
      if (left === 0) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}
