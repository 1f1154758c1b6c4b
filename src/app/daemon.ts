/** The daemon: the engine behind a socket that speaks containerd's API. */

import { parseArgs } from "@std/cli/parse-args";
import { type CallObserver, observed } from "../rpc/grpc/observe.ts";
import { serveGrpc } from "../rpc/grpc/server.ts";
import type { GrpcService } from "../rpc/grpc/service.ts";
import { connect } from "./connect.ts";
import { BUILTINS } from "./daemon/builtins.ts";
import { EMPTY_CONFIG } from "./daemon/config/daemon_config.ts";
import { GRPC_TYPE } from "./daemon/grpc_plugins.ts";
import { OBSERVER_TYPE } from "./daemon/observers.ts";
import { openPlugins } from "./daemon/open_plugins.ts";
import { type LogSettings, stderrLogger } from "./log_sink.ts";

interface DaemonFlags {
  readonly root?: string;
  readonly state?: string;
  readonly address?: string;
  readonly config?: string;
  readonly "log-level"?: LogSettings["level"];
}

/** Time for calls that are open when the daemon is told to stop. */
const GRACE_MS = 5_000;

/** @returns the exit code */
export async function main(args: readonly string[]): Promise<number> {
  const flags = parseArgs(args.slice(args[0] === "daemon" ? 1 : 0), {
    string: ["root", "state", "address", "config", "log-level"],
  }) as DaemonFlags;
  const { root, state } = flags;
  const log = stderrLogger({
    level: flags["log-level"] ?? "info",
    format: "text",
  });
  await using store = await connect({
    log,
    ...root === undefined ? {} : { root },
    ...state === undefined ? {} : { state },
  });
  const stopping = new AbortController();
  using _signals = onTermination(() => stopping.abort());
  const path = flags.address ?? `${store.paths.state}/coracle.sock`;
  await using plugins = await openPlugins(BUILTINS, {
    daemon: EMPTY_CONFIG,
    address: path,
    services: store.services,
    paths: store.paths,
    log,
    now: () => new Date(),
    stopping: stopping.signal,
    configOf: () => ({}),
    disabled: new Set(),
  });
  await using server = await serveGrpc({
    addresses: [{ path, mode: 0o660 }],
    services: observed(
      plugins.all<readonly GrpcService[]>(GRPC_TYPE).flat(),
      plugins.all<CallObserver>(OBSERVER_TYPE),
    ),
  });
  log.info("The daemon serves", { address: path });
  await aborted(stopping.signal);
  await server.stop(GRACE_MS);
  return 0;
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  signal.addEventListener("abort", () => resolve(), { once: true });
  await promise;
}

function onTermination(callback: () => void): Disposable {
  const signals = ["SIGTERM", "SIGINT"] as const;
  for (const name of signals) Deno.addSignalListener(name, callback);
  return {
    [Symbol.dispose]() {
      for (const name of signals) Deno.removeSignalListener(name, callback);
    },
  };
}
