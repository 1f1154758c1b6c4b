import type { Context } from "../../base/context.ts";
import type { CallOptions } from "../../rpc/ttrpc/method.ts";
import { NAMESPACE_HEADER } from "../convert/headers.ts";

export function callOptions({ namespace, signal }: Context): CallOptions {
  return { metadata: { [NAMESPACE_HEADER]: namespace }, signal };
}
