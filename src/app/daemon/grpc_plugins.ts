/** The services of the API, each a plugin that opens what is served. */

import { tenantlessContext } from "../../api/server/api_context.ts";
import { containersService } from "../../api/server/containers.ts";
import { contentService } from "../../api/server/content.ts";
import { diffService } from "../../api/server/diff.ts";
import { eventsService } from "../../api/server/events.ts";
import { healthService } from "../../api/server/health.ts";
import { imagesService } from "../../api/server/images.ts";
import { introspectionService } from "../../api/server/introspection.ts";
import { leasesService } from "../../api/server/leases.ts";
import { namespacesService } from "../../api/server/namespaces.ts";
import { snapshotsService } from "../../api/server/snapshots.ts";
import { versionService } from "../../api/server/version.ts";
import type { GrpcService } from "../../rpc/grpc/service.ts";
import { DIFF_SERVICE } from "./diff_plugins.ts";
import { REVISION, VERSION } from "../self.ts";
import {
  type Plugin,
  plugin,
  type PluginHost,
  type PluginKey,
} from "./plugin.ts";
import { serverFacts } from "./server_facts.ts";

/** Of plugins whose value is a list of services. */
export const GRPC_TYPE = "io.containerd.grpc.v1";

type Served = readonly GrpcService[];

function served(
  id: string,
  requires: readonly PluginKey<unknown>[],
  open: (host: PluginHost) => Served | Promise<Served>,
): Plugin {
  return plugin<Served>({ type: GRPC_TYPE, id }, requires, open);
}

const recordPlugins: readonly Plugin[] = [
  served("snapshots", [], ({ services: { snapshotters }, log }) => [
    snapshotsService({ snapshotters, log }),
  ]),
  served("diff", [DIFF_SERVICE], (host) => [
    diffService({ differ: host.get(DIFF_SERVICE), log: host.log }),
  ]),
  served("content", [], ({ services: { content }, log }) => [
    contentService({ content, log }),
  ]),
  served("events", [], ({ services: { events }, log }) => [
    eventsService({ events, log }),
  ]),
  served("containers", [], ({ services: { containers }, log }) => [
    containersService({ containers, log }),
  ]),
  served("images", [], ({ services: { images }, log }) => [
    imagesService({ images, log }),
  ]),
  served("namespaces", [], ({ services: { namespaces }, log }) => [
    namespacesService({ namespaces, log }),
  ]),
  served("leases", [], ({ services: { leases }, log }) => [
    leasesService({ leases, log }),
  ]),
];

export const grpcPlugins: readonly Plugin[] = [
  ...recordPlugins,
  served("healthcheck", [], ({ stopping }) => [healthService(stopping)]),
  served("introspection", [], ({ log, paths, statuses }) => [
    introspectionService({
      context: tenantlessContext(log),
      plugins: statuses,
      server: serverFacts(paths.root),
    }),
  ]),
  served("version", [], () => [
    versionService({ version: VERSION, revision: REVISION }),
  ]),
];
