import { assertEquals, assertThrows } from "@std/assert";
import { EngineError } from "../../base/errors.ts";
import {
  forgetSockets,
  handedSockets,
  pathOfSocket,
} from "./handed_sockets.ts";

/** Of this process, which the runtime does not tell. */
function descriptorsOf(open: () => Disposable): [Disposable, number[]] {
  const sockets = () =>
    [...Deno.readDirSync("/proc/self/fd")].map(({ name }) => name)
      .filter((name) => linkOf(name).startsWith("socket:")).map(Number);
  const before = sockets();
  const opened = open();
  return [opened, sockets().filter((it) => !before.includes(it))];
}

function linkOf(descriptor: string): string {
  try {
    return Deno.readLinkSync(`/proc/self/fd/${descriptor}`);
  } catch {
    // That of the directory that is being read.
    return "";
  }
}

Deno.test("handedSockets() counts those for this process, until they are forgotten", () => {
  const env = new Map([["LISTEN_PID", "7"], ["LISTEN_FDS", "2"]]);
  assertEquals(handedSockets(env, 8), []);
  assertEquals(handedSockets(env, 7), [3, 4]);
  assertEquals(handedSockets(env, 7), [3, 4]);
  forgetSockets(env);
  assertEquals([handedSockets(env, 7), env.size], [[], 0]);
});

Deno.test("pathOfSocket() finds where a unix socket is", async () => {
  const dir = await Deno.makeTempDir({ prefix: "coracle-handed-" });
  try {
    const path = `${dir}/with space`;
    const listen = () => Deno.listen({ transport: "unix", path });
    const [listener, [descriptor = -1]] = descriptorsOf(listen);
    using _ = listener;
    assertEquals(pathOfSocket(descriptor), path);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});

Deno.test("pathOfSocket() refuses what anybody could connect to", () => {
  const reasons = {
    "it is no unix socket": () => Deno.listen({ hostname: "::1", port: 0 }),
    "it has no path": () =>
      Deno.listen({ transport: "unix", path: `\0coracle-${Deno.pid}` }),
  };
  for (const [reason, listen] of Object.entries(reasons)) {
    const [listener, [descriptor = -1]] = descriptorsOf(listen);
    using _ = listener;
    const { code, message, hint } = assertThrows(
      () => pathOfSocket(descriptor),
      EngineError,
    );
    assertEquals([code, hint], [
      "failedPrecondition",
      "The unit of the socket has to say ListenStream=/path",
    ]);
    assertEquals(message.endsWith(`: ${reason}`), true, message);
  }
});
