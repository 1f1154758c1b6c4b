/** `-info`: what this shim and its OCI runtime can do. */

import { Options } from "../../proto/gen/containerd/runc/v1/options.ts";
import { RuntimeInfo } from "../../proto/gen/containerd/types/introspection.ts";
import { Any } from "../../proto/gen/google/protobuf/any.ts";
import { findRuntime } from "../shim/find_program.ts";
import { VERSION } from "./self.ts";

const NAME = "io.containerd.coracle.v1";
const OPTIONS_TYPE = "containerd.runc.v1.Options";
const FEATURES_TYPE =
  "types.containerd.io/opencontainers/runtime-spec/1/features/Features";

/**
 * @param input an `Any` with options of the runtime, or nothing
 * @returns `containerd.types.RuntimeInfo`
 * @throws {EngineError} `failedPrecondition` if the runtime is not there
 */
export async function shimInfo(input: Uint8Array): Promise<Uint8Array> {
  const given = input.length === 0 ? undefined : Any.decode(input);
  const isOurs = given?.typeUrl.endsWith(OPTIONS_TYPE) === true;
  const options = isOurs ? Options.decode(given.value) : undefined;
  const env = Object.entries(Deno.env.toObject())
    .map(([name, value]) => `${name}=${value}`);
  const path = findRuntime(options?.binaryName || "runc", env);
  const features = await featuresOf(path);
  return RuntimeInfo.encode(RuntimeInfo.fromPartial({
    name: NAME,
    version: { version: VERSION, revision: "" },
    ...isOurs ? { options: given } : {},
    ...features === undefined
      ? {}
      : { features: { typeUrl: FEATURES_TYPE, value: features } },
  })).finish();
}

/** Undefined if the runtime does not know how to say. */
async function featuresOf(path: string): Promise<Uint8Array | undefined> {
  const { success, stdout } = await new Deno.Command(path, {
    args: ["features"],
    stderr: "null",
  }).output();
  return success ? stdout : undefined;
}
