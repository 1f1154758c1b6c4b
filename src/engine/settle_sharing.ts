/** `--pid container:NAME`, `--ipc container:NAME` and `--ipc shareable`. */

import type { Context } from "../base/context.ts";
import { EngineError, failedPrecondition, hasCode } from "../base/errors.ts";
import type { Container } from "../core/container.ts";
import { type Joins, settingsOf } from "../core/container_settings.ts";
import {
  type AskedSharing,
  askedSharing,
  type Shareable,
  sharesIpc,
} from "../core/shared_paths.ts";
import type { TaskManager } from "../core/task.ts";
import { ipcThroughSocket } from "../core/through_socket.ts";
import { DEFAULT_SHM_SIZE } from "../oci/spec/defaults.ts";
import { containerName, containerSpec, findContainer } from "./inspect_find.ts";
import type { LifeDeps } from "./life_deps.ts";
import type { RunOptions } from "./run_options.ts";

export interface SettledSharing {
  readonly namespaces: RunOptions["namespaces"];
  /** With ids for names. */
  readonly sharing: AskedSharing;
}

/**
 * Finds the other containers. Whether they run is asked at each start.
 * @throws {EngineError} `notFound`; `failedPrecondition` for what can't be
 * shared, in docker's words where it has some
 */
export async function settleSharing(
  ctx: Context,
  deps: LifeDeps,
  options: RunOptions,
): Promise<SettledSharing> {
  const { namespaces, rare } = options;
  const asked = askedSharing(rare);
  if (asked === undefined) return { namespaces, sharing: {} };
  const { joins, shareable } = asked;
  const { tasks } = deps.services;
  const shares = checkRuntime(tasks, options.runtime ?? tasks.defaultRuntime);
  if (sharesIpc(asked) && shares === "pid") throw ipcThroughSocket();
  const pid = joins?.pid === undefined
    ? undefined
    : await find(ctx, deps, joins.pid);
  const ipc = joins?.ipc === undefined
    ? undefined
    : await findDonor(ctx, deps, joins.ipc);
  const sharesHost = pid !== undefined && await hasHostPids(ctx, deps, pid);
  const ids: Joins = {
    ...pid === undefined ? {} : { pid: pid.id },
    ...ipc === undefined ? {} : { ipc: ipc.id },
  };
  return {
    namespaces: sharesHost ? { ...namespaces, pid: "host" } : namespaces,
    sharing: {
      ...joins === undefined ? {} : { joins: ids },
      ...shareable === undefined ? {} : {
        shareable: { shmBytes: options.shmSizeBytes || DEFAULT_SHM_SIZE },
      },
    },
  };
}

async function find(
  ctx: Context,
  { services }: LifeDeps,
  name: string,
): Promise<Container> {
  const found = await findContainer(ctx, services, name).catch((error) => {
    if (!hasCode(error, "notFound")) throw error;
    throw new EngineError("notFound", `No such container: ${name}`, {
      cause: error,
      hint: "coracle ps -a lists the ones there are",
    });
  });
  const settings = settingsOf(found);
  const { tasks } = services;
  if (settings === undefined && tasks.shares(found.runtime.name) === "ours") {
    throw failedPrecondition(
      `Cannot join container "${containerName(found)}": it was not made by ` +
        "coracle run or coracle create",
    );
  }
  checkRuntime(tasks, found.runtime.name);
  // Where a shim runs it, the record names that.
  checkRuntime(tasks, settings?.asked?.runtime ?? found.runtime.name);
  return found;
}

async function findDonor(
  ctx: Context,
  deps: LifeDeps,
  name: string,
): Promise<Container> {
  const found = await find(ctx, deps, name);
  if (settingsOf(found)?.asked?.shareable !== undefined) return found;
  throw failedPrecondition(
    `can't join IPC of container ${found.id}: non-shareable IPC ` +
      "(hint: use IpcMode:shareable for the donor container)",
  );
}

/** Its namespaces are not those of the processes that can be seen, or unknown. */
function checkRuntime(
  tasks: Pick<TaskManager, "shares">,
  runtime: string,
): Exclude<Shareable, "nothing"> {
  const shares = tasks.shares(runtime);
  if (shares !== "nothing") return shares;
  throw failedPrecondition(
    `Cannot share namespaces of containers that "${runtime}" runs`,
    { hint: "Use an OCI runtime for both, --runtime runc for instance" },
  );
}

/** The mounts of such a container are others: the host's processes are seen. */
async function hasHostPids(
  ctx: Context,
  { services }: LifeDeps,
  container: Container,
): Promise<boolean> {
  const spec = await containerSpec(ctx, services, container);
  const namespaces = spec?.linux?.namespaces ?? [];
  return spec !== undefined && !namespaces.some(({ type }) => type === "pid");
}
