/** Sandboxes between wire and domain. */

import type { Sandbox as WireSandbox } from "../../../proto/gen/containerd/types/sandbox.ts";
import type { NewSandbox, Sandbox } from "../../core/sandbox.ts";
import { fromAny, toAny } from "./any.ts";
import { fromLabels } from "./labels.ts";

export function toSandbox(sandbox: Sandbox): WireSandbox {
  const { createdAt, updatedAt } = sandbox;
  return { ...toNewSandbox(sandbox), createdAt, updatedAt };
}

export function toNewSandbox(sandbox: NewSandbox): WireSandbox {
  const { id, labels, runtime, spec, extensions = {}, sandboxer } = sandbox;
  return {
    sandboxId: id,
    labels: { ...labels },
    runtime: runtime &&
      { name: runtime.name, options: toAny(runtime.options) },
    spec: toAny(spec),
    extensions: Object.fromEntries(
      Object.entries(extensions).map(([key, value]) => [key, toAny(value)]),
    ),
    sandboxer: sandboxer ?? "",
    createdAt: undefined,
    updatedAt: undefined,
  };
}

/** What a message leaves out is empty; no message is a sandbox without an id. */
export function fromSandbox(sandbox: WireSandbox | undefined): NewSandbox {
  if (sandbox === undefined) return { id: "" };
  const { sandboxId: id, labels, runtime, extensions, sandboxer } = sandbox;
  const options = fromAny(runtime?.options);
  const spec = fromAny(sandbox.spec);
  return {
    id,
    labels: fromLabels(labels),
    runtime: { name: runtime?.name ?? "", ...options && { options } },
    ...spec && { spec },
    extensions,
    sandboxer,
  };
}
