/** Calls that are being answered, for who asks what the daemon is doing. */

import { firstValue } from "../../rpc/grpc/headers.ts";
import type { CallObserver } from "../../rpc/grpc/observe.ts";

export interface OpenCall {
  /** `/containerd.services.events.v1.Events/Subscribe` */
  readonly path: string;
  readonly namespace: string;
  /** The request's id, as in the log. */
  readonly request: string;
  readonly startedAt: number;
  /** The handler goes on, but its caller has gone. */
  readonly state: "open" | "left";
  readonly received: number;
  readonly sent: number;
}

export class OpenCalls implements CallObserver {
  readonly #open = new Set<() => OpenCall>();
  readonly #now: () => number;

  /** @param now milliseconds since the epoch */
  constructor(now: () => number) {
    this.#now = now;
  }

  method(): ReturnType<CallObserver["method"]> {
    return (call) => {
      const startedAt = this.#now();
      let [received, sent] = [0, 0];
      const show = (): OpenCall => ({
        path: call.path,
        namespace: firstValue(call.metadata, "containerd-namespace") ?? "",
        request: String(call.fields?.["request"] ?? ""),
        startedAt,
        state: call.signal.aborted ? "left" : "open",
        received,
        sent,
      });
      this.#open.add(show);
      return {
        received: () => void received++,
        sent: (messages) => void (sent += messages),
        ended: () => void this.#open.delete(show),
      };
    };
  }

  /** The oldest first. */
  list(): readonly OpenCall[] {
    return [...this.#open].map((show) => show());
  }
}
