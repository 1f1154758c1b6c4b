/** What the log says of calls: which request a line belongs to, and failures. */

import { EngineError } from "../../base/errors.ts";
import type { Logger } from "../../base/log.ts";
import { codeName } from "../../rpc/grpc/code_names.ts";
import { firstValue } from "../../rpc/grpc/headers.ts";
import type { GrpcCall } from "../../rpc/grpc/method.ts";
import type { CallObserver, CallOutcome } from "../../rpc/grpc/observe.ts";

interface CallLogOptions {
  readonly log: Logger;
  /** Milliseconds that only grow. */
  readonly now: () => number;
  /** For calls that bring none. */
  readonly newId: () => string;
}

const REQUEST_ID = "x-request-id";

/** Anything else would make lines of the log hard to read, or to trust. */
const GOOD_ID = /^[\w.:/+=@-]{1,128}$/;

/** Statuses that say that we are broken, not that the caller is wrong. */
const OURS: ReadonlySet<string> = new Set(["Internal", "DataLoss"]);

/** Of the host, as a full disk: nobody is wrong, but somebody has to know. */
const LACKING = "ResourceExhausted";

export function callLog({ log, now, newId }: CallLogOptions): CallObserver {
  return {
    method: ({ service, method }) => (call) => {
      const start = now();
      const request = idOf(call) ?? newId();
      return {
        fields: { request },
        ended(outcome) {
          if (outcome.status === 0) return;
          report(log, outcome, {
            ...outcome.fields,
            method: `${service}/${method}`,
            namespace: firstValue(call.metadata, "containerd-namespace") ?? "",
            status: codeName(outcome.status),
            ms: Math.round(now() - start),
          });
        },
      };
    },
  };
}

function idOf({ metadata }: GrpcCall): string | undefined {
  const given = firstValue(metadata, REQUEST_ID);
  return given !== undefined && GOOD_ID.test(given) ? given : undefined;
}

type Fields = Readonly<Record<string, unknown>> & { readonly status: string };

function report(log: Logger, { error }: CallOutcome, fields: Fields): void {
  if (fields.status === LACKING) {
    return log.warn("A call failed", { ...fields, error });
  }
  const isForeseen = error instanceof EngineError ||
    error instanceof DOMException;
  if (isForeseen && !OURS.has(fields.status)) {
    log.debug("A call failed", { ...fields, error });
  } else {
    log.error("A call failed", { ...fields, error, stack: stackOf(error) });
  }
}

/** Of the error, and of what caused it. */
function stackOf(error: unknown): string {
  const stacks: string[] = [];
  for (let at = error, depth = 0; at !== undefined && depth < 8; depth++) {
    stacks.push(at instanceof Error ? at.stack ?? at.message : String(at));
    at = at instanceof Error ? at.cause : undefined;
  }
  return stacks.join("\ncaused by ");
}

/** Short, and different in each daemon: its own beginning and a number. */
export function requestIds(): () => string {
  const begin = crypto.randomUUID().slice(0, 8);
  let count = 0;
  return () => `${begin}-${(++count).toString(36)}`;
}
