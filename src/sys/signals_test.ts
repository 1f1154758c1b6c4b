import { assertEquals } from "@std/assert";
import {
  type Child,
  exitCodeOf,
  isAlive,
  sendSignal,
  spawn,
} from "./process.ts";
import { proxySignals, SIGNALS } from "./signals.ts";

// libc's symbols stay open; the sanitizer must not count them to a test.
const warm = { path: "/bin/true", args: [], env: [] };
await spawn({ ...warm, processGroup: "own" }).wait();
isAlive(Deno.pid);

function sendTo({ pid }: Child): (signal: number) => void {
  return (signal) => void sendSignal(pid, signal);
}

/** Waits for its file to go, then asks its parent for the signal; 5 s at most. */
const ASK_FOR_SIGNAL = `
  trap 'exit 42' USR1
  i=0
  while [ -e "$1" ]; do sleep 0.01; done
  kill -USR1 $PPID
  while [ $((i += 1)) -lt 500 ]; do sleep 0.01; done
`;

/** The same with SIGQUIT, which it does not expect back. */
const ASK_FOR_QUIT = `
  trap 'exit 1' QUIT
  while [ -e "$1" ]; do sleep 0.01; done
  kill -QUIT $PPID
  sleep 0.2
`;

Deno.test("proxySignals() passes a signal on to the child", async () => {
  const cue = await Deno.makeTempFile();
  const child = spawn({
    path: "/bin/sh",
    args: ["-c", ASK_FOR_SIGNAL, "sh", cue],
    env: ["PATH=/usr/bin:/bin"],
    processGroup: "own",
  });
  using _proxy = proxySignals(sendTo(child), { keys: "proxy" });
  // Without the proxy in place the signal would end this process instead.
  await Deno.remove(cue);
  assertEquals(exitCodeOf(await child.wait()), 42);
});

Deno.test("proxySignals() keeps to itself what the terminal tells all", async () => {
  const cue = await Deno.makeTempFile();
  const child = spawn({
    path: "/bin/sh",
    args: ["-c", ASK_FOR_QUIT, "sh", cue],
    env: ["PATH=/usr/bin:/bin"],
    processGroup: "own",
  });
  using _proxy = proxySignals(sendTo(child), { keys: "terminal" });
  await Deno.remove(cue);
  assertEquals(exitCodeOf(await child.wait()), 0);
});

Deno.test("SIGNALS has the numbers that kill(1) knows", async () => {
  const { stdout } = await new Deno.Command("/bin/bash", {
    args: ["-c", "kill -l"],
  }).output();
  const listed = new TextDecoder().decode(stdout);
  for (const [name, number] of Object.entries(SIGNALS)) {
    assertEquals(
      new RegExp(`(?:^|\\s)${number}\\) ${name}\\s`).test(listed),
      true,
      name,
    );
  }
});
