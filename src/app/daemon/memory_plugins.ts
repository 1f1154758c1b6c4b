/** What calls leave in memory is given back when there are none for a while. */

import type { CallObserver } from "../../rpc/grpc/observe.ts";
import { MemoryKeeper } from "../../shim/memory.ts";
import { isPacked } from "../self.ts";
import { OBSERVER_TYPE } from "./observers.ts";
import { type Plugin, plugin, SkipPlugin } from "./plugin.ts";

/** A timer for each call would cost more than it gives. */
const TELL_MS = 1_000;

const POLICY = {
  quietMs: 2_000,
  leastBetweenMs: 30_000,
  worthBytes: 4 * 1024 * 1024,
};

export const memoryPlugins: readonly Plugin[] = [
  plugin<CallObserver>(
    { type: OBSERVER_TYPE, id: "memory" },
    [],
    ({ now, defer }) => {
      if (!isPacked()) {
        throw new SkipPlugin("only the executable can give memory back");
      }
      const memory = new MemoryKeeper({ now, policy: POLICY });
      defer(() => memory[Symbol.dispose]());
      let told = -Infinity;
      const watch = {
        ended() {
          const at = performance.now();
          if (at - told < TELL_MS) return;
          told = at;
          memory.used();
        },
      };
      return { method: () => () => watch };
    },
  ),
];
