/**
 * What the caller of `start` says, and how it wants to be answered: containerd
 * 1.6 by a bare address, 1.7 to 2.2 by JSON, 2.3 and later by protobuf.
 * @see containerd, runtime v2, "Bootstrapping"
 */

import {
  BootstrapParams,
  BootstrapResult,
} from "../../proto/gen/containerd/runtime/bootstrap/v1/bootstrap.ts";
import type { ShimFlags } from "./shim_flags.ts";

export interface Bootstrap {
  /** Where events are sent; empty for nowhere. */
  readonly events: string;
  /** Where to make sockets; undefined if the caller does not care. */
  readonly socketDirectory: string | undefined;
  answer(address: string): Uint8Array;
}

/** Of the task API, as both sides understand it. */
const VERSION = { json: 2, protobuf: 3 } as const;

export function readBootstrap(
  flags: Pick<ShimFlags, "id" | "namespace">,
  input: Uint8Array,
): Bootstrap {
  const env = (name: string) => Deno.env.get(name) ?? "";
  const params = paramsFor(flags, input);
  if (params !== undefined) {
    return {
      events: params.containerdTtrpcAddress || env("TTRPC_ADDRESS"),
      socketDirectory: params.socketDir,
      answer: protobufAnswer,
    };
  }
  return {
    events: env("TTRPC_ADDRESS"),
    socketDirectory: undefined,
    // containerd 1.6 and before know of no versions.
    answer: env("MAX_SHIM_VERSION") === "" ? bareAnswer : jsonAnswer,
  };
}

/**
 * Others write options of a runtime there, which may look alike: it is only
 * believed if it names the same task as the flags.
 */
function paramsFor(
  flags: Pick<ShimFlags, "id" | "namespace">,
  input: Uint8Array,
): BootstrapParams | undefined {
  try {
    const params = BootstrapParams.decode(input);
    const isMeant = params.instanceId === flags.id &&
      params.namespace === flags.namespace;
    return isMeant ? params : undefined;
  } catch {
    return undefined;
  }
}

function bareAnswer(address: string): Uint8Array {
  return new TextEncoder().encode(address);
}

function jsonAnswer(address: string): Uint8Array {
  const answer = { version: VERSION.json, address, protocol: "ttrpc" };
  return new TextEncoder().encode(JSON.stringify(answer));
}

function protobufAnswer(address: string): Uint8Array {
  return BootstrapResult.encode(BootstrapResult.fromPartial({
    version: VERSION.protobuf,
    address,
    protocol: "ttrpc",
  })).finish();
}
