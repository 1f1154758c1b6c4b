/** The services of the API, each a plugin that opens what is served. */

import { versionService } from "../../api/server/version.ts";
import { API_VERSION, REVISION } from "../self.ts";
import { UNHEARD } from "./core_plugins.ts";
import { DIFF_SERVICE } from "./diff_plugins.ts";
import { type Plugin, plugin } from "./plugin.ts";
import { GRPC_TYPE, served } from "./served.ts";

const recordPlugins: readonly Plugin[] = [
  served("snapshots", {
    name: "containerd.services.snapshots.v1.Snapshots",
    async load({ services: { snapshotters }, log }) {
      const { snapshotsService } = await import(
        "../../api/server/snapshots.ts"
      );
      return snapshotsService({ snapshotters, log });
    },
  }),
  served("diff", {
    name: "containerd.services.diff.v1.Diff",
    requires: [DIFF_SERVICE],
    async load(host) {
      const { diffService } = await import("../../api/server/diff.ts");
      return diffService({ differ: host.get(DIFF_SERVICE), log: host.log });
    },
  }),
  served("content", {
    name: "containerd.services.content.v1.Content",
    async load({ services: { content }, log }) {
      const { contentService } = await import("../../api/server/content.ts");
      return contentService({ content, log });
    },
  }),
  served("events", {
    name: "containerd.services.events.v1.Events",
    requires: [UNHEARD],
    async load({ services: { events }, log, get }) {
      const { eventsService } = await import("../../api/server/events.ts");
      return eventsService({ events, listened: get(UNHEARD), log });
    },
  }),
  served("journal", {
    name: "coracle.events.v1.Journal",
    async load({ services: { events }, log }) {
      const { journalService } = await import("../../api/server/journal.ts");
      return journalService({ events, log });
    },
  }),
  served("policies", {
    name: "coracle.tasks.v1.Policies",
    async load({ services, log }) {
      const { policiesService } = await import("../../api/server/policies.ts");
      return policiesService({ services, log });
    },
  }),
  served("containers", {
    name: "containerd.services.containers.v1.Containers",
    async load({ services: { containers }, log }) {
      const { containersService } = await import(
        "../../api/server/containers.ts"
      );
      return containersService({ containers, log });
    },
  }),
  served("images", {
    name: "containerd.services.images.v1.Images",
    async load({ services: { images }, log }) {
      const { imagesService } = await import("../../api/server/images.ts");
      return imagesService({ images, log });
    },
  }),
  served("namespaces", {
    name: "containerd.services.namespaces.v1.Namespaces",
    async load({ services: { namespaces }, log }) {
      const { namespacesService } = await import(
        "../../api/server/namespaces.ts"
      );
      return namespacesService({ namespaces, log });
    },
  }),
  served("leases", {
    name: "containerd.services.leases.v1.Leases",
    async load({ services: { leases }, log }) {
      const { leasesService } = await import("../../api/server/leases.ts");
      return leasesService({ leases, log });
    },
  }),
];

export const grpcPlugins: readonly Plugin[] = [
  ...recordPlugins,
  served("healthcheck", {
    name: "grpc.health.v1.Health",
    async load({ stopping }) {
      const { healthService } = await import("../../api/server/health.ts");
      return healthService(stopping);
    },
  }),
  served("introspection", {
    name: "containerd.services.introspection.v1.Introspection",
    async load({ log, paths, statuses }) {
      const { tenantlessContext } = await import(
        "../../api/server/api_context.ts"
      );
      const { introspectionService } = await import(
        "../../api/server/introspection.ts"
      );
      const { serverFacts } = await import("./server_facts.ts");
      return introspectionService({
        context: tenantlessContext(log),
        plugins: statuses,
        server: serverFacts(paths.root),
      });
    },
  }),
  // What clients ask first is there at once.
  plugin(
    { type: GRPC_TYPE, id: "version" },
    [],
    () => versionService({ version: API_VERSION, revision: REVISION }),
  ),
];
