/** Records of containers in another process. */

import {
  type Container as WireContainer,
  ContainersDefinition,
} from "../../../proto/gen/containerd/services/containers/v1/containers.ts";
import type { Context } from "../../base/context.ts";
import type {
  Container,
  ContainerStore,
  NewContainer,
} from "../../core/container.ts";
import { LABEL } from "../../core/labels.ts";
import type { GrpcClient } from "../../rpc/grpc/client.ts";
import { fromContainerAnswer, toContainer } from "../convert/containers.ts";
import { NO_SPEC, withoutNoSpec } from "../convert/no_spec.ts";
import { answered, maskOf } from "./answers.ts";
import { grpcOptions as call } from "./grpc_options.ts";

/** Two tell that the beginning of an id is of several. */
const MOST_CANDIDATES = 2;

export function remoteContainers(client: GrpcClient): ContainerStore {
  const containers = client.stub(ContainersDefinition);
  const list = async function* (ctx: Context, filters: readonly string[]) {
    const request = { filters: [...filters] };
    for await (const it of containers.listStream(request, call(ctx))) {
      yield ofAnswer(answered(it.container, "container"));
    }
  };
  const store: ContainerStore = {
    async get(ctx, id) {
      const { container } = await containers.get({ id }, call(ctx));
      return ofAnswer(answered(container, "container"));
    },
    async named(ctx, name) {
      const label = `labels.${JSON.stringify(LABEL.containerName)}`;
      const filter = `${label}==${JSON.stringify(name)}`;
      for await (const container of list(ctx, [filter])) return container;
      return undefined;
    },
    async beginningWith(ctx, prefix) {
      // What can be in no id is not for a pattern.
      if (!/^[\w.-]+$/.test(prefix)) return [];
      // Quoted twice: dots for the pattern, the whole for the filter.
      const pattern = `^${prefix.replaceAll(".", "[.]")}`;
      const filter = `id~=${JSON.stringify(pattern)}`;
      const found: Container[] = await Array.fromAsync(list(ctx, [filter]));
      return found.sort((a, b) => a.id < b.id ? -1 : 1)
        .slice(0, MOST_CANDIDATES);
    },
    async *list(ctx, filters = [], parts = "summary") {
      for await (const container of list(ctx, filters)) {
        const { spec: _spec, ...summary } = container;
        yield parts === "whole" ? container : summary;
      }
    },
    async *pages(ctx, filters, parts) {
      for await (const it of store.list(ctx, filters, parts)) yield [it];
    },
    async create(ctx, container) {
      const request = { container: wireOf(container) };
      const made = await containers.create(request, call(ctx));
      return ofAnswer(answered(made.container, "container"));
    },
    async update(ctx, container, fieldPaths) {
      // The wire can't say that a field is not given: it is empty.
      const given = fieldPaths === undefined
        ? { ...await store.get(ctx, container.id), ...container }
        : container;
      const made = await containers.update({
        container: wireOf(given),
        updateMask: maskOf(fieldPaths),
      }, call(ctx));
      return ofAnswer(answered(made.container, "container"));
    },
    async delete(ctx, id) {
      await containers.delete({ id }, call(ctx));
    },
  };
  return store;
}

/** The other side sets the times. */
function wireOf(container: NewContainer) {
  const epoch = new Date(0);
  const whole = {
    ...{ labels: {}, image: "", snapshotter: "", snapshotKey: "" },
    ...{ extensions: {}, sandboxId: "", createdAt: epoch, updatedAt: epoch },
    spec: NO_SPEC,
    ...container,
  };
  return { ...toContainer(whole), createdAt: undefined, updatedAt: undefined };
}

function ofAnswer(answer: WireContainer): Container {
  return withoutNoSpec(fromContainerAnswer(answer));
}
