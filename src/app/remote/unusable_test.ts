import { assertEquals } from "@std/assert";
import { background } from "../../base/context.ts";
import { type EngineError, unavailable } from "../../base/errors.ts";
import { assertCode } from "../../core/testing/assert.ts";
import { GrpcClient } from "../../rpc/grpc/client.ts";
import { findSnapshotters } from "./plugins.ts";
import { unusableDaemon } from "./unusable.ts";

const START = "Start it, or name another's socket with --address";
const NAME = "Name the socket of a containerd, or of coracle daemon, with " +
  "--address";

type Said = readonly [why: string | undefined, hint: string | undefined];

function said({ message, hint }: EngineError, address: string): Said {
  const before = `Cannot use the daemon at "${address}": `;
  assertEquals(message.slice(0, before.length), before);
  return [message.slice(before.length), hint];
}

/** Of the first call through what is at `address`. */
async function firstCall(address: string): Promise<Said> {
  await using client = new GrpcClient({ path: address });
  const error = await assertCode(
    "unavailable",
    () => findSnapshotters(background(), client, address),
  );
  return said(error, address);
}

/** A socket whose listener has gone, as a killed daemon leaves it. */
async function leaveSocket(path: string): Promise<void> {
  // Closing removes it where it was made.
  using _listener = Deno.listen({ transport: "unix", path: `${path}.made` });
  await Deno.rename(`${path}.made`, path);
}

Deno.test("findSnapshotters() says what is wrong with the socket", async (t) => {
  const dir = await Deno.makeTempDir({ prefix: "coracle-unusable-" });
  try {
    await t.step("which is not there", async () => {
      assertEquals(
        await firstCall(`${dir}/typo.sock`),
        ["no such file or directory", START],
      );
    });
    await t.step("which is none", async () => {
      await Deno.writeTextFile(`${dir}/file`, "");
      for (const path of [dir, `${dir}/file`]) {
        assertEquals(await firstCall(path), ["not a socket", NAME]);
      }
      const [why] = await firstCall(`${dir}/file/s`);
      assertEquals(why, "not a directory");
    });
    await t.step("at which nobody listens", async () => {
      await leaveSocket(`${dir}/left.sock`);
      assertEquals(await firstCall(`${dir}/left.sock`), [
        "connection refused",
        "Its daemon has ended: start it again, or name another's socket with " +
        "--address",
      ]);
    });
    await t.step("at which something else listens", async () => {
      const path = `${dir}/other.sock`;
      using listener = Deno.listen({ transport: "unix", path });
      const [answer] = await Promise.all([
        firstCall(path),
        listener.accept().then((it) => it.close()),
      ]);
      assertEquals(answer[1], NAME);
    });
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});

Deno.test("unusableDaemon() tells who is not allowed to use the socket", () => {
  const words = "Permission denied (os error 13)";
  const refused = Object.assign(new Deno.errors.PermissionDenied(words), {
    code: "EACCES",
  });
  const cause = unavailable(`Cannot connect to "/s": ${words}`, {
    cause: refused,
  });
  assertEquals(said(unusableDaemon("/s", cause), "/s"), [
    "permission denied",
    "Run the command as a user who may use the socket: with sudo, or in the " +
    "socket's group",
  ]);
});
