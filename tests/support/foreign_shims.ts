/** The driver of other people's shims, on bundles of its own. */

import { createShimWire } from "../../src/app/shim_wire.ts";
import { background, type Context } from "../../src/base/context.ts";
import type { ContainerSettings } from "../../src/core/container_settings.ts";
import type { ForeignTasks, StartRequest } from "../../src/core/task.ts";
import { createShimManager } from "../../src/drivers/shim_manager/manager.ts";
import type { ForwardedEvent } from "../../src/drivers/shim_manager/wire.ts";
import { createBundleStore } from "../../src/runtime/bundles.ts";
import { createHost } from "../../src/runtime/host.ts";
import { startError } from "../../src/runtime/start_failure.ts";
import { type ForeignBundles, openForeignBundles } from "./foreign_bundle.ts";

export const RUNTIME = "io.containerd.runc.v2";
export const SHIM = "/usr/bin/containerd-shim-runc-v2";

export interface ForeignShims extends AsyncDisposable {
  readonly bundles: ForeignBundles;
  readonly ctx: Context;
  /** As another process of ours would have it. */
  manager(): ForeignTasks;
  request(more?: Partial<ContainerSettings>): StartRequest;
  /** What a container has written, when it runs in the background. */
  log(id: string): string;
  /** What shims have told the managers. */
  readonly events: readonly ForwardedEvent[];
}

export async function openForeignShims(
  runtime = RUNTIME,
): Promise<ForeignShims> {
  const bundles = await openForeignBundles(runtime);
  const events: ForwardedEvent[] = [];
  const logPath = (id: string) => `${bundles.dir}/log-${id}`;
  const { state, namespace } = bundles;
  const now = () => new Date();
  return {
    bundles,
    events,
    ctx: background({ namespace }),
    manager: () =>
      createShimManager({
        host: createHost({ env: (name) => Deno.env.get(name) }),
        bundles: createBundleStore({ state }),
        wire: createShimWire(),
        state,
        env: environment,
        now,
        startErrors: startError,
        publishBinary: "/bin/false",
        logCommand: ({ id }) => ["/bin/sh", "-c", logger(logPath(id))],
        otherBundle: () => undefined,
        receive: (event) => void events.push(event),
      }),
    request: (more = {}) => ({
      settings: { ...SETTINGS, ...more },
      logDirectory: bundles.dir,
    }),
    log: (id) => Deno.readTextFileSync(logPath(id)),
    [Symbol.asyncDispose]: () => bundles[Symbol.asyncDispose](),
  };
}

const SETTINGS: ContainerSettings = {
  removal: "keep",
  stdio: "streams",
  stdin: "closed",
  restart: { kind: "no" },
  log: { driver: "json-file", options: {} },
  stopSignal: 15,
  stopTimeoutSeconds: 10,
  hostname: "",
  network: "none",
};

/** Both streams into one file. */
function logger(path: string): string {
  return `exec 5>&-; cat <&3 >>'${path}' & cat <&4 >>'${path}'; wait`;
}

export function environment(): readonly string[] {
  return Object.entries(Deno.env.toObject())
    .map(([name, value]) => `${name}=${value}`);
}
