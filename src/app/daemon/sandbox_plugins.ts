/** Sandboxes: their records, and the controller of those that shims make. */

import { lazy } from "../../base/lazy.ts";
import type { SandboxController, SandboxStore } from "../../core/sandbox.ts";
import {
  type Plugin,
  plugin,
  type PluginHost,
  type PluginKey,
} from "./plugin.ts";
import { served } from "./served.ts";

export const SANDBOXES: PluginKey<SandboxStore> = {
  type: "io.containerd.sandbox.store.v1",
  id: "local",
};
/** Of plugins whose value is a controller, known by the plugin's id. */
export const SANDBOXER_TYPE = "io.containerd.sandbox.controller.v1";
export const SHIM_SANDBOXER: PluginKey<SandboxController> = {
  type: SANDBOXER_TYPE,
  id: "shim",
};

export const sandboxPlugins: readonly Plugin[] = [
  plugin(SANDBOXES, [], ({ services }) => services.sandboxes),
  plugin(SHIM_SANDBOXER, [], lazyController),
  served("sandboxes", {
    name: "containerd.services.sandbox.v1.Store",
    requires: [SANDBOXES],
    async load(host) {
      const { apiContext } = await import("../../api/server/api_context.ts");
      const { sandboxStoreService } = await import(
        "../../api/server/sandbox_store.ts"
      );
      const context = apiContext(host.log);
      return sandboxStoreService({ sandboxes: host.get(SANDBOXES), context });
    },
  }),
  served("sandbox-controllers", {
    name: "containerd.services.sandbox.v1.Controller",
    requires: [SHIM_SANDBOXER],
    async load(host) {
      const { apiContext } = await import("../../api/server/api_context.ts");
      const { sandboxControllerService } = await import(
        "../../api/server/sandbox_controller.ts"
      );
      const { createSandboxControl } = await import(
        "../../engine/sandbox_control.ts"
      );
      return sandboxControllerService({
        control: createSandboxControl(host.services, controllers(host)),
        context: apiContext(host.log),
      });
    },
  }),
];

/** All that can be used, by name. */
function controllers(
  host: PluginHost,
): ReadonlyMap<string, SandboxController> {
  const usable = host.statuses().filter(({ type, failure }) =>
    type === SANDBOXER_TYPE && failure === undefined
  );
  return new Map(usable.map(({ type, id }) => {
    const key: PluginKey<SandboxController> = { type, id };
    return [id, host.get(key)];
  }));
}

/** What drives shims is loaded with the first sandbox. */
function lazyController(host: PluginHost): SandboxController {
  const load = lazy(() => loadController(host));
  return {
    create: async (...args) => await (await load()).create(...args),
    start: async (...args) => await (await load()).start(...args),
    platform: async (...args) => await (await load()).platform(...args),
    stop: async (...args) => await (await load()).stop(...args),
    wait: async (...args) => await (await load()).wait(...args),
    status: async (...args) => await (await load()).status(...args),
    shutdown: async (...args) => await (await load()).shutdown(...args),
    metrics: async (...args) => await (await load()).metrics(...args),
    update: async (...args) => await (await load()).update(...args),
  };
}

async function loadController(host: PluginHost): Promise<SandboxController> {
  const { createShimController } = await import(
    "../../drivers/sandbox_shim/controller.ts"
  );
  const { sandboxShims } = await import("./sandbox_shims.ts");
  const { openPoller } = await import("../../sys/poller.ts");
  const poller = openPoller();
  host.defer(() => poller[Symbol.dispose]());
  return createShimController({
    shims: sandboxShims(host, poller),
    directory: `${host.paths.state}/sandboxes`,
  });
}
