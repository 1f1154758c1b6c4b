/** Asking a client for credentials. */

import { AuthType } from "../../../proto/gen/containerd/types/transfer/registry.ts";
import type { AuthResponse as WireResponse } from "../../../proto/gen/containerd/types/transfer/registry.ts";
import type { Context } from "../../base/context.ts";
import { EngineError } from "../../base/errors.ts";
import type { MessageStream } from "../../core/stream.ts";
import type {
  AskForCredential,
  RegistryCredential,
} from "../../core/transfer.ts";
import { AuthRequest, AuthResponse } from "./transfer_any.ts";

/** One question at a time, and none about a host twice. */
export function askOver(
  stream: MessageStream,
  reference: string,
): AskForCredential {
  const known = new Map<string, Promise<RegistryCredential | undefined>>();
  let last: Promise<unknown> = Promise.resolve();
  return (ctx, host) => {
    const before = known.get(host);
    if (before !== undefined) return before;
    const answer = last.then(() => ask(ctx, stream, reference, host));
    last = answer.catch(() => {});
    known.set(host, answer);
    return answer;
  };
}

async function ask(
  ctx: Context,
  stream: MessageStream,
  reference: string,
  host: string,
): Promise<RegistryCredential | undefined> {
  const question = { host, reference, wwwauthenticate: [] };
  await stream.send(ctx, AuthRequest.pack(question));
  const message = await stream.receive(ctx);
  const answer = message && AuthResponse.unpack(message);
  if (answer === undefined) {
    throw new EngineError(
      "unauthenticated",
      `Cannot log in to "${host}": the client gives no credentials`,
    );
  }
  if (answer.authType === AuthType.HEADER) {
    ctx.log.warn("Cannot use the Authorization header of a client", { host });
  }
  return fromAuthResponse(answer);
}

export function fromAuthResponse(
  { authType, username, secret }: WireResponse,
): RegistryCredential | undefined {
  switch (authType) {
    case AuthType.CREDENTIALS:
      if (username !== "") {
        return { kind: "password", username, password: secret };
      }
      return secret === "" ? undefined : { kind: "identity", token: secret };
    case AuthType.REFRESH:
      return secret === "" ? undefined : { kind: "identity", token: secret };
    // A whole header is not used, as containerd does not: it asks as nobody.
    default:
      return undefined;
  }
}
