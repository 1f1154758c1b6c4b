/**
 * containerd's task service on our own shim's socket. Few ever call it, and
 * every container pays for what is loaded: it is when it is first called.
 */

import type { ServedMethod, ServedService } from "../rpc/ttrpc/service.ts";

const NAMES = ["containerd.task.v2.Task", "containerd.task.v3.Task"] as const;

/** None of them is a stream. */
const METHODS = [
  "State",
  "Create",
  "Start",
  "Delete",
  "Pids",
  "Pause",
  "Resume",
  "Checkpoint",
  "Kill",
  "Exec",
  "ResizePty",
  "CloseIO",
  "Update",
  "Wait",
  "Stats",
  "Connect",
  "Shutdown",
] as const;

/** @param load called once, gives both */
export function tasksWhenCalled(
  load: () => Promise<readonly ServedService[]>,
): readonly ServedService[] {
  let loaded: ReturnType<typeof load> | undefined;
  return NAMES.map((name) => {
    const answer = (method: string): ServedMethod["answer"] =>
      async function* (...call) {
        const services = await (loaded ??= load());
        const service = services.find((it) => it.name === name);
        const found = service?.methods.get(method);
        if (found !== undefined) yield* found.answer(...call);
      };
    const methods = METHODS.map((method) =>
      [method, { isStream: false, answer: answer(method) }] as const
    );
    return { name, methods: new Map(methods) };
  });
}
