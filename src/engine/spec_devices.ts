/** From `--device` to nodes, rules and mounts of the spec. */

import type { Host } from "../core/host.ts";
import type { DeviceRule, SpecDevice, SpecMount } from "../oci/runtime_spec.ts";
import type { DeviceOption } from "./run_options.ts";

export interface DeviceParts {
  readonly devices: readonly SpecDevice[];
  readonly deviceRules: readonly DeviceRule[];
  readonly mounts: readonly SpecMount[];
}

/** @throws {EngineError} `notFound`, `invalidArgument` if one is no device */
export function deviceParts(
  asked: readonly DeviceOption[],
  host: Pick<Host, "deviceNodes" | "facts">,
): DeviceParts {
  const found = asked.flatMap((option) =>
    host.deviceNodes(option.source).map((node) => ({
      node,
      option,
      target: option.target + node.path.slice(option.source.length),
    }))
  );
  // Who can't make a node gets the host's, which a runtime looks for where
  // the container wants it: one of another path is for us to mount.
  const isMounted = ({ node, target }: typeof found[number]) =>
    target !== node.path && host.facts().inUserNamespace;
  return {
    devices: found.filter((device) => !isMounted(device))
      .map(({ node, target }) => ({ ...node, path: target })),
    mounts: found.filter(isMounted).map(({ node, target }) => ({
      destination: target,
      type: "bind",
      source: node.path,
      options: ["bind", "nosuid", "noexec"],
    })),
    deviceRules: found.map(({ node, option }) => ({
      allow: true,
      type: node.type === "b" ? "b" : "c",
      major: node.major,
      minor: node.minor,
      access: option.access,
    })),
  };
}
