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

/** How daemons and runc's shim say that there is no such program. */
const MISSING: readonly (readonly [words: RegExp, what: string])[] = [
  [/Cannot find OCI runtime "([^"]+)"/, "OCI runtime"],
  [/unable to retrieve OCI runtime error.*exec: "([^"]+)"/s, "OCI runtime"],
  [
    /unable to retrieve OCI runtime error.*fork\/exec (\S+): no such file/s,
    "OCI runtime",
  ],
  [/Cannot find shim "([^"]+)"/, "shim"],
  [/runtime "[^"]+" binary not installed "([^"]+)"/, "shim"],
  [/invalid custom binary path: stat (.+): no such file/, "shim"],
];

/** @returns what to throw: that there is no such runtime, or `error` */
export function explainNoRuntime(error: unknown): unknown {
  const { message } = EngineError.from(error);
  for (const [words, what] of MISSING) {
    const name = words.exec(message)?.[1];
    if (name === undefined) continue;
    return new ThroughSocketError("notFound", `Cannot find ${what} "${name}"`, {
      hint: "Install it where the daemon finds its programs, or name another " +
        "with --runtime",
      cause: error,
    });
  }
  return error;
}
