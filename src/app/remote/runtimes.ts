/**
 * OCI runtimes over there: runc's shim runs each, if its options name it, as
 * docker has it.
 */

import { Options } from "../../../proto/gen/containerd/runc/v1/options.ts";
import { EngineError } from "../../base/errors.ts";
import type { Container, ContainerStore } from "../../core/container.ts";
import { ThroughSocketError } from "../../core/through_socket.ts";
import { isForeignRuntime } from "../../engine/runtime_name.ts";

/** What containerd calls a container that runc runs. */
export const DEFAULT_RUNTIME = "io.containerd.runc.v2";

const OPTIONS_TYPE = "containerd.runc.v1.Options";

/** What its shim runs if it is told nothing. */
const SHIM_DEFAULT = "runc";

type Runtime = Container["runtime"];

/** @param runtime of a record: a shim's, or the name or path of a program */
export function shimRuntime(runtime: Runtime): Runtime {
  const { name } = runtime;
  if (isForeignRuntime(name)) return runtime;
  if (name === "" || name === SHIM_DEFAULT) return { name: DEFAULT_RUNTIME };
  const value = Options.encode(Options.fromPartial({ binaryName: name }))
    .finish();
  return {
    name: DEFAULT_RUNTIME,
    options: { typeUrl: OPTIONS_TYPE, value },
  };
}

/** Writes records with which other clients, and the daemon, can start them. */
export function withShimRuntimes(containers: ContainerStore): ContainerStore {
  return {
    ...containers,
    create: (ctx, container) =>
      containers.create(ctx, {
        ...container,
        runtime: shimRuntime(container.runtime),
      }),
  };
}

/** As runc's shim says that it could not even call the program. */
const NOT_CALLED = /unable to retrieve OCI runtime error.*exec: "([^"]+)"/s;

/** @returns what to throw: that there is no such runtime, or `error` */
export function explainNoRuntime(error: unknown): unknown {
  const name = NOT_CALLED.exec(EngineError.from(error).message)?.[1];
  if (name === undefined) return error;
  return new ThroughSocketError(
    "notFound",
    `Cannot find OCI runtime "${name}"`,
    { hint: "It is looked for where the daemon's programs are", cause: error },
  );
}
