/** Our shim's own service over ttrpc. */

import {
  type AttachInput as WireInput,
  KeeperDefinition,
} from "../../../proto/gen/coracle/shim/v1/keeper.ts";
import { invalidArgument } from "../../base/errors.ts";
import type { Logger } from "../../base/log.ts";
import type { AttachInput, Keeper } from "../../core/keeper.ts";
import { type ServedService, service } from "../../rpc/ttrpc/service.ts";
import { fromInput, toOutput } from "../convert/keeper.ts";
import { toExit } from "../convert/shim_task.ts";
import { contextOf } from "./call_context.ts";

export function keeperService(keeper: Keeper, log: Logger): ServedService {
  return service(KeeperDefinition, {
    launch: async (call, { request }) => ({
      pid: await keeper.launch(contextOf(call, log), JSON.parse(request)),
    }),
    status: async (call, { id }) => ({
      status: JSON.stringify(await keeper.status(contextOf(call, log), id)),
    }),
    async retire(call, { id }) {
      await keeper.retire(contextOf(call, log), id);
      return {};
    },
    async setRestartPolicy(call, { id, policy }) {
      const ctx = contextOf(call, log);
      await keeper.setRestartPolicy(ctx, id, JSON.parse(policy));
      return {};
    },
    wait: async (call, { id }) =>
      toExit(await keeper.wait(contextOf(call, log), id)),
    async *attach(call, inputs) {
      const iterator = inputs[Symbol.asyncIterator]();
      const first = await iterator.next();
      const start = first.done === true ? undefined : first.value.input;
      if (start?.$case !== "start") {
        throw invalidArgument("Cannot attach: it is not said to what");
      }
      const { id, stdin } = start.value;
      const outputs = keeper.attach(
        contextOf(call, log),
        { id, stdin: stdin ? "send" : "none" },
        remaining(iterator),
      );
      for await (const output of outputs) yield toOutput(output);
    },
  });
}

async function* remaining(
  iterator: AsyncIterator<WireInput>,
): AsyncGenerator<AttachInput> {
  for (;;) {
    const next = await iterator.next();
    if (next.done === true) return;
    yield fromInput(next.value);
  }
}
