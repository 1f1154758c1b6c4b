/** `coracle cp`: both directions, running and stopped, honest and hostile. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { joinBytes, rawTar } from "./support/raw_tar.ts";
import { IMAGE, openRunStore, type RunStore } from "./support/run_store.ts";
import { programCommand } from "./support/program.ts";

interface Bench {
  readonly store: RunStore;
  /** A directory of this machine for the test's files. */
  readonly dir: string;
  /** `coracle cp`, standard error without a line feed. */
  cp(...args: string[]): Promise<{ code: number; said: string }>;
  /** What a script in the container writes. */
  inside(script: string): Promise<string>;
}

async function openBench(store: RunStore): Promise<Bench> {
  const dir = `${store.dir}/files`;
  await Deno.mkdir(`${dir}/tree/sub`, { recursive: true });
  await Deno.writeTextFile(`${dir}/file`, "cargo\n");
  await Deno.writeTextFile(`${dir}/tree/sub/x`, "x\n");
  await Deno.symlink("x", `${dir}/tree/sub/link`);
  await Deno.chown(`${dir}/file`, 1234, 1235);
  await Deno.utime(`${dir}/file`, 1_500_000_000, 1_500_000_000);
  const run = ["run", "-d", "--name", "web", "-v", "hold:/hold"];
  await ok(store, ...run, IMAGE, "sh", "-c", "sleep 1000");
  return {
    store,
    dir,
    cp: async (...args) => {
      const { code, stderr } = await store.call(["cp", ...args]);
      return { code, said: stderr.trim() };
    },
    inside: (script) => ok(store, "exec", "web", "sh", "-c", script),
  };
}

async function ok(store: RunStore, ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await store.call(args);
  assertEquals(code, 0, `${args.join(" ")}: ${stderr}`);
  return stdout.trim();
}

const FAILURES: readonly (readonly [string, string, string])[] = [
  ["DIR/file", "web:/none/x", "Could not find the file /none in container web"],
  ["DIR/file", "web:/tmp/new/", "no such directory"],
  ["DIR/tree", "web:/etc/passwd", "cannot copy directory"],
  ["DIR/file", "web:/dev/null", "must be a directory or a regular file"],
  ["DIR/none", "web:/tmp", "DIR/none: no such file or directory"],
  ["DIR/file", "nobody:/tmp", 'Cannot find container "nobody"'],
  ["web:/none", "DIR", "Could not find the file /none in container web"],
  ["web:/etc/passwd", "DIR/none/x", 'directory "DIR/none" does not exist'],
  ["web:/etc", "DIR/file", "cannot copy directory"],
  ["web:/etc", "web:/tmp", "copying between containers is not supported"],
  ["DIR/file", "DIR/other", "must specify at least one container source"],
  ["", "web:/tmp", "source can not be empty"],
];

const STEPS: Readonly<Record<string, (bench: Bench) => Promise<void>>> = {
  "files go where docker puts them": async ({ cp, dir, inside }) => {
    const { code, said } = await cp(`${dir}/file`, "web:/tmp");
    assertEquals([code, said], [0, "Successfully copied 2.05kB to web:/tmp"]);
    assertEquals((await cp(`${dir}/file`, "web:tmp/named", "-q")).said, "");
    await cp(`${dir}/tree`, "web:/data");
    await cp(`${dir}/tree/.`, "web:/data/new");
    await cp(`${dir}/tree/`, "web:/hold");
    await cp(`${dir}/file`, "web:/data/tree/sub/link");
    assertEquals(
      await inside(
        "cat /tmp/file /tmp/named /data/tree/sub/x; " +
          "ls /data/new /hold/tree /data/tree/sub; stat -c %Y:%u:%g /tmp/file",
      ),
      [
        ...["cargo", "cargo", "cargo", "/data/new:", "sub", ""],
        ...["/data/tree/sub:", "link", "x", "", "/hold/tree:", "sub"],
        "1500000000:0:0",
      ].join("\n"),
    );
  },

  "-a keeps owners, -L follows the link": async ({ cp, dir, inside }) => {
    await Deno.symlink("file", `${dir}/to-file`);
    await cp("-a", `${dir}/file`, "web:/tmp/owned");
    await cp(`${dir}/to-file`, "web:/tmp");
    await cp("-L", `${dir}/to-file`, "web:/tmp/followed");
    assertEquals(
      await inside("cd /tmp; stat -c '%u:%g:%F' owned to-file followed"),
      "1234:1235:regular file\n0:0:symbolic link\n0:0:regular file",
    );
    await inside("chmod 4755 /tmp/owned; ln -s /etc/passwd /tmp/abs");
    await cp("web:/tmp/owned", `${dir}/plain`);
    await cp("-a", "web:/tmp/owned", `${dir}/kept`);
    const modes = ["plain", "kept"].map((name) => {
      const { uid, gid, mode } = Deno.statSync(`${dir}/${name}`);
      return [uid, gid, (mode ?? 0) & 0o7777];
    });
    assertEquals(modes, [[0, 0, 0o755], [1234, 1235, 0o4755]]);
    await cp("web:/tmp/abs", `${dir}/link`);
    assertEquals(await Deno.readLink(`${dir}/link`), "/etc/passwd");
    await cp("-L", "web:/tmp/abs", `${dir}/passwd`);
    assertEquals(
      await Deno.readTextFile(`${dir}/passwd`),
      `${await inside("cat /etc/passwd")}\n`,
    );
  },

  "files come out by the same rules": async ({ cp, dir }) => {
    await Deno.mkdir(`${dir}/out`);
    await cp("web:/data/tree", `${dir}/out`);
    await cp("web:/data/tree/.", `${dir}/out/new`);
    await cp("web:/hold/tree", `${dir}/out/volume`);
    await cp("web:/etc/hostname", `${dir}/out`);
    const names = await Array.fromAsync(Deno.readDir(`${dir}/out`));
    assertEquals(
      names.map(({ name }) => name).sort(),
      ["hostname", "new", "tree", "volume"],
    );
    const { size } = await Deno.stat(`${dir}/out/hostname`);
    assert(size > 0);
    const paths = ["tree/sub/x", "new/sub/x"];
    for (const path of paths) {
      assertEquals(await Deno.readTextFile(`${dir}/out/${path}`), "cargo\n");
    }
  },

  "what the kernel shows in /proc and /sys is left out": async (
    { cp, dir },
  ) => {
    const { code, said } = await cp("web:/", `${dir}/all`);
    assertEquals(code, 0, said);
    for (const name of ["proc", "sys", "dev/pts"]) {
      const inside = await Array.fromAsync(Deno.readDir(`${dir}/all/${name}`));
      assertEquals(inside, [], name);
    }
    const { isCharDevice } = await Deno.stat(`${dir}/all/dev/null`);
    assert(isCharDevice);
    assert((await Deno.stat(`${dir}/all/hold/tree`)).isDirectory);
  },

  "archives go through standard streams": async ({ store, inside }) => {
    const copy = ["cp", "web:/data/tree", "-"];
    const tar = await programCommand([...store.flags, ...copy]).output();
    assertEquals(tar.code, 0, new TextDecoder().decode(tar.stderr));
    const stdin = new Uint8Array(tar.stdout);
    const into = await store.call(["cp", "-", "web:/home"], { stdin });
    assertEquals([into.code, into.stderr], [0, ""]);
    assertEquals(await inside("cat /home/tree/sub/link"), "cargo");
    const onFile = await store.call(["cp", "-", "web:/tmp/file"], { stdin });
    assertEquals(onFile.code, 1);
    assertStringIncludes(onFile.stderr, "must be a directory");
    const whole = rawTar({ name: "whole", data: "x" });
    const half = rawTar({ name: "half", data: "x".repeat(9000) }).slice(
      0,
      4000,
    );
    const cut = await store.call(["cp", "-", "web:/home"], {
      stdin: joinBytes([whole.slice(0, 1024), half]),
    });
    assertEquals(cut.code, 1);
    assertEquals(await inside("cd /home; ls"), "sailor\ntree\nwhole");
  },

  "what can't be is refused, with exit code 1": async ({ cp, dir }) => {
    for (const [from, to, message] of FAILURES) {
      const full = (text: string) => text.replaceAll("DIR", dir);
      const { code, said } = await cp(full(from), full(to));
      assertEquals(code, 1, `${from} ${to}`);
      assertStringIncludes(said, full(message));
    }
  },

  "a directory and a file do not replace each other": async (bench) => {
    const { cp, dir, inside } = bench;
    await inside("mkdir -p /tmp/in/file /tmp/in2; echo f >/tmp/in2/tree");
    const over = await cp(`${dir}/file`, "web:/tmp/in");
    assertStringIncludes(over.said, "with non-directory");
    const under = await cp(`${dir}/tree`, "web:/tmp/in2");
    assertStringIncludes(under.said, "with directory");
    assertEquals([over.code, under.code], [1, 1]);
  },

  "planted links lead nowhere outside": async ({ cp, dir, inside, store }) => {
    const victim = `${dir}/victim`;
    await Deno.mkdir(victim);
    const up = "../".repeat(20);
    await inside(
      `mkdir /tmp/l; cd /tmp/l; ln -s ${victim} abs; ` +
        `ln -s ${up}${victim} rel; ln -s ${victim}/new leaf`,
    );
    for (const name of ["abs", "rel"]) {
      assertEquals((await cp(`${dir}/file`, `web:/tmp/l/${name}/x`)).code, 1);
      await cp(`${dir}/tree`, `web:/tmp/l/${name}`);
      await cp(`${dir}/tree/.`, `web:/tmp/l/${name}/`);
      assertEquals((await cp(`web:/tmp/l/${name}/`, `${dir}/no`)).code, 1);
    }
    await cp(`${dir}/file`, "web:/tmp/l/leaf");
    const stdin = rawTar(
      { name: "abs/planted", data: "x" },
      { name: "rel/planted", data: "x" },
      { name: "../../escaped", data: "x" },
    );
    await store.call(["cp", "-", "web:/tmp/l"], { stdin });
    assertEquals(await Array.fromAsync(Deno.readDir(victim)), []);
  },

  "a container that swaps directories for links gains nothing": async (
    { cp, dir, inside, store },
  ) => {
    const victim = `${dir}/swapped`;
    await Deno.mkdir(`${victim}/sub`, { recursive: true, mode: 0o700 });
    const flip = `while :; do mkdir -p /tmp/s/tree/sub; rm -rf /tmp/s/tree; ` +
      `ln -s ${victim} /tmp/s/tree; rm /tmp/s/tree; done`;
    await inside("mkdir /tmp/s");
    await ok(store, "exec", "-d", "web", "/bin/busybox", "sh", "-c", flip);
    for (let tries = 0; tries < 8; tries++) {
      await cp(`${dir}/tree`, "web:/tmp/s");
    }
    const names = await Array.fromAsync(Deno.readDir(victim));
    assertEquals(names.map(({ name }) => name), ["sub"]);
    const { mode } = await Deno.stat(`${victim}/sub`);
    assertEquals((mode ?? 0) & 0o777, 0o700);
  },

  "who starts a container waits until it has been copied to": async (
    { cp, dir, store },
  ) => {
    await Deno.mkdir(`${dir}/many`);
    for (let at = 0; at < 300; at++) {
      await Deno.writeTextFile(`${dir}/many/${at}`, `${at}`);
    }
    const script = "echo >/tmp/mine; rm -f /tmp/none; ls /tmp/mine";
    await ok(
      store,
      ...["create", "--name", "both", IMAGE, "sh", "-c", script],
    );
    for (let round = 0; round < 4; round++) {
      const [copied, started] = await Promise.all([
        cp(`${dir}/many`, `both:/tmp/m${round}`),
        ok(store, "start", "-a", "both"),
      ]);
      assertEquals([copied.code, started], [0, "/tmp/mine"], copied.said);
      const back = `${dir}/many${round}`;
      assertEquals((await cp(`both:/tmp/m${round}`, back)).code, 0);
      assertEquals((await Array.fromAsync(Deno.readDir(back))).length, 300);
    }
    await ok(store, "rm", "both");
  },

  "it works on a stopped container, too": async ({ cp, dir, store }) => {
    await ok(store, "stop", "-t", "0", "web");
    await cp(`${dir}/file`, "web:/tmp/stopped");
    await cp(`${dir}/file`, "web:/hold/stopped");
    await cp("web:/tmp/stopped", `${dir}/back`);
    assertEquals(await Deno.readTextFile(`${dir}/back`), "cargo\n");
    await cp("web:/etc/hostname", `${dir}/hostname`);
    assert((await Deno.stat(`${dir}/hostname`)).size > 0);
    await cp("web:/hold", `${dir}/hold`);
    assertEquals(await Deno.readTextFile(`${dir}/hold/stopped`), "cargo\n");
    await ok(store, "create", "--name", "ro", "--read-only", IMAGE, "true");
    const refused = await cp(`${dir}/file`, "ro:/tmp");
    assertStringIncludes(refused.said, "container rootfs is marked read-only");
    const read = ["create", "--name", "vr", "-v", "hold:/hold:ro"];
    await ok(store, ...read, IMAGE, "true");
    const volume = await cp(`${dir}/file`, "vr:/hold");
    assertStringIncludes(volume.said, "is marked read-only");
    await ok(store, "rm", "-v", "web", "ro", "vr");
    await Deno.remove(`${store.dir}/root/volumes`, { recursive: true });
    assertEquals(await store.leftovers(), []);
  },
};

Deno.test({
  name: "coracle cp",
  ignore: Deno.uid() !== 0,
  fn: async (t) => {
    await using store = await openRunStore();
    const bench = await openBench(store);
    try {
      for (const [name, step] of Object.entries(STEPS)) {
        await t.step(name, () => step(bench));
      }
    } finally {
      await store.call(["rm", "-f", "web", "ro", "vr"]);
    }
  },
});
