import { assert, assertEquals } from "@std/assert";
import { FRAME, PREFACE } from "../http2/frame.ts";
import { Peer, settings } from "../http2/testing/peer.ts";
import { GrpcClient } from "./client.ts";
import { all, any, MIB, stubOf } from "./testing.ts";

const ACTIVATE = "/usr/bin/systemd-socket-activate";

interface Activated extends AsyncDisposable {
  readonly path: string;
  /** @returns how it ended when it was told to stop */
  stop(): Promise<Deno.CommandStatus>;
}

/** A program that gets its socket from somebody else. */
async function activated(): Promise<Activated> {
  const directory = await Deno.makeTempDir({ prefix: "coracle-grpc-" });
  const path = `${directory}/s`;
  const program = new URL("./testing/serve_on.ts", import.meta.url).pathname;
  const child = new Deno.Command(ACTIVATE, {
    args: ["-l", path, Deno.execPath(), "run", "-A", "--no-check", program],
    stdin: "null",
    stderr: "null",
  }).spawn();
  for (let tries = 0; !await isListening(path); tries++) {
    assert(tries < 2_000, "it never listened");
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  let isStopped = false;
  const stop = async () => {
    if (!isStopped) child.kill("SIGTERM");
    isStopped = true;
    return await child.status;
  };
  return {
    path,
    stop,
    async [Symbol.asyncDispose]() {
      await stop();
      await Deno.remove(directory, { recursive: true });
    },
  };
}

/** The file is there before anybody listens. */
async function isListening(path: string): Promise<boolean> {
  try {
    (await Deno.connect({ transport: "unix", path })).close();
    return true;
  } catch {
    return false;
  }
}

Deno.test({
  name: "a socket that is handed over takes connections as others do",
  ignore: !await Deno.lstat(ACTIVATE).then(() => true, () => false),
  async fn() {
    await using it = await activated();
    const { path } = it;
    await using client = new GrpcClient({ path });
    const echo = stubOf(client);
    const large = any("large", MIB);
    large.value.forEach((_, at) => large.value[at] = at * 31 % 251);
    assertEquals(await echo.once(large), large);
    async function* many() {
      for (let times = 0; times < 20; times++) {
        yield await Promise.resolve(large);
      }
    }
    const answers = await all(echo.converse(many()));
    assertEquals(answers.length, 20);
    assert(answers.every(({ value }) => value.length === MIB));
    assertEquals(answers[19]?.value, large.value);

    const another = new Peer(await Deno.connect({ transport: "unix", path }));
    await another.send(PREFACE, settings());
    await another.answers();
    another.close();
    const wrong = new Peer(await Deno.connect({ transport: "unix", path }));
    await wrong.send(new TextEncoder().encode("GET / HTTP/1.1\r\n\r\n"));
    assertEquals(await wrong.ending(), 1);
    wrong.close();
    const silent = new Peer(await Deno.connect({ transport: "unix", path }));
    assertEquals((await silent.next())?.type, FRAME.settings);

    const open = echo.converse(many())[Symbol.asyncIterator]();
    await open.next();
    // It closes what is open, and does not wait for who says nothing.
    const { code } = await it.stop();
    assertEquals(code, 0);
    assertEquals(await silent.ending(), 0);
    silent.close();
    const rest = await Promise.allSettled([open.next(), open.return?.()]);
    assertEquals(rest.length, 2);
  },
});
