/** Where a shim listens, and whether one does. */

import { background } from "../base/context.ts";
import type { ShimFlags } from "./shim_flags.ts";
import { connectUnix } from "./unix_socket.ts";

/** As containerd's own shims, so that what looks for them finds ours. */
const SOCKET_DIRECTORY = "/run/containerd/s";

const SCHEME = "unix://";

/** Annotations whose value says which containers share a shim. */
const GROUP_ANNOTATIONS = [
  "io.containerd.runc.v2.group",
  "io.kubernetes.cri.sandbox-id",
] as const;

/**
 * @param annotations of the container's spec
 * @param grouping `namespace`: all containers of a namespace share a shim
 * @returns the name that containers with a common shim have in common
 */
export function groupOf(
  id: string,
  annotations: Readonly<Record<string, string>>,
  grouping: string | undefined,
): string {
  for (const name of GROUP_ANNOTATIONS) {
    const group = annotations[name];
    if (group !== undefined) return group;
  }
  // No identifier begins so: it is not a container's by chance.
  return grouping === "namespace" ? "/namespace" : id;
}

/** @returns `unix://` and a path, the same for everybody in the group */
export async function socketAddress(
  { address, namespace }: Pick<ShimFlags, "address" | "namespace">,
  group: string,
  directory: string | undefined,
): Promise<string> {
  const text = new TextEncoder().encode(`${address}/${namespace}/${group}`);
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", text));
  return `${SCHEME}${directory || SOCKET_DIRECTORY}/${hash.toHex()}`;
}

export function socketPath(address: string): string {
  return address.startsWith(SCHEME) ? address.slice(SCHEME.length) : address;
}

/** Every shim of ours speaks it. */
const TASK_API = 2;

/** Of a shim that is alive, however busy. */
const ANSWER_MS = 5_000;

/**
 * A killed shim leaves its socket behind, at which nobody answers. One that
 * does answer waits for the task for a while.
 */
export async function isAnswering(
  address: string,
  { namespace, id }: Pick<ShimFlags, "namespace" | "id">,
): Promise<boolean> {
  let connection: Deno.Conn;
  try {
    connection = await connectUnix(address);
  } catch {
    return false;
  }
  const { TtrpcClient } = await import("../rpc/ttrpc/client.ts");
  const { remoteShim } = await import("../api/remote/shim_task.ts");
  await using client = new TtrpcClient(connection);
  const signal = AbortSignal.timeout(ANSWER_MS);
  try {
    const shim = remoteShim(client, TASK_API);
    await shim.connect(background({ namespace, signal }), id);
    return true;
  } catch {
    return false;
  }
}

/**
 * Keeps others from starting a shim for the same group meanwhile; nothing is
 * left behind that could be in the way.
 */
export function lockSockets(address: string): Disposable {
  const path = socketPath(address);
  const directory = path.slice(0, path.lastIndexOf("/"));
  Deno.mkdirSync(directory, { recursive: true, mode: 0o711 });
  const file = Deno.openSync(directory);
  file.lockSync(true);
  return { [Symbol.dispose]: () => file.close() };
}

export function removeSocket(address: string): void {
  try {
    Deno.removeSync(socketPath(address));
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
