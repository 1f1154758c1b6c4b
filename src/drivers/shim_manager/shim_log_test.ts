import { assertEquals } from "@std/assert";
import { createLogger, type LogEntry } from "../../base/log.ts";
import {
  closeFd,
  makeFifo,
  openFifo,
  writeSome,
} from "../../sys/descriptors.ts";
import { openPoller } from "../../sys/poller.ts";
import { followShimLog } from "./shim_log.ts";

/** A bundle, and what comes into the log. */
async function openBundle() {
  const directory = await Deno.makeTempDir({ prefix: "coracle-log-" });
  const entries: LogEntry[] = [];
  const poller = openPoller();
  return {
    directory,
    poller,
    path: `${directory}/log`,
    messages: () => entries.map(({ message }) => message),
    log: createLogger({ level: "debug", sink: (it) => void entries.push(it) }),
    async [Symbol.asyncDispose]() {
      await poller.close();
      await Deno.remove(directory, { recursive: true });
    },
  };
}

function say(fd: number, text: string): void {
  writeSome(fd, new TextEncoder().encode(text));
}

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setTimeout(resolve, 5));
}

/** libc's symbols stay open; the sanitizer must not count them to a test. */
{
  await using bundle = await openBundle();
  const { poller, log, directory, path } = bundle;
  using _followed = followShimLog(poller, log, directory);
  const fd = openFifo(path, "readWrite");
  say(fd, "x");
  closeFd(fd);
  await until(() => bundle.messages().length > 0);
}

Deno.test("followShimLog() passes lines on, the last one of a shim that ends too", async () => {
  await using bundle = await openBundle();
  const { poller, log, directory, path, messages } = bundle;
  using _followed = followShimLog(poller, log, directory);
  // As our shim opens it: it neither waits nor finds the pipe broken.
  const fd = openFifo(path, "readWrite");
  say(fd, `level=info msg="cast off"\nlevel=warning ms`);
  await until(() => messages().length === 1);
  say(fd, `g=leak\n\npanic: sunk`);
  await until(() => messages().length === 2);
  closeFd(fd);
  await until(() => messages().length === 3);
  assertEquals(messages(), ["cast off", "leak", "panic: sunk"]);
});

Deno.test("followShimLog() has what was said while nobody read", async () => {
  await using bundle = await openBundle();
  const { poller, log, directory, path, messages } = bundle;
  makeFifo(path, 0o600);
  const fd = openFifo(path, "readWrite");
  say(fd, "level=info msg=meanwhile");
  using _followed = followShimLog(poller, log, directory);
  // Its line ends where the shim does.
  closeFd(fd);
  await until(() => messages().length > 0);
  assertEquals(messages(), ["meanwhile"]);
});

Deno.test("followShimLog() leaves a plain file alone", async () => {
  await using bundle = await openBundle();
  const { poller, log, directory, path, messages } = bundle;
  await Deno.writeTextFile(path, "level=info msg=old\n");
  using _followed = followShimLog(poller, log, directory);
  assertEquals(messages(), []);
});
