/** A disk that is full while something is written to the store. */

import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import {
  ContentDefinition,
  WriteAction,
  WriteContentRequest,
} from "../proto/gen/containerd/services/content/v1/content.ts";
import { LeasesDefinition } from "../proto/gen/containerd/services/leases/v1/leases.ts";
import { EngineError } from "../src/base/errors.ts";
import { coracle } from "./support/coracle.ts";
import { type Daemon, openDaemon } from "./support/daemon.ts";
import { mountTmpfs } from "./support/mount_tmpfs.ts";
import { rawTar } from "./support/raw_tar.ts";

const ignore = Deno.uid() !== 0;
const MIB = 1024 * 1024;
const { STAT, WRITE, COMMIT } = WriteAction;

Deno.test({
  name: "a daemon on a full disk says so, and goes on when there is room",
  ignore,
  async fn() {
    const dir = await Deno.makeTempDir({ prefix: "coracle-full-" });
    const disk = await mountTmpfs(`${dir}/disk`, "size=8m");
    try {
      const root = `${disk.path}/root`;
      await using daemon = await openDaemon({ args: ["--root", root] });
      const refused = await assertRejects(async () => {
        for (let at = 0; at < 10; at++) await write(daemon, part(at));
      }, EngineError);
      assertEquals(refused.code, "resourceExhausted");
      assertStringIncludes(refused.message, "the disk is full");
      assertStringIncludes(refused.message, root);
      // What removes something has to be written down, too.
      const leases = daemon.stub(LeasesDefinition);
      const metadata = daemon.headers;
      await leases.create({ id: "one", labels: {} }, { metadata });
      await leases.delete({ id: "one", sync: true }, { metadata });
      assert(!daemon.log().includes("level=error"), daemon.log());
      assertStringIncludes(daemon.log(), 'level=warn msg="A call failed"');

      await disk.remount("size=32m");
      const { offset } = await write(daemon, { action: STAT, ref: "big" });
      const rest = new Uint8Array(10 * MIB - Number(offset));
      const written = { ref: "big", offset, total: BigInt(10 * MIB) };
      for (let at = 0; at < rest.length; at += MIB) {
        await write(daemon, {
          ...written,
          action: at + MIB < rest.length ? WRITE : COMMIT,
          offset: offset + BigInt(at),
          data: rest.subarray(at, at + MIB),
        });
      }
      const { code, stdout } = await coracle([
        ...["--root", root, "--state", `${daemon.dir}/state`, "fsck"],
      ]);
      assertEquals(code, 0, stdout);
    } finally {
      await disk[Symbol.asyncDispose]();
      await Deno.remove(dir, { recursive: true });
    }
  },
});

Deno.test({
  name: "a daemon starts on a full disk, to tell what is there",
  ignore,
  async fn() {
    const dir = await Deno.makeTempDir({ prefix: "coracle-full-" });
    const disk = await mountTmpfs(`${dir}/disk`, "size=4m");
    try {
      const root = `${disk.path}/root`;
      const args = ["--root", root];
      await using daemon = await openDaemon({ args });
      await daemon.stop("SIGKILL");
      await Deno.remove(`${root}/daemon.lock`);
      const junk = await Deno.open(`${disk.path}/junk`, {
        ...{ create: true, write: true },
      });
      try {
        for (const block = new Uint8Array(4096);;) await junk.write(block);
      } catch {
        junk.close();
      }
      await daemon.start();
      await daemon.expectCtr("images", "ls");
    } finally {
      await disk[Symbol.asyncDispose]();
      await Deno.remove(dir, { recursive: true });
    }
  },
});

Deno.test({
  name: "import on a full disk does not blame the archive",
  ignore,
  async fn() {
    const dir = await Deno.makeTempDir({ prefix: "coracle-full-" });
    const disk = await mountTmpfs(`${dir}/disk`, "size=2m");
    try {
      const data = "x".repeat(4 * MIB);
      await Deno.writeFile(`${dir}/big.tar`, rawTar({ name: "big", data }));
      const { code, stderr } = await coracle([
        ...["--root", `${disk.path}/root`, "--state", `${dir}/state`],
        ...["import", `${dir}/big.tar`, "big"],
      ]);
      assertEquals(code, 1, stderr);
      assertStringIncludes(stderr, "the disk is full");
      assertStringIncludes(stderr, "Free some space");
      assert(!stderr.includes("tar of a root"), stderr);
    } finally {
      await disk[Symbol.asyncDispose]();
      await Deno.remove(dir, { recursive: true });
    }
  },
});

function part(at: number): Partial<WriteContentRequest> {
  const data = new Uint8Array(MIB);
  return { action: WRITE, ref: "big", offset: BigInt(at * MIB), data };
}

/** @returns the last answer */
async function write(daemon: Daemon, step: Partial<WriteContentRequest>) {
  const steps = async function* () {
    yield await Promise.resolve(WriteContentRequest.fromPartial(step));
  };
  const metadata = daemon.headers;
  const answers = await Array.fromAsync(
    daemon.stub(ContentDefinition).write(steps(), { metadata }),
  );
  const last = answers.at(-1);
  assert(last !== undefined);
  return last;
}
