/** Records of containers. */

import {
  type Container as WireContainer,
  ContainersDefinition,
} from "../../../proto/gen/containerd/services/containers/v1/containers.ts";
import { invalidArgument } from "../../base/errors.ts";
import type { Logger } from "../../base/log.ts";
import type { ContainerStore } from "../../core/container.ts";
import { type GrpcService, grpcService } from "../../rpc/grpc/service.ts";
import { fromContainer, toContainer } from "../convert/containers.ts";
import { withoutNoSpec } from "../convert/no_spec.ts";
import { apiContext } from "./api_context.ts";

export interface ContainersServiceDeps {
  readonly containers: ContainerStore;
  readonly log: Logger;
}

export function containersService(
  { containers, log }: ContainersServiceDeps,
): GrpcService {
  const ctx = apiContext(log);
  return grpcService(ContainersDefinition, {
    get: async (call, { id }) => ({
      container: toContainer(await containers.get(ctx(call), id)),
    }),
    async list(call, { filters }) {
      const pages = containers.pages(ctx(call), filters, "whole");
      return {
        containers: (await Array.fromAsync(pages)).flat().map(toContainer),
      };
    },
    async *listStream(call, { filters }) {
      for await (const page of containers.pages(ctx(call), filters, "whole")) {
        yield page.map((it) => ({ container: toContainer(it) }));
      }
    },
    async create(call, { container }) {
      const wanted = fromContainer(given(container));
      checkWhole(wanted);
      const made = await containers.create(ctx(call), withoutNoSpec(wanted));
      return { container: toContainer(made) };
    },
    async update(call, { container, updateMask = [] }) {
      const wanted = fromContainer(given(container));
      const updated = await containers.update(ctx(call), wanted, updateMask);
      return { container: toContainer(updated) };
    },
    async delete(call, { id }) {
      await containers.delete(ctx(call), id);
      return {};
    },
  });
}

function given(container: WireContainer | undefined): WireContainer {
  if (container !== undefined) return container;
  throw invalidArgument("Cannot do without a container");
}

/** Our own engine makes the record first and its spec later; clients don't. */
function checkWhole(
  { id, spec, extensions = {} }: ReturnType<typeof fromContainer>,
): void {
  if (spec === undefined) {
    throw invalidArgument(`Cannot use container "${id}": it has no spec`);
  }
  if (Object.hasOwn(extensions, "")) {
    throw invalidArgument(
      `Cannot use container "${id}": an extension has no name`,
    );
  }
}
