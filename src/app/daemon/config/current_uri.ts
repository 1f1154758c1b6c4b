/** Names of plugins that have changed. */

/** URIs in version 2 of the configuration → since. */
const RENAMED: Readonly<Record<string, string>> = {
  "io.containerd.internal.v1.restart":
    "io.containerd.monitor.container.v1.restart",
  "io.containerd.monitor.v1.cgroups": "io.containerd.monitor.task.v1.cgroups",
};

/** Of a plugin by any name that it has had. */
export function currentUri(uri: string): string {
  return RENAMED[uri] ?? uri;
}
