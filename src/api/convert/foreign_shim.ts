/**
 * What an engine says to shims that are not its own, and what they answer,
 * besides the task service.
 */

import {
  BootstrapParams,
  BootstrapResult,
} from "../../../proto/gen/containerd/runtime/bootstrap/v1/bootstrap.ts";
import {
  CheckpointOptions,
  Options,
} from "../../../proto/gen/containerd/runc/v1/options.ts";
import { RuntimeInfo } from "../../../proto/gen/containerd/types/introspection.ts";
import type { TypedValue } from "../../core/container.ts";

const RUNC_OPTIONS = "containerd.runc.v1.Options";

/** `containerd.runc.v1.Options` @param options.root where runc keeps its state */
export function encodeRuncOptions(
  { root }: { readonly root: string },
): TypedValue {
  return {
    typeUrl: RUNC_OPTIONS,
    value: Options.encode(Options.create({ root })).finish(),
  };
}

/** Options of another type stay what they are. */
export function withRuncRoot(
  options: TypedValue | undefined,
  root: string,
): TypedValue {
  if (options === undefined) return encodeRuncOptions({ root });
  if (!options.typeUrl.endsWith(RUNC_OPTIONS)) return options;
  const decoded = Options.decode(options.value);
  if (decoded.root !== "") return options;
  const value = Options.encode({ ...decoded, root }).finish();
  return { typeUrl: RUNC_OPTIONS, value };
}

/** Empty without a directory to restore from, and for other types. */
export function decodeImagePath(options: TypedValue | undefined): string {
  return options?.typeUrl.endsWith(RUNC_OPTIONS)
    ? Options.decode(options.value).criuImagePath
    : "";
}

/** `containerd.runc.v1.CheckpointOptions` */
export function encodeCheckpointOptions(
  { after }: { readonly after: "stop" | "goOn" },
): TypedValue {
  const options = CheckpointOptions.create({ exit: after === "stop" });
  return {
    typeUrl: "containerd.runc.v1.CheckpointOptions",
    value: CheckpointOptions.encode(options).finish(),
  };
}

/** What a shim from containerd 2.3 on reads from its standard input. */
export function encodeBootstrapParams(params: {
  readonly id: string;
  readonly namespace: string;
  readonly eventsAddress: string;
  readonly engineAddress: string;
  readonly publishBinary: string;
}): Uint8Array<ArrayBuffer> {
  const message = BootstrapParams.create({
    instanceId: params.id,
    namespace: params.namespace,
    containerdTtrpcAddress: params.eventsAddress,
    containerdGrpcAddress: params.engineAddress,
    containerdBinary: params.publishBinary,
  });
  return new Uint8Array(BootstrapParams.encode(message).finish());
}

/** And what it writes to its standard output. */
export function decodeBootstrapResult(
  bytes: Uint8Array,
): {
  readonly version: number;
  readonly address: string;
  readonly protocol: string;
} {
  return BootstrapResult.decode(bytes);
}

/** Of what a shim says to `-info`: `v2.3.0`; empty if it says none. */
export function decodeRuntimeVersion(bytes: Uint8Array): string {
  return RuntimeInfo.decode(bytes).version?.version ?? "";
}
