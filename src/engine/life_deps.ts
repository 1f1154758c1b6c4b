import type { Services } from "../core/services.ts";
import type { ImagePuller } from "./run_image.ts";

/** What the use cases on the life of containers need. */
export interface LifeDeps {
  readonly services: Services;
  /** Directory of all volumes. */
  readonly volumesPath: string;
  /** Directory of what containers have on disk beside their layers. */
  readonly containersPath: string;
  readonly now: () => Date;
}

export interface CreateDeps extends LifeDeps {
  readonly pull: ImagePuller;
  /** 64 random hexadecimal digits. */
  readonly newId: () => string;
}

/** Of a container: its log's files, `hosts`, `hostname`, `resolv.conf`. */
export function containerDirectory(
  { containersPath }: Pick<LifeDeps, "containersPath">,
  namespace: string,
  id: string,
): string {
  return `${containersPath}/${namespace}/${id}`;
}
