/** Asking a daemon's container how it is, by whoever stays beside it. */

import { remoteContainers } from "../../api/remote/containers.ts";
import { remoteEvents } from "../../api/remote/events.ts";
import { remoteTasks } from "../../api/remote/tasks.ts";
import { background } from "../../base/context.ts";
import { settingsOf } from "../../core/container_settings.ts";
import { NEW_HEALTH } from "../../core/task_status.ts";
import { GrpcClient } from "../../rpc/grpc/client.ts";
import {
  beginHealthRounds,
  HEALTH_TOPIC,
} from "../../shim/keeper/health_rounds.ts";
import type { Poller } from "../../sys/poller.ts";
import { writeHealth } from "./health_file.ts";
import { probeOnce } from "./health_probe.ts";
import { PATIENCE_MS } from "./lost_daemon.ts";
import { shimOf } from "./task_shim.ts";

export interface RemoteHealthOptions {
  /** Path of the daemon's socket. */
  readonly address: string;
  readonly namespace: string;
  /** Of the container, whose record says how to ask it. */
  readonly id: string;
  /** Its bundle of this side. */
  readonly bundle: string;
  readonly poller: Poller;
}

/** Probes until disposed; what is found is in the bundle. */
export async function watchRemoteHealth(
  { address, namespace, id, bundle, poller }: RemoteHealthOptions,
): Promise<AsyncDisposable> {
  await using owned = new AsyncDisposableStack();
  const client = owned.use(
    new GrpcClient({
      ...{ path: address, reconnectMs: PATIENCE_MS },
    }),
  );
  const ctx = background({ namespace });
  const now = () => new Date();
  const { health: check } = settingsOf(
    await remoteContainers(client).get(ctx, id),
  ) ?? {};
  if (check !== undefined) {
    writeHealth(bundle, NEW_HEALTH);
    const shim = shimOf(remoteTasks(client));
    const events = remoteEvents(client, now);
    owned.use(beginHealthRounds({
      now,
      probe: () =>
        probeOnce(ctx, { ...{ shim, poller, now, id, bundle, check } }),
      report: (health) => writeHealth(bundle, health),
      // Who listens may ask for it, too.
      changed: (status) =>
        void events.publish(ctx, HEALTH_TOPIC, { id, status }).catch(() => {}),
    }, check));
  }
  return owned.move();
}
