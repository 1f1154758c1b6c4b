/** What the daemon is made of, and which one it is. */

import { IntrospectionDefinition } from "../../../proto/gen/containerd/services/introspection/v1/introspection.ts";
import type { Context } from "../../base/context.ts";
import {
  failedPrecondition,
  notFound,
  unimplemented,
} from "../../base/errors.ts";
import { parseFilters } from "../../base/filters.ts";
import type { TypedValue } from "../../core/container.ts";
import { type GrpcService, grpcService } from "../../rpc/grpc/service.ts";
import {
  fromOptions,
  type PluginFacts,
  pluginFields,
  toPlugin,
} from "../convert/introspection.ts";
import type { ApiContext } from "./api_context.ts";

export interface IntrospectionDeps {
  /** Needs no namespace. */
  readonly context: ApiContext;
  /** As they stand now. */
  plugins(): readonly PluginFacts[];
  server(): Promise<ServerFacts>;
}

export interface ServerFacts {
  /** Names this daemon's root, for good. */
  readonly uuid: string;
  readonly pid: number;
  /** Inode of its pid namespace. */
  readonly pidNamespace: bigint;
}

export function introspectionService(deps: IntrospectionDeps): GrpcService {
  return grpcService(IntrospectionDefinition, {
    plugins: (_call, { filters }) =>
      Promise.resolve({
        plugins: matching(deps.plugins(), filters).map(toPlugin),
      }),
    async server() {
      const { uuid, pid, pidNamespace } = await deps.server();
      return {
        uuid,
        pid: BigInt(pid),
        pidns: pidNamespace,
        // Nothing that this daemon has is deprecated yet.
        deprecations: [],
      };
    },
    async pluginInfo(call, { type, id, options }) {
      const found = deps.plugins().find((it) =>
        it.type === type && it.id === id
      );
      if (found === undefined) throw notFound("plugin", `${type}.${id}`);
      const extra = options === undefined
        ? undefined
        : await inform(deps.context(call), found, fromOptions(options));
      return { plugin: toPlugin(found), extra };
    },
  });
}

function matching(
  plugins: readonly PluginFacts[],
  filters: readonly string[],
): readonly PluginFacts[] {
  const matches = parseFilters(filters);
  return plugins.filter((it) => pluginFields(it).some(matches));
}

async function inform(
  ctx: Context,
  { type, id, failure, inform }: PluginFacts,
  asked: TypedValue,
): Promise<TypedValue> {
  const uri = `${type}.${id}`;
  if (failure !== undefined) {
    throw failedPrecondition(
      `Cannot ask plugin "${uri}": it is not in use: ${failure.error.message}`,
    );
  }
  if (inform === undefined) {
    throw unimplemented(`ask plugin "${uri}" about itself`);
  }
  return await inform(ctx, asked);
}
