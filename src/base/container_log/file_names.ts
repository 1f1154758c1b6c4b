import type { FileFormat } from "./settings.ts";

/**
 * Where docker has a container's log below the container's directory; older
 * files have `.1`, `.2`, … behind the name.
 */
export function logFilePath(
  format: FileFormat,
  { directory, id }: { readonly directory: string; readonly id: string },
): string {
  return format === "json-file"
    ? `${directory}/${id}-json.log`
    : `${directory}/local-logs/container.log`;
}
