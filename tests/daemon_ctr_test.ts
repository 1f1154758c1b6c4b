/** containerd's own client on our daemon: every noun, every verb. */

import {
  assert,
  assertEquals,
  assertMatch,
  assertNotEquals,
  assertStringIncludes,
} from "@std/assert";
import {
  ARCHIVE_IMAGE,
  makeBusyboxArchive,
} from "./support/busybox_archive.ts";
import { hasContainerd } from "./support/containerd.ts";
import type { Outcome } from "./support/coracle.ts";
import { openDaemon } from "./support/daemon.ts";
import { hasRegistry, startRegistry } from "./support/registry.ts";

interface Bench {
  readonly dir: string;
  readonly address: string;
  readonly namespace: string;
  ctr(...args: readonly string[]): Promise<Outcome>;
  expect(...args: readonly string[]): Promise<string>;
}

const IMAGE = ARCHIVE_IMAGE;

/** In the shell, for what needs input or a terminal. */
async function shell(
  { address, namespace }: Bench,
  script: string,
): Promise<Outcome> {
  const { code, stdout, stderr } = await new Deno.Command("timeout", {
    args: ["-s", "KILL", "60", "sh", "-c", script],
    env: { CTR: `ctr -a ${address} -n ${namespace}` },
    stdin: "null",
  }).output();
  const decoder = new TextDecoder();
  return {
    code,
    stdout: decoder.decode(stdout),
    stderr: decoder.decode(stderr),
  };
}

async function lines(text: Promise<string>): Promise<readonly string[]> {
  return (await text).split("\n").filter((line) => line !== "");
}

const STEPS: Readonly<Record<string, (bench: Bench) => Promise<void>>> = {
  async "version, plugins, oci"({ expect }) {
    assertStringIncludes(await expect("version"), "Server:");
    assertMatch(await expect("version"), /UUID: [0-9a-f-]{36}/);
    const plugins = await expect("plugins", "ls");
    assertMatch(plugins, /io\.containerd\.snapshotter\.v1\s+overlayfs.* ok/);
    const some = await lines(
      expect("plugins", "ls", "-q", "id==overlayfs"),
    );
    assertEquals(some.length > 0, true);
    await expect("plugins", "ls", "-d");
    JSON.parse(await expect("oci", "spec"));
  },

  async namespaces({ expect }) {
    await expect("namespaces", "create", "harbour", "a=1");
    assertMatch(await expect("namespaces", "ls"), /harbour\s+a=1/);
    await expect("namespaces", "label", "harbour", "a=2", "b=3");
    assertMatch(await expect("namespaces", "ls"), /harbour\s+a=2,b=3/);
    await expect("namespaces", "rm", "harbour");
    assert(!(await expect("namespaces", "ls")).includes("harbour"));
  },

  async "leases"({ expect }) {
    await expect("leases", "create", "--id", "hold", "--expires", "1h", "x=1");
    assertMatch(await expect("leases", "ls"), /hold .*x=1/);
    await expect("leases", "rm", "--sync", "hold");
    assertEquals(await lines(expect("leases", "ls", "-q")), []);
  },

  async content(bench) {
    const { expect, ctr } = bench;
    const digest =
      "sha256:56f7f5d5d2e2e5e5ae2a1a35b2b7d1c5d4d8ad5ba6a9d1d7a5e2d9b4f1c1f3d1";
    const text = "hello, harbour\n";
    const hash = new Uint8Array(
      await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)),
    ).toHex();
    const ingested = await shell(
      bench,
      `printf 'hello, harbour\\n' | $CTR content ingest ` +
        `--expected-size 15 --expected-digest sha256:${hash} note`,
    );
    assertEquals(ingested.code, 0, ingested.stderr);
    assertEquals(await expect("content", "get", `sha256:${hash}`), text);
    assertStringIncludes(await expect("content", "ls"), hash);
    await expect("content", "label", `sha256:${hash}`, "a=1");
    assertStringIncludes(await expect("content", "ls"), "a=1");
    await expect("content", "active");
    assertEquals((await ctr("content", "get", digest)).code, 1);
    const wrong = await shell(
      bench,
      `printf x | $CTR content ingest --expected-digest ${digest} bad`,
    );
    assertNotEquals(wrong.code, 0);
    await expect("content", "rm", `sha256:${hash}`);
    await expect("content", "prune", "references");
  },

  async "images import, ls, check, tag, label, usage, export, mount"(
    { expect, dir },
  ) {
    await expect("images", "import", `${dir}/image.tar`);
    assertStringIncludes(await expect("images", "ls"), IMAGE);
    assertStringIncludes(await expect("images", "check"), "complete (");
    const tag = "docker.io/library/busybox:two";
    await expect("images", "tag", IMAGE, tag);
    await expect("images", "label", tag, "deck=upper");
    assertStringIncludes(await expect("images", "ls"), "deck=upper");
    const named = await lines(expect("images", "ls", "-q", `name==${tag}`));
    assertEquals(named, [tag]);
    await expect("images", "export", `${dir}/out.tar`, tag);
    await expect("images", "rm", "--sync", tag);
    await expect("images", "import", `${dir}/out.tar`);
    await expect("images", "rm", tag);
    await Deno.mkdir(`${dir}/mnt`);
    await expect("images", "mount", IMAGE, `${dir}/mnt`);
    assert(Deno.statSync(`${dir}/mnt/bin/busybox`).isFile);
    await expect("images", "unmount", "--rm", `${dir}/mnt`);
    await expect("images", "convert", "--oci", IMAGE, "busybox:oci");
    await expect("images", "rm", "busybox:oci");
  },

  async "images push and pull, content fetch"({ expect, ctr }) {
    if (!hasRegistry()) return;
    await using registry = await startRegistry();
    const image = `${registry.host}/harbour/boat:1`;
    await expect("images", "tag", IMAGE, image);
    await expect("images", "push", "--plain-http", image);
    await expect("images", "rm", "--sync", image);
    await expect("images", "pull", "--plain-http", image);
    assertStringIncludes(await expect("images", "ls", "-q"), image);
    await expect("images", "rm", image);
    await expect("content", "fetch", "--plain-http", image);
    const object = await expect(
      ...["content", "fetch-object", "--plain-http", image],
    );
    assertStringIncludes(object, "mediaType");
    const gone = await ctr("images", "pull", "--plain-http", `${image}x`);
    assertEquals(gone.code, 1);
    await expect("images", "rm", image);
  },

  async snapshots(bench) {
    const { expect, ctr, dir } = bench;
    const [chain = ""] = (await lines(expect("snapshots", "ls")))
      .filter((line) => /^sha256:\S+\s+Committed/.test(line))
      .map((line) => line.split(/\s+/, 1)[0] ?? "");
    assertStringIncludes(chain, "sha256:");
    const mount = await expect(
      ...["snapshots", "prepare", "-t", `${dir}/snap`, "work", chain],
    );
    assertMatch(mount, /^mount -t overlay/);
    assertStringIncludes(await expect("snapshots", "info", "work"), '"Active"');
    await expect("snapshots", "label", "work", "deck=lower");
    const script = `mkdir -p ${dir}/snap && ` +
      `eval "$($CTR snapshots mounts ${dir}/snap work)" && ` +
      `echo cargo > ${dir}/snap/cargo && umount ${dir}/snap`;
    const written = await shell(bench, script);
    assertEquals(written.code, 0, written.stderr);
    assertMatch(await expect("snapshots", "usage", "work"), /work\s+\d/);
    const made = await expect("snapshots", "diff", "work");
    assert(made.length > 0);
    await expect("snapshots", "commit", "loaded", "work");
    // ctr leaves a view to the collector, which may come at any time.
    const root = "containerd.io/gc.root=1";
    let isHeld = false;
    for (let tries = 0; !isHeld && tries < 10; tries++) {
      await expect("snapshots", "view", "look", "loaded");
      const labelled = await ctr("snapshots", "label", "look", root);
      isHeld = labelled.code === 0;
    }
    assertStringIncludes(await expect("snapshots", "tree"), "look");
    assertEquals((await ctr("snapshots", "rm", "loaded")).code, 1);
    await expect("snapshots", "rm", "look");
    await expect("snapshots", "rm", "loaded");
  },

  async "containers"({ expect, ctr }) {
    await expect("containers", "create", IMAGE, "rec", "sleep", "1000");
    assertMatch(await expect("containers", "ls"), /rec\s+\S*busybox/);
    assertStringIncludes(await expect("containers", "info", "rec"), '"rec"');
    await expect("containers", "label", "rec", "deck=upper");
    const found = await lines(
      expect("containers", "ls", "-q", "labels.deck==upper"),
    );
    assertEquals(found, ["rec"]);
    const twice = await ctr("containers", "create", IMAGE, "rec");
    assertStringIncludes(twice.stderr, "already exists");
    await expect("tasks", "start", "-d", "rec");
    assertEquals((await ctr("containers", "rm", "rec")).code, 1);
    await expect("tasks", "kill", "-s", "SIGKILL", "rec");
    await expect("tasks", "rm", "-f", "rec");
    await expect("containers", "rm", "rec");
  },

  async "run in all its forms"(bench) {
    const { expect, ctr, dir } = bench;
    const run = (...args: readonly string[]) => expect("run", "--rm", ...args);
    assertEquals(await run(IMAGE, "r1", "echo", "ahoy"), "ahoy\n");
    const failed = await ctr("run", "--rm", IMAGE, "r2", "sh", "-c", "exit 5");
    assertEquals(failed.code, 5);
    const missing = await ctr("run", "--rm", IMAGE, "r3", "nosuch");
    // The runtime's own words come once, as in containerd.
    assertMatch(missing.stderr, /^ctr: .*executable file not found.*\n$/);
    const script =
      "echo $DECK; pwd; touch /x 2>/dev/null || echo ro; cat /data/note";
    await Deno.mkdir(`${dir}/data`);
    await Deno.writeTextFile(`${dir}/data/note`, "noted\n");
    assertEquals(
      await run(
        ...["--env", "DECK=7", "--cwd", "/tmp", "--read-only"],
        ...["--mount", `type=bind,src=${dir}/data,dst=/data,options=rbind:ro`],
        ...[IMAGE, "r4", "sh", "-c", script],
      ),
      "7\n/tmp\nro\nnoted\n",
    );
    await expect("run", "-d", "--memory-limit", "67108864", IMAGE, "r5", "cat");
    const figures = await expect("tasks", "metrics", "--format", "json", "r5");
    assertStringIncludes(figures, "67108864");
    await expect("tasks", "rm", "-f", "r5");
    await expect("containers", "rm", "r5");
    await run("--net-host", "--privileged", IMAGE, "r6", "true");
    await run("--seccomp", "--cap-add", "CAP_SYS_TIME", IMAGE, "r7", "true");
    await run("--null-io", IMAGE, "r8", "echo", "lost");
    const file = `file://${dir}/log.txt`;
    await run("--log-uri", file, IMAGE, "r9", "echo", "kept");
    assertEquals(await Deno.readTextFile(`${dir}/log.txt`), "kept\n");
    await run("--pid-file", `${dir}/pid`, IMAGE, "r10", "true");
    assertMatch(await Deno.readTextFile(`${dir}/pid`), /^\d+$/);
    await run("--rootfs", `${dir}/image/rootfs`, "r11", "/bin/true");
    await run("--snapshotter", "native", IMAGE, "r12", "true");
    const terminal = await shell(
      bench,
      `script -qec "$CTR run --rm -t ${IMAGE} r13 sh -c 'test -t 0 && echo T'" ` +
        "/dev/null",
    );
    assertMatch(terminal.stdout, /T\r/);
    assertEquals(terminal.code, 0);
    // What ends before the task is there, ctr does not tell the end of.
    const fed = await shell(
      bench,
      "(until $CTR tasks ls | grep -q 'r14.*RUNNING'; do sleep 0.1; done; " +
        `sleep 0.2; echo fed) | $CTR run --rm ${IMAGE} r14 cat`,
    );
    assertEquals([fed.code, fed.stdout], [0, "fed\n"]);
    assertEquals(await lines(expect("containers", "ls", "-q")), []);
    assertEquals(await lines(expect("tasks", "ls", "-q")), []);
  },

  async tasks(bench) {
    const { expect, ctr } = bench;
    const script = "trap 'exit 9' TERM; while :; do sleep 0.05; done";
    await expect("run", "-d", IMAGE, "t", "sh", "-c", script);
    assertMatch(await expect("tasks", "ls"), /t\s+\d+\s+RUNNING/);
    const exec = (id: string, ...args: readonly string[]) =>
      ctr("tasks", "exec", "--exec-id", id, ...args);
    assertEquals((await exec("e1", "t", "echo", "in")).stdout, "in\n");
    assertEquals((await exec("e2", "t", "sh", "-c", "exit 4")).code, 4);
    // Its input ends before ctr has heard that there is a process.
    const fed = await shell(
      bench,
      `echo fed | timeout 20 $CTR tasks exec --exec-id e0 t cat`,
    );
    assertEquals([fed.code, fed.stdout], [0, "fed\n"]);
    const missing = await exec("e3", "t", "nosuch");
    assertNotEquals(missing.code, 0);
    assertMatch(missing.stderr, /^ctr: .*executable file not found.*\n$/);
    await expect("tasks", "exec", "-d", "--exec-id", "e4", "t", "sleep", "99");
    const terminal = await shell(
      bench,
      `script -qec "$CTR tasks exec -t --exec-id e5 t sh -c 'test -t 1 && echo T'"` +
        " /dev/null",
    );
    assertMatch(terminal.stdout, /T\r/);
    assert((await lines(expect("tasks", "ps", "t"))).length >= 3);
    assertMatch(await expect("tasks", "metrics", "t"), /ID\s+TIMESTAMP/);
    JSON.parse(await expect("tasks", "metrics", "--format", "json", "t"));
    await expect("tasks", "pause", "t");
    assertMatch(await expect("tasks", "ls"), /t\s+\d+\s+PAUSED/);
    await expect("tasks", "resume", "t");
    await expect("tasks", "kill", "-s", "SIGKILL", "--exec-id", "e4", "t");
    assertEquals((await ctr("tasks", "rm", "t")).code, 1);
    const waiting = shell(bench, "$CTR tasks attach t");
    await new Promise((resolve) => setTimeout(resolve, 500));
    await expect("tasks", "kill", "t");
    assertEquals((await waiting).code, 9);
    // Who is attached deletes it.
    assertEquals(await lines(expect("tasks", "ls", "-q")), []);
    await expect("tasks", "start", "-d", "t");
    await expect("tasks", "kill", "-s", "SIGKILL", "t");
    await until(async () =>
      /t\s+\d+\s+STOPPED/.test(await expect("tasks", "ls"))
    );
    const gone = await ctr("tasks", "kill", "t");
    assertStringIncludes(gone.stderr, "process already finished");
    await expect("tasks", "rm", "-f", "t");
    await expect("containers", "rm", "t");
  },

  async events(bench) {
    const { stdout, stderr } = await shell(
      bench,
      `f=${bench.dir}/events; : >$f; $CTR events >>$f & pid=$!
      until grep -q ' /namespaces/create ' $f; do
        $CTR namespaces create heard >/dev/null; $CTR namespaces rm heard
      done >/dev/null
      $CTR run --rm ${IMAGE} told true
      until grep -q ' /tasks/delete ' $f; do sleep 0.1; done
      kill $pid; cat $f`,
    );
    assertEquals(stderr, "");
    const topics = [...stdout.matchAll(/ (\/tasks\/\S+) /g)].map(([, it]) =>
      it
    );
    assertEquals(
      topics,
      ["/tasks/create", "/tasks/start", "/tasks/exit", "/tasks/delete"],
    );
    for (const topic of ["/snapshot/prepare", "/containers/create"]) {
      assertStringIncludes(stdout, topic);
    }
  },

  async "what is left goes"({ expect }) {
    for (const name of await lines(expect("images", "ls", "-q"))) {
      await expect("images", "rm", "--sync", name);
    }
    assertEquals(await lines(expect("content", "ls", "-q")), []);
    const left = await lines(expect("snapshots", "ls"));
    assertEquals(left.slice(1), []);
  },
};

const WAIT_MS = 20_000;
const PAUSE_MS = 100;

async function until(holds: () => Promise<boolean>): Promise<void> {
  const end = Date.now() + WAIT_MS;
  while (!await holds()) {
    if (Date.now() > end) throw new Error("It does not come true");
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
}

Deno.test({
  name: "ctr on our daemon",
  ignore: !hasContainerd(),
  fn: async (t) => {
    await using daemon = await openDaemon();
    await makeBusyboxArchive(daemon.dir);
    const bench: Bench = {
      dir: daemon.dir,
      address: daemon.address,
      namespace: daemon.namespace,
      ctr: (...args) => daemon.ctr(...args),
      expect: (...args) => daemon.expectCtr(...args),
    };
    for (const [name, step] of Object.entries(STEPS)) {
      await t.step(name, () => step(bench));
    }
  },
});
