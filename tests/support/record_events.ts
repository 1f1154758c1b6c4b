/**
 * Writes the events of real containerd, for `tests/golden/events.json`:
 *
 *     deno run -A tests/support/record_events.ts > tests/golden/events.json
 *
 * One of each topic that a few commands of ctr bring about, with its bytes.
 */

import { EventsDefinition } from "../../proto/gen/containerd/services/events/v1/events.ts";
import { GrpcClient } from "../../src/rpc/grpc/client.ts";
import { type Containerd, IMAGE, openContainerd } from "./containerd.ts";

export const COMMANDS: readonly (readonly string[])[] = [
  ["namespaces", "create", "harbour", "berth=3"],
  ["namespaces", "label", "harbour", "berth=4"],
  ["namespaces", "remove", "harbour"],
  ["images", "tag", IMAGE, "example.com/boat:1"],
  ["images", "label", "example.com/boat:1", "sails=2", "colour=red"],
  ["images", "rm", "--sync", "example.com/boat:1"],
  ["snapshots", "--snapshotter", "native", "prepare", "hull"],
  ["snapshots", "--snapshotter", "native", "commit", "keel", "hull"],
  ["snapshots", "--snapshotter", "native", "rm", "keel"],
  ["run", "-d", "--null-io", "--label", "a=b", IMAGE, "boat", "sleep", "100"],
  ["containers", "label", "boat", "crew=5"],
  ["tasks", "exec", "--exec-id", "row", "boat", "true"],
  ["tasks", "pause", "boat"],
  ["tasks", "resume", "boat"],
  ["tasks", "kill", "-s", "SIGKILL", "boat"],
  ["tasks", "rm", "-f", "boat"],
  ["containers", "rm", "boat"],
];
/** After the last command. */
const QUIET_MS = 1_000;

async function record(containerd: Containerd): Promise<readonly unknown[]> {
  await using client = new GrpcClient({
    path: `${containerd.directory}/c.sock`,
  });
  const stop = new AbortController();
  const first = new Map<string, unknown>();
  const { signal } = stop;
  const stream = client.stub(EventsDefinition).subscribe({ filters: [] }, {
    signal,
  });
  const reading = (async () => {
    for await (const { topic, event } of stream) {
      if (event === undefined || first.has(topic)) continue;
      const { typeUrl, value } = event;
      first.set(topic, { topic, typeUrl, value: value.toBase64() });
    }
  })().catch(() => {});
  await new Promise((resolve) => setTimeout(resolve, QUIET_MS));
  for (const command of COMMANDS) {
    const { code, stderr } = await containerd.ctr(...command);
    if (code === 0) continue;
    throw new Error(`ctr ${command.join(" ")} ended with ${code}: ${stderr}`);
  }
  await new Promise((resolve) => setTimeout(resolve, QUIET_MS));
  stop.abort();
  await reading;
  return [...first].sort(([a], [b]) => a < b ? -1 : 1).map(([, it]) => it);
}

if (import.meta.main) {
  await using containerd = await openContainerd("/bin/true");
  const events = await record(containerd);
  const text = new TextEncoder().encode(`${JSON.stringify(events, null, 2)}\n`);
  await Deno.stdout.write(text);
}
