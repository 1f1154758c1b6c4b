/**
 * Entry of the threads that unpack. Each takes one order at a time, works on
 * it without looking up, and reports.
 */

import { runExtractStage } from "./extract_stage.ts";
import { type Order, type Report, toPlainError } from "./messages.ts";
import { runReadStage } from "./read_stage.ts";
import { PeerGone } from "./ring.ts";

/** What of a worker's global scope is used here. */
interface WorkerScope {
  onmessage: ((event: MessageEvent<Order>) => Promise<void>) | null;
  postMessage(report: Report): void;
}

const scope = globalThis as unknown as WorkerScope;

async function carryOut(order: Order): Promise<Report> {
  try {
    return order.kind === "read"
      ? await runReadStage(order)
      : await runExtractStage(order);
  } catch (error) {
    if (error instanceof PeerGone) return { kind: "failed" };
    return { kind: "failed", error: toPlainError(error) };
  }
}

scope.onmessage = async ({ data: order }) => {
  scope.postMessage(await carryOut(order));
};
