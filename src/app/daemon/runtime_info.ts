/**
 * What a runtime can do, by its shim's word: ours is asked in this process, as
 * it is the same program.
 * @see containerd, runtime v2, "Commands", `-info`
 */

import {
  RuntimeInfo,
  RuntimeRequest,
} from "../../../proto/gen/containerd/types/introspection.ts";
import { Any } from "../../../proto/gen/google/protobuf/any.ts";
import type { Context } from "../../base/context.ts";
import {
  invalidArgument,
  unavailable,
  unimplemented,
} from "../../base/errors.ts";
import type { TypedValue } from "../../core/container.ts";
import type { Host } from "../../core/host.ts";
import { findShim } from "../../drivers/shim_manager/runtime_name.ts";

const REQUEST = "containerd.types.RuntimeRequest";
const INFO = "containerd.types.RuntimeInfo";

export interface RuntimeInfoDeps {
  readonly host: Host;
  /** Which runtimes our own shim drives. */
  readonly isOurs: (runtime: string) => boolean;
}

/**
 * @param asked `containerd.types.RuntimeRequest`
 * @returns `containerd.types.RuntimeInfo`
 * @throws {EngineError} `unimplemented` for another question;
 * `failedPrecondition` if there is no such program; `unavailable` with what it
 * says if it does not answer
 */
export async function runtimeInfo(
  ctx: Context,
  { host, isOurs }: RuntimeInfoDeps,
  { typeUrl, value }: TypedValue,
): Promise<TypedValue> {
  if (typeUrl.slice(typeUrl.lastIndexOf("/") + 1) !== REQUEST) {
    throw unimplemented(`tell of tasks what "${typeUrl}" asks`);
  }
  const { runtimePath, options } = RuntimeRequest.decode(value);
  if (runtimePath === "") {
    throw invalidArgument("Cannot tell of a runtime without its name");
  }
  const given = options === undefined
    ? new Uint8Array()
    : Any.encode(options).finish();
  const info = isOurs(runtimePath)
    ? await ourInfo(given)
    : await infoOf(ctx, findShim(runtimePath, host), given);
  return { typeUrl: INFO, value: info };
}

async function ourInfo(options: Uint8Array): Promise<Uint8Array> {
  const { shimInfo } = await import("../shim_info.ts");
  return await shimInfo(options);
}

async function infoOf(
  { signal }: Context,
  program: string,
  options: Uint8Array,
): Promise<Uint8Array> {
  const child = new Deno.Command(program, {
    args: ["-info"],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
    signal,
  }).spawn();
  // One that does not read is not the worse for it.
  const told = tell(child.stdin, options).catch(() => {});
  const { success, stdout, stderr } = await child.output();
  await told;
  const said = new TextDecoder().decode(stderr).trim();
  if (!success) throw silent(program, said);
  try {
    RuntimeInfo.decode(stdout);
  } catch (cause) {
    throw silent(program, "its answer makes no sense", cause);
  }
  return stdout;
}

async function tell(
  input: WritableStream<Uint8Array<ArrayBufferLike>>,
  bytes: Uint8Array,
): Promise<void> {
  const writer = input.getWriter();
  await writer.write(bytes);
  await writer.close();
}

function silent(program: string, why: string, cause?: unknown) {
  return unavailable(
    `Cannot ask shim "${program}" what it can do: ${
      why === "" ? "it says nothing" : why
    }`,
    {
      ...cause === undefined ? {} : { cause },
      hint: "Shims older than containerd 2.0 can't tell",
    },
  );
}
