/** What the log and the debug socket know of calls. */

import type { CallObserver } from "../../rpc/grpc/observe.ts";
import { callLog, requestIds } from "../observe/call_log.ts";
import { OpenCalls } from "../observe/open_calls.ts";
import { OBSERVER_TYPE, OPEN_CALLS } from "./observers.ts";
import { type Plugin, plugin } from "./plugin.ts";

export const loggingPlugins: readonly Plugin[] = [
  // First, so that the others know the request's id.
  plugin<CallObserver>(
    { type: OBSERVER_TYPE, id: "log" },
    [],
    ({ log }) =>
      callLog({ log, now: () => performance.now(), newId: requestIds() }),
  ),
  plugin(OPEN_CALLS, [], ({ now }) => new OpenCalls(() => now().getTime())),
];
