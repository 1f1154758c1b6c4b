/** Proxies of all stores, each time on namespaces that nobody has used. */

import { remoteContainers } from "../../src/api/remote/containers.ts";
import { remoteContent } from "../../src/api/remote/content.ts";
import { remoteImages } from "../../src/api/remote/images.ts";
import { remoteLeases } from "../../src/api/remote/leases.ts";
import { background, type Context } from "../../src/base/context.ts";
import type { ContainerStore } from "../../src/core/container.ts";
import type { ContentStore } from "../../src/core/content.ts";
import type { ImageStore } from "../../src/core/image.ts";
import type { LeaseManager } from "../../src/core/lease.ts";
import type { GrpcClient } from "../../src/rpc/grpc/client.ts";

export interface RemoteStores extends AsyncDisposable {
  readonly images: ImageStore;
  readonly containers: ContainerStore;
  readonly leases: LeaseManager;
  readonly content: ContentStore;
}

export async function remoteStores(client: GrpcClient): Promise<RemoteStores> {
  const suffix = crypto.randomUUID().slice(0, 8);
  const ids = { now: () => new Date(), newId: () => crypto.randomUUID() };
  const leases = remoteLeases(client, ids);
  // Content without a holder is collected at any moment.
  const leaseId = `held-${suffix}`;
  for (const namespace of ["test", "other"]) {
    const ctx = background({ namespace: `${namespace}-${suffix}` });
    await leases.create(ctx, { id: leaseId });
  }
  return {
    images: elsewhere(remoteImages(client), suffix),
    containers: elsewhere(remoteContainers(client), suffix),
    leases: elsewhere(leases, `leases-${suffix}`),
    content: elsewhere(remoteContent(client), suffix, leaseId),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

/** The same store, whose namespaces are called differently over there. */
export function elsewhere<T extends object>(
  store: T,
  suffix: string,
  leaseId?: string,
): T {
  const methods = Object.entries(store).map(([name, method]) => [
    name,
    (ctx: Context, ...rest: unknown[]) => {
      const { namespace } = ctx;
      const other = namespace === "" ? "" : `${namespace}-${suffix}`;
      const held = leaseId === undefined ? {} : { leaseId };
      return method({ ...ctx, ...held, namespace: other }, ...rest);
    },
  ]);
  return Object.fromEntries(methods);
}
