import type { Invocation } from "./command.ts";

/**
 * Of the daemon that was named for this command; undefined if none was.
 * @throws {EngineError} `unavailable` if it does not answer
 */
export async function serverVersion(
  inv: Invocation,
): Promise<string | undefined> {
  const address = inv.global.address || inv.env("CONTAINERD_ADDRESS");
  if (!address) return undefined;
  const { askVersion } = await import("../app/daemon_client.ts");
  return await askVersion(address);
}
