/** Our shim's own service, over its ttrpc socket. */

import {
  type AttachInput as WireInput,
  KeeperDefinition,
} from "../../../proto/gen/coracle/shim/v1/keeper.ts";
import type { AttachInput, AttachRequest, Keeper } from "../../core/keeper.ts";
import type { TtrpcClient } from "../../rpc/ttrpc/client.ts";
import { fromOutput, toInput } from "../convert/keeper.ts";
import { fromExit } from "../convert/shim_task.ts";
import { callOptions } from "./call_options.ts";

export function remoteKeeper(client: TtrpcClient): Keeper {
  const keeper = client.stub(KeeperDefinition);
  const call = callOptions;
  return {
    async launch(ctx, request) {
      const text = JSON.stringify(request);
      const { pid } = await keeper.launch({ request: text }, call(ctx));
      return pid;
    },
    async status(ctx, id) {
      const { status } = await keeper.status({ id }, call(ctx));
      return JSON.parse(status);
    },
    async retire(ctx, id) {
      await keeper.retire({ id }, call(ctx));
    },
    async setRestartPolicy(ctx, id, policy) {
      const text = JSON.stringify(policy);
      await keeper.setRestartPolicy({ id, policy: text }, call(ctx));
    },
    wait: async (ctx, id) => fromExit(await keeper.wait({ id }, call(ctx))),
    async *attach(ctx, request, input) {
      const inputs = wireInputs(request, input);
      for await (const output of keeper.attach(inputs, call(ctx))) {
        const known = fromOutput(output);
        if (known !== undefined) yield known;
      }
    },
  };
}

async function* wireInputs(
  { id, stdin }: AttachRequest,
  inputs: AsyncIterable<AttachInput>,
): AsyncGenerator<WireInput> {
  const start = { id, stdin: stdin === "send" };
  yield { input: { $case: "start", value: start } };
  for await (const input of inputs) yield toInput(input);
}
