/**
 * Shims that are started, or done away with, by a command: it takes what they
 * tell meanwhile, for there is no daemon to which they could report.
 */

import type { Context } from "../../base/context.ts";
import { hasCode } from "../../base/errors.ts";
import type { Host } from "../../core/host.ts";
import type { ShimService, StdioAddresses } from "../../core/shim.ts";
import type { Bundle, BundleView } from "../../core/task.ts";
import type { Poller } from "../../sys/poller.ts";
import { readShimProgram } from "./bundle_files.ts";
import { withShim } from "./connection.ts";
import { type DestroyDeps, destroyTask } from "./destroy.ts";
import { forceDelete } from "./force_delete.ts";
import { launchShim } from "./launch.ts";
import { createBootstrapMemory } from "./memory.ts";
import { findShim, shimKind } from "./runtime_name.ts";
import { serveOrJoin, shortPath } from "./sockets.ts";
import type { StartErrors } from "./start_failure.ts";
import { startTask } from "./start_task.ts";
import type { ForwardedEvent, ShimWire } from "./wire.ts";

export interface HeardShimsDeps {
  readonly host: Host;
  readonly wire: ShimWire;
  readonly poller: () => Poller;
  /** The state directory. */
  readonly state: string;
  /** Of this process, `NAME=value`. */
  readonly env: () => readonly string[];
  readonly now: () => Date;
  readonly startErrors: StartErrors;
  /** Absolute path of a program that publishes events as containerd's does. */
  readonly publishBinary: string;
  /** Of containers that are being started by this process. */
  readonly receive: (event: ForwardedEvent) => void;
}

export interface StartCall {
  /** Path of the shim. */
  readonly program: string;
  readonly stdio: StdioAddresses;
}

export class HeardShims {
  readonly #deps: HeardShimsDeps;

  constructor(deps: HeardShimsDeps) {
    this.#deps = deps;
  }

  /**
   * Starts a shim, and its container.
   * @param then what is done while the connection is open
   */
  async started<T>(
    ctx: Context,
    bundle: Bundle,
    { program, stdio }: StartCall,
    then: (shim: ShimService, pid: number) => Promise<T>,
  ): Promise<T> {
    return await this.#withEvents(bundle.path, async (eventsAddress) => {
      const { startErrors, now } = this.#deps;
      const runtimeRoot = this.#runtimeRoot;
      const deps = {
        ...this.#destroyDeps(),
        ...{ startErrors, now, runtimeRoot },
      };
      await launchShim(deps, { ...callOf(bundle), program, eventsAddress });
      return await withShim(
        ctx,
        deps.wire,
        bundle.path,
        async (shim) =>
          await then(shim, await startTask(ctx, deps, shim, bundle, stdio)),
      );
    });
  }

  /** Kills and deletes what is left of a container and its shim. */
  async destroy(ctx: Context, bundle: BundleView): Promise<void> {
    const program = readShimProgram(bundle.path) ??
      { program: this.#programOrName(bundle.record.runtime) };
    await this.#withEvents(bundle.path, async (eventsAddress) => {
      const call = { ...callOf(bundle), ...program, eventsAddress };
      await destroyTask(ctx, this.#destroyDeps(), call);
    });
  }

  /**
   * A program that is not there, because its name was mistyped or it has been
   * uninstalled, must not keep anybody from removing the container.
   */
  #programOrName(runtime: string): string {
    try {
      return findShim(runtime, this.#deps.host);
    } catch (error) {
      if (hasCode(error, "failedPrecondition")) return runtime;
      throw error;
    }
  }

  get #runtimeRoot(): string {
    return `${this.#deps.state}/runtime`;
  }

  /** Takes the events of a shim while `work` is done. */
  async #withEvents<T>(
    bundle: string,
    work: (address: string) => Promise<T>,
  ): Promise<T> {
    const { state, wire, receive } = this.#deps;
    // The same for all processes that serve it, one after the other: the shim
    // was told once. Not in the bundle: paths of sockets are short.
    const name = bundle.slice(bundle.lastIndexOf(".") + 1).slice(0, 16);
    using address = shortPath(`${state}/events-${name}`);
    await using _events = serveOrJoin(
      address.path,
      () => wire.serveEvents(address.path, receive),
    );
    return await work(address.path);
  }

  #destroyDeps(): DestroyDeps {
    const { state, wire, env, publishBinary } = this.#deps;
    return {
      poller: this.#deps.poller(),
      wire,
      memory: createBootstrapMemory(`${state}/shim-bootstrap.json`),
      env,
      engineAddress: `${state}/coracle.sock`,
      publishBinary,
      socketDirectory: `${state}/containerd`,
      forceDelete: (ctx, call) =>
        forceDelete(ctx, {
          program: this.#deps.host.findProgram([shimKind(call.program)]),
          root: `${this.#runtimeRoot}/${call.namespace}`,
          id: call.id,
          env: env(),
        }),
    };
  }
}

function callOf({ record: { namespace, id }, path }: BundleView) {
  return { namespace, id, bundle: path };
}
