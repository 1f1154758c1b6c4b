/** All the containers that one shim keeps. */

import type { Context } from "../../base/context.ts";
import {
  alreadyExists,
  failedPrecondition,
  notFound,
} from "../../base/errors.ts";
import type { Keeper, KeepRequest, ShimRecord } from "../../core/keeper.ts";
import { joinBundle } from "../../runtime/bundles.ts";
import { KeptContainer, type KeptDeps } from "./kept_container.ts";

export interface KeeperDeps extends KeptDeps {
  /** How others reach this shim; written into each bundle. */
  readonly record: ShimRecord;
  /** A container has ended for good. */
  readonly ended: (container: KeptContainer) => void;
}

export function createKeeper(deps: KeeperDeps): Keeper {
  const containers = new Map<string, KeptContainer>();
  const find = ({ namespace }: Context, id: string): KeptContainer => {
    const container = containers.get(`${namespace}/${id}`);
    if (container === undefined) throw notFound("container", id);
    return container;
  };
  return {
    async launch(_ctx, request) {
      const key = `${request.namespace}/${request.id}`;
      if (containers.has(key)) throw alreadyExists("task", request.id);
      const container = takeUp(deps, request);
      containers.set(key, container);
      try {
        await container.start();
      } catch (error) {
        containers.delete(key);
        container.release();
        throw error;
      }
      const { pid } = container;
      void container.over.then(() => {
        containers.delete(key);
        deps.ended(container);
      });
      return pid;
    },
    status: (ctx, id) => Promise.resolve(find(ctx, id).status),
    retire(ctx, id) {
      find(ctx, id).retire();
      return Promise.resolve();
    },
    setRestartPolicy(ctx, id, policy) {
      find(ctx, id).setRestartPolicy(policy);
      return Promise.resolve();
    },
    wait: (ctx, id) => find(ctx, id).over,
    attach: (ctx, request, input) =>
      find(ctx, request.id).attach(request, input),
  };
}

/** @throws {EngineError} `failedPrecondition` */
function takeUp(deps: KeeperDeps, request: KeepRequest): KeptContainer {
  const bundle = joinBundle(request.bundle);
  if (bundle === undefined) {
    throw failedPrecondition(
      `Cannot start container "${request.id}": its bundle is being removed`,
    );
  }
  try {
    bundle.write("shim.json", JSON.stringify(deps.record));
    return new KeptContainer(deps, request, bundle);
  } catch (error) {
    bundle[Symbol.dispose]();
    throw error;
  }
}
