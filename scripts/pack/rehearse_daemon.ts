/** Starts the daemon, and asks what clients ask first. */

import { ContainersDefinition } from "../../proto/gen/containerd/services/containers/v1/containers.ts";
import { TasksDefinition } from "../../proto/gen/containerd/services/tasks/v1/tasks.ts";
import { VersionDefinition } from "../../proto/gen/containerd/services/version/v1/version.ts";
import { GrpcClient } from "../../src/rpc/grpc/client.ts";
import type { Program } from "./rehearsal_stage.ts";

const PAUSE_MS = 5;

/**
 * It runs on when this returns.
 * @param dir an empty directory
 */
export async function rehearseDaemon(
  program: Program,
  dir: string,
): Promise<void> {
  const path = `${dir}/s`;
  const ended = program.main(
    ["daemon", "--root", `${dir}/root`, "--state", dir, "--address", path],
  );
  const code = await Promise.race([ended, ask(path)]);
  if (code !== undefined) throw new Error(`The daemon ended with ${code}`);
}

async function ask(path: string): Promise<undefined> {
  while (!await isThere(path)) {
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
  await using client = new GrpcClient({ path });
  const options = { metadata: { "containerd-namespace": "default" } };
  await client.stub(VersionDefinition).version({});
  await client.stub(ContainersDefinition).list({ filters: [] }, options);
  await client.stub(TasksDefinition).list({ filter: "" }, options);
}

async function isThere(path: string): Promise<boolean> {
  return await Deno.lstat(path).then(() => true, () => false);
}
