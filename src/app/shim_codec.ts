/** The values that a shim knows by their wire format only. */

import {
  CheckpointOptions,
  Options,
  ProcessDetails,
} from "../../proto/gen/containerd/runc/v1/options.ts";
import { Options as RuntimeOptions } from "../../proto/gen/runtimeoptions/v1/options.ts";
import { invalidArgument } from "../base/errors.ts";
import type { TypedValue } from "../core/container.ts";
import {
  DEFAULT_RUNC_OPTIONS,
  type RuncCheckpointOptions,
  type RuncOptions,
  type ShimCodec,
} from "../shim/options.ts";

export const shimCodec: ShimCodec = {
  runcOptions,
  checkpointOptions,
  processDetails: (execId) => ({
    typeUrl: "containerd.runc.v1.ProcessDetails",
    value: ProcessDetails.encode({ execId }).finish(),
  }),
};

async function runcOptions(
  value: TypedValue | undefined,
  ignored: (key: string) => void,
): Promise<RuncOptions> {
  if (isEmpty(value)) return DEFAULT_RUNC_OPTIONS;
  if (nameOf(value) === "runtimeoptions.v1.Options") {
    const { readRuntimeOptions } = await import("./shim_runtime_options.ts");
    return readRuntimeOptions(RuntimeOptions.decode(value.value), ignored);
  }
  const options = Options.decode(expect(value, "containerd.runc.v1.Options"));
  return {
    binaryName: options.binaryName,
    root: options.root,
    cgroupDriver: options.systemdCgroup ? "systemd" : "cgroupfs",
    pivotRoot: options.noPivotRoot ? "avoid" : "use",
    keyring: options.noNewKeyring ? "inherited" : "new",
    ioUid: options.ioUid,
    ioGid: options.ioGid,
    criuWorkPath: options.criuWorkPath,
  };
}

function checkpointOptions(
  value: TypedValue | undefined,
): RuncCheckpointOptions {
  if (isEmpty(value)) return { after: "goOn", flags: [], workPath: "" };
  const options = CheckpointOptions.decode(
    expect(value, "containerd.runc.v1.CheckpointOptions"),
  );
  return {
    after: options.exit ? "stop" : "goOn",
    workPath: options.workPath,
    flags: [
      ...options.openTcp ? ["--tcp-established"] : [],
      ...options.externalUnixSockets ? ["--ext-unix-sk"] : [],
      ...options.terminal ? ["--shell-job"] : [],
      ...options.fileLocks ? ["--file-locks"] : [],
      ...options.emptyNamespaces.flatMap((name) => ["--empty-ns", name]),
      ...options.cgroupsMode === ""
        ? []
        : ["--manage-cgroups-mode", options.cgroupsMode],
      ...options.parentPath === "" ? [] : ["--parent-path", options.parentPath],
    ],
  };
}

function isEmpty(value: TypedValue | undefined): value is undefined {
  return value === undefined || value.value.length === 0;
}

function nameOf({ typeUrl }: TypedValue): string {
  return typeUrl.slice(typeUrl.lastIndexOf("/") + 1);
}

/** @throws {EngineError} `invalidArgument` */
function expect(value: TypedValue, name: string): Uint8Array {
  if (nameOf(value) === name) return value.value;
  throw invalidArgument(`Cannot use options of type "${value.typeUrl}"`, {
    hint: `This shim knows ${name}`,
  });
}
