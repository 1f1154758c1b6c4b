/**
 * Sandboxes that a shim makes, one shim for each: it serves the tasks of the
 * sandbox's containers, too. Which shims there are is read off their bundles,
 * so that a daemon that starts again finds them.
 *
 * @see containerd, "Sandbox API", "shim" controller
 */

import { cleanUp, type Context } from "../../base/context.ts";
import { alreadyExists, hasCode, notFound } from "../../base/errors.ts";
import { checkIdentifier } from "../../base/identifier.ts";
import type {
  NewSandbox,
  SandboxController,
  SandboxCreation,
  SandboxEndpoint,
  SandboxShim,
} from "../../core/sandbox.ts";
import { makeBundle, removeBundle } from "./bundle.ts";

/** A sandbox and the directory that its shim works in. */
export interface ShimPlace {
  readonly namespace: string;
  readonly id: string;
  readonly bundle: string;
}

/** Programs and sockets of shims, which drivers can't share. */
export interface SandboxShims {
  /** @throws {EngineError} `failedPrecondition` for a runtime without a shim */
  launch(ctx: Context, place: ShimPlace, runtime: string): Promise<void>;
  /** Of a shim that has been launched. */
  endpoint(bundle: string): SandboxEndpoint | undefined;
  /** @throws {EngineError} `unavailable` if it has gone */
  connect(
    ctx: Context,
    endpoint: SandboxEndpoint,
  ): Promise<SandboxShim & AsyncDisposable>;
  /** Lets its program clean up after a shim that died. */
  cleanUp(ctx: Context, place: ShimPlace): Promise<void>;
}

export interface ShimControllerDeps {
  readonly shims: SandboxShims;
  /** Has a directory for each namespace, and in it one for each sandbox. */
  readonly directory: string;
}

const END_BUDGET_MS = 5_000;

export function createShimController(
  deps: ShimControllerDeps,
): SandboxController {
  return new ShimController(deps);
}

class ShimController implements SandboxController {
  readonly #deps: ShimControllerDeps;

  constructor(deps: ShimControllerDeps) {
    this.#deps = deps;
  }

  async create(ctx: Context, creation: SandboxCreation): Promise<void> {
    const { id, runtime, spec } = creation.sandbox;
    checkIdentifier("sandbox", id);
    const place = this.#place(ctx, id);
    const { bundle } = place;
    if (this.#deps.shims.endpoint(bundle) !== undefined) {
      throw alreadyExists("sandbox", id);
    }
    makeBundle(bundle, spec);
    try {
      await this.#deps.shims.launch(ctx, place, runtime?.name ?? "");
    } catch (error) {
      removeBundle(bundle);
      throw error;
    }
    await this.#orEnd(
      ctx,
      id,
      (shim) => shim.create(ctx, { ...creation, bundle }),
    );
  }

  async start(
    ctx: Context,
    id: string,
  ): ReturnType<SandboxController["start"]> {
    const endpoint = this.#endpoint(ctx, id);
    const started = await this.#orEnd(ctx, id, (shim) => shim.start(ctx, id));
    return { ...started, ...endpoint };
  }

  platform(
    ctx: Context,
    id: string,
  ): ReturnType<SandboxController["platform"]> {
    return this.#with(ctx, id, (shim) => shim.platform(ctx, id));
  }

  async stop(ctx: Context, id: string, timeoutMs: number): Promise<void> {
    try {
      await this.#with(ctx, id, (shim) => shim.stop(ctx, id, timeoutMs));
    } catch (error) {
      if (!hasCode(error, "notFound", "unavailable")) throw error;
    }
  }

  wait(ctx: Context, id: string): ReturnType<SandboxController["wait"]> {
    return this.#with(ctx, id, (shim) => shim.wait(ctx, id));
  }

  async status(
    ctx: Context,
    id: string,
    detail: "brief" | "verbose",
  ): ReturnType<SandboxController["status"]> {
    try {
      const endpoint = this.#endpoint(ctx, id);
      const status = await this.#with(
        ctx,
        id,
        (shim) => shim.status(ctx, id, detail),
      );
      return { ...status, ...endpoint };
    } catch (error) {
      if (!hasCode(error, "notFound")) throw error;
      return { pid: 0, state: "", info: {}, exitedAt: new Date() };
    }
  }

  async shutdown(ctx: Context, id: string): Promise<void> {
    await this.#with(ctx, id, (shim) => shim.shutdown(ctx, id));
    removeBundle(this.#place(ctx, id).bundle);
  }

  metrics(
    ctx: Context,
    id: string,
  ): ReturnType<SandboxController["metrics"]> {
    return this.#with(ctx, id, (shim) => shim.metrics(ctx, id));
  }

  /** Shims of sandboxes have no way to be told. */
  async update(ctx: Context, { id }: NewSandbox): Promise<void> {
    await this.#with(ctx, id, () => Promise.resolve());
  }

  #place({ namespace }: Context, id: string): ShimPlace {
    checkIdentifier("sandbox", id);
    const bundle = `${this.#deps.directory}/${namespace}/${id}`;
    return { namespace, id, bundle };
  }

  #endpoint(ctx: Context, id: string): SandboxEndpoint {
    const { bundle } = this.#place(ctx, id);
    const endpoint = this.#deps.shims.endpoint(bundle);
    if (endpoint === undefined) throw notFound("sandbox", id);
    return endpoint;
  }

  async #with<T>(
    ctx: Context,
    id: string,
    call: (shim: SandboxShim) => Promise<T>,
  ): Promise<T> {
    await using shim = await this.#connect(ctx, id);
    return await call(shim);
  }

  /** Finds out when a shim has died, and clears up after it. */
  async #connect(
    ctx: Context,
    id: string,
  ): Promise<SandboxShim & AsyncDisposable> {
    const endpoint = this.#endpoint(ctx, id);
    try {
      return await this.#deps.shims.connect(ctx, endpoint);
    } catch (error) {
      if (!hasCode(error, "unavailable")) throw error;
      const place = this.#place(ctx, id);
      ctx.log.warn("The shim of a sandbox has gone", { id, error });
      await this.#deps.shims.cleanUp(ctx, place).catch((error) =>
        ctx.log.warn("Cannot clean up after a shim", { id, error })
      );
      removeBundle(place.bundle);
      throw notFound("sandbox", id, { cause: error });
    }
  }

  /** What does not begin well ends at once. */
  async #orEnd<T>(
    ctx: Context,
    id: string,
    call: (shim: SandboxShim) => Promise<T>,
  ): Promise<T> {
    try {
      return await this.#with(ctx, id, call);
    } catch (error) {
      await cleanUp(
        ctx,
        END_BUDGET_MS,
        (fresh) =>
          this.shutdown(fresh, id).catch((error) =>
            ctx.log.warn("Cannot shut a sandbox down", { id, error })
          ),
      );
      throw error;
    }
  }
}
