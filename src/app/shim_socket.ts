/** Where a shim listens, and whether one does. */

import type { ShimFlags } from "./shim_flags.ts";

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

/** A killed shim leaves its socket behind, at which nobody answers. */
export async function isAnswering(address: string): Promise<boolean> {
  try {
    const path = socketPath(address);
    using _connection = await Deno.connect({ transport: "unix", path });
    return true;
  } catch {
    return false;
  }
}

export function removeSocket(address: string): void {
  try {
    Deno.removeSync(socketPath(address));
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
