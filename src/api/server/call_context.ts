import { type Context, DEFAULT_NAMESPACE } from "../../base/context.ts";
import type { Logger } from "../../base/log.ts";
import type { CallInfo } from "../../rpc/ttrpc/method.ts";
import { NAMESPACE_HEADER } from "../convert/headers.ts";

export function contextOf(call: CallInfo, log: Logger): Context {
  return {
    namespace: call.metadata.get(NAMESPACE_HEADER) ?? DEFAULT_NAMESPACE,
    signal: call.signal,
    log,
  };
}
