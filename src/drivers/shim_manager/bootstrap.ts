/**
 * What a shim's `start` says about how to reach it.
 *
 * | shims of containerd | answer |
 * |---|---|
 * | up to 1.6 | the bare address |
 * | 1.7 to 2.2 | JSON: `{"version":3,"address":"unix://…","protocol":"ttrpc"}` |
 * | from 2.3 on | the same as protobuf (`BootstrapResult`) |
 */

import { EngineError, unavailable } from "../../base/errors.ts";
import type { ShimEndpoint } from "./wire.ts";

/** The newest task API that we speak. */
const NEWEST = 3;

interface Answer {
  readonly version?: number;
  readonly address?: string;
  readonly protocol?: string;
}

/**
 * @param decode of a protobuf `BootstrapResult`
 * @throws {EngineError} `unavailable`, `unimplemented`
 */
export function parseBootstrap(
  output: Uint8Array,
  decode: (bytes: Uint8Array) => Answer,
): ShimEndpoint {
  const answer = isBinary(output) ? decode(output) : parseText(output);
  const { version = 2, address = "", protocol = "ttrpc" } = answer;
  if (address === "") {
    throw unavailable("Cannot reach a shim that has not said its address");
  }
  if (version > NEWEST) {
    throw new EngineError(
      "unimplemented",
      `Cannot talk to a shim of version "${version}"`,
      { hint: `Use a shim of version ${NEWEST} or older` },
    );
  }
  if (protocol !== "" && protocol !== "ttrpc") {
    throw new EngineError(
      "unimplemented",
      `Cannot talk to a shim by protocol "${protocol}"`,
      { hint: "Use a shim that speaks ttrpc" },
    );
  }
  // Some of the older ones say 0 or 1 and mean the first of this kind.
  return { address, version: version === 3 ? 3 : 2 };
}

/** The tag of a protobuf field is a control character, no text begins so. */
function isBinary(output: Uint8Array): boolean {
  const first = output[0];
  return first === 0x08 || first === 0x12 || first === 0x1a;
}

function parseText(output: Uint8Array): Answer {
  const text = new TextDecoder().decode(output).trim();
  if (!text.startsWith("{")) return { address: text };
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw unavailable(`Cannot read a shim's answer "${text}"`, { cause });
  }
}
