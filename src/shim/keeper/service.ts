/** All the containers that one shim keeps. */

import type { Context } from "../../base/context.ts";
import {
  alreadyExists,
  failedPrecondition,
  notFound,
  unavailable,
} from "../../base/errors.ts";
import type { Keeper, KeepRequest, ShimRecord } from "../../core/keeper.ts";
import { joinBundle } from "../../runtime/bundles.ts";
import {
  KeptContainer,
  type KeptDeps,
  type KeptRest,
} from "./kept_container.ts";
import type { Restarts } from "./restart.ts";

export interface KeeperDeps extends KeptDeps {
  /** How others reach this shim; written into each bundle. */
  readonly record: ShimRecord;
  /** A container has ended for good. Must not reject. */
  readonly ended: (container: KeptContainer) => Promise<void>;
  /** There is nothing left to keep: from now on, nothing is taken up. */
  readonly idle: () => void;
}

/** Of one that has not been kept before, `restarts` are absent. */
export type ResumedRest =
  & Pick<KeptRest, "request" | "pipes">
  & Partial<Pick<KeptRest, "restarts">>;

/** A keeper in this process. */
export interface LocalKeeper extends Keeper {
  /** Goes on with what runs already. @throws {EngineError} */
  resume(rest: ResumedRest): void;
  /** The only one that it keeps, unless it has to stay up. */
  only(): KeptContainer | undefined;
  /** It has processes to wait for beside its containers. */
  stayUp(): void;
  /** @throws {EngineError} `notFound` */
  find(ctx: Context, id: string): KeptContainer;
}

export function createKeeper(deps: KeeperDeps): LocalKeeper {
  const containers = new Containers(deps);
  const find = ({ namespace }: Context, id: string) =>
    containers.find(namespace, id);
  return {
    find,
    launch: (_ctx, request) => containers.launch(request),
    resume: (rest) => containers.resume(rest),
    only: () => containers.only(),
    stayUp: () => containers.stayUp(),
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
      find(ctx, request.id).streams.attach(ctx.signal, request, input),
  };
}

class Containers {
  readonly #deps: KeeperDeps;
  readonly #byKey = new Map<string, KeptContainer>();
  /** Those too that have ended and are being finished. */
  #count = 0;
  #isIdle = false;
  #staysUp = false;

  constructor(deps: KeeperDeps) {
    this.#deps = deps;
  }

  find(namespace: string, id: string): KeptContainer {
    const container = this.#byKey.get(`${namespace}/${id}`);
    if (container === undefined) throw notFound("container", id);
    return container;
  }

  async launch(request: KeepRequest): Promise<number> {
    if (this.#isIdle) {
      throw unavailable(`Cannot keep container "${request.id}": shim ends`);
    }
    const key = `${request.namespace}/${request.id}`;
    if (this.#byKey.has(key)) throw alreadyExists("task", request.id);
    this.#count++;
    try {
      const container = takeUp(this.#deps, request);
      this.#byKey.set(key, container);
      return await this.#start(key, container);
    } catch (error) {
      this.#leave();
      throw error;
    }
  }

  async #start(key: string, container: KeptContainer): Promise<number> {
    try {
      await container.start();
    } catch (error) {
      this.#byKey.delete(key);
      container.release();
      throw error;
    }
    const { pid } = container;
    this.#toItsEnd(key, container);
    return pid;
  }

  only(): KeptContainer | undefined {
    const [first, ...others] = this.#byKey.values();
    const isAlone = this.#count === 1 && others.length === 0;
    return isAlone && !this.#staysUp ? first : undefined;
  }

  stayUp(): void {
    this.#staysUp = true;
  }

  resume({ request, pipes, restarts }: ResumedRest): void {
    const key = `${request.namespace}/${request.id}`;
    const container = takeUp(this.#deps, request, restarts);
    container.resume(pipes);
    this.#count++;
    this.#byKey.set(key, container);
    this.#toItsEnd(key, container);
  }

  #toItsEnd(key: string, container: KeptContainer): void {
    void container.over.then(async () => {
      this.#byKey.delete(key);
      await this.#deps.ended(container);
      this.#leave();
    });
  }

  #leave(): void {
    if (--this.#count > 0) return;
    this.#isIdle = true;
    this.#deps.idle();
  }
}

/** @throws {EngineError} `failedPrecondition` */
function takeUp(
  deps: KeeperDeps,
  request: KeepRequest,
  restarts?: Restarts,
): KeptContainer {
  const bundle = joinBundle(request.bundle);
  if (bundle === undefined) {
    throw failedPrecondition(
      `Cannot start container "${request.id}": its bundle is being removed`,
    );
  }
  try {
    bundle.replace("shim.json", JSON.stringify(deps.record));
    return new KeptContainer(deps, request, bundle, restarts);
  } catch (error) {
    bundle[Symbol.dispose]();
    throw error;
  }
}
