/**
 * Services that load their implementation at the first call, because most
 * commands neither ask a registry nor unpack anything, and reading the code
 * for it takes longer than all else that they do.
 */

import { lazy } from "../base/lazy.ts";
import type { Differ } from "../core/diff.ts";
import type { FileTrees } from "../core/file_tree.ts";
import type { ContainerLogs } from "../core/logs.ts";
import type { Resolver } from "../core/registry.ts";
import type { LayerUnpacker, UnpackSession } from "../core/unpack.ts";

export function lazyResolver(load: () => Promise<Resolver>): Resolver {
  const resolver = lazy(load);
  return {
    resolve: async (...args) => await (await resolver()).resolve(...args),
    fetcher: (reference) => {
      // Always the same one: it remembers whom not to ask again.
      const fetcher = lazy(async () => (await resolver()).fetcher(reference));
      return {
        fetch: async (...args) => await (await fetcher()).fetch(...args),
        distrust: async (...args) => await (await fetcher()).distrust(...args),
      };
    },
    pusher: (reference) => {
      const pusher = lazy(async () => (await resolver()).pusher(reference));
      return {
        pushBlob: async (...args) => await (await pusher()).pushBlob(...args),
        pushManifest: async (...args) =>
          await (await pusher()).pushManifest(...args),
      };
    },
  };
}

export function lazyDiffer(load: () => Promise<Differ>): Differ {
  const differ = lazy(load);
  return {
    apply: async (...args) => await (await differ()).apply(...args),
    compare: async (...args) => await (await differ()).compare(...args),
    async *changes(...args) {
      yield* (await differ()).changes(...args);
    },
  };
}

export function lazyFileTrees(load: () => Promise<FileTrees>): FileTrees {
  const trees = lazy(load);
  return { open: async (path) => await (await trees()).open(path) };
}

export function lazyLogs(load: () => Promise<ContainerLogs>): ContainerLogs {
  const logs = lazy(load);
  return {
    async *read(...args) {
      yield* (await logs()).read(...args);
    },
    usage: async (...args) => await (await logs()).usage(...args),
  };
}

export function lazyUnpacker(
  load: () => Promise<LayerUnpacker>,
): LayerUnpacker {
  return { open: () => lazySession(async () => (await load()).open()) };
}

function lazySession(load: () => Promise<UnpackSession>): UnpackSession {
  let loading: Promise<UnpackSession> | undefined;
  const session = () => loading ??= load();
  return {
    unpack: async (...args) => await (await session()).unpack(...args),
    settle: async (...args) => await (await session()).settle(...args),
    barrier: async (...args) => await (await session()).barrier(...args),
    [Symbol.asyncDispose]: async () => {
      await (await loading)?.[Symbol.asyncDispose]();
    },
  };
}
