/** `delete`: cleans up after a shim that was killed, and says how it ended. */

import { DeleteResponse } from "../../proto/gen/containerd/task/v2/shim.ts";
import { EngineError } from "../base/errors.ts";
import { readAddress } from "../shim/bundle_files.ts";
import { cleanUpBundle } from "../shim/clean_up.ts";
import { createReaper } from "../sys/reaper.ts";
import type { ShimFlags } from "./shim_flags.ts";
import { isAnswering, removeSocket } from "./shim_socket.ts";

/** @returns `containerd.task.v2.DeleteResponse` */
export async function deleteShim(flags: ShimFlags): Promise<Uint8Array> {
  const { namespace, id } = flags;
  const bundle = flags.bundle || siblingOf(Deno.cwd(), id);
  using reaper = createReaper();
  // Waiting for a child alone keeps no process alive.
  using _alive = keepAlive();
  const env = Object.entries(Deno.env.toObject())
    .map(([name, value]) => `${name}=${value}`);
  const { pid, exit, failures } = await cleanUpBundle(
    { reaper, env, now: () => new Date() },
    { namespace, id, bundle },
  );
  const address = readAddress(bundle);
  // Others of its group may be served there.
  if (address !== undefined && !await isAnswering(address, flags)) {
    removeSocket(address);
  }
  for (const failure of failures) {
    warn(`coracle shim: ${EngineError.from(failure).message}\n`);
  }
  return DeleteResponse.encode(DeleteResponse.fromPartial({
    pid,
    exitStatus: exit.exitCode,
    exitedAt: exit.exitedAt,
  })).finish();
}

/** The caller's working directory is a bundle: this one's, or another's. */
function siblingOf(directory: string, id: string): string {
  return `${directory.slice(0, directory.lastIndexOf("/"))}/${id}`;
}

const DAY_MS = 86_400_000;

function keepAlive(): Disposable {
  const timer = setInterval(() => {}, DAY_MS);
  return { [Symbol.dispose]: () => clearInterval(timer) };
}

function warn(line: string): void {
  Deno.stderr.writeSync(new TextEncoder().encode(line));
}
