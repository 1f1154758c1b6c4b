/**
 * A program that enters the rootless namespace as the command line does, then
 * does what its first argument says. Run by `rootless_enter_test.ts`.
 */

import { arrive } from "../../src/app/rootless/arrive.ts";
import { enterNamespace } from "../../src/app/rootless/enter.ts";
import { storePaths } from "../../src/app/paths.ts";

const identity = arrive();
const paths = storePaths((name) => Deno.env.get(name), identity.uid);

if (identity.kind === "ordinary") {
  await enterNamespace({
    identity,
    gid: Deno.gid() ?? 0,
    paths,
    command: [
      Deno.execPath(),
      ...["run", "-A", "--no-config", "--no-lock", "--no-npm"],
      ...["--cached-only", "--no-code-cache"],
      new URL(import.meta.url).pathname,
      ...Deno.args,
    ],
    environment: Deno.env.toObject(),
    warn: (message) => {
      Deno.stderr.writeSync(new TextEncoder().encode(`warn: ${message}\n`));
    },
  });
}

/** What the process sees, as one line of JSON. */
function report(): void {
  const facts = {
    identity,
    paths,
    pid: Deno.pid,
    uid: Deno.uid(),
    directory: Deno.cwd(),
    uidMap: Deno.readTextFileSync("/proc/self/uid_map").trim(),
    mountNamespace: Deno.readLinkSync("/proc/self/ns/mnt"),
    userNamespace: Deno.readLinkSync("/proc/self/ns/user"),
    arguments: Deno.args,
    isTerminal: Deno.stdin.isTerminal(),
  };
  say(facts);
}

function say(value: unknown): void {
  Deno.stdout.writeSync(new TextEncoder().encode(JSON.stringify(value) + "\n"));
}

switch (Deno.args[0]) {
  case "exit":
    Deno.exit(Number(Deno.args[1]));
    break;
  case "cat":
    await Deno.stdin.readable.pipeTo(Deno.stdout.writable);
    break;
  case "signal": {
    const { promise, resolve } = Promise.withResolvers<void>();
    Deno.addSignalListener("SIGTERM", resolve);
    report();
    const timer = setTimeout(() => {}, 60_000);
    await promise;
    clearTimeout(timer);
    Deno.exit(42);
    break;
  }
  case "stack": {
    const { stack } = await import("./stack.ts");
    say(await stack(paths));
    break;
  }
  default:
    report();
}
