import type { Container } from "../core/container.ts";
import { settingsOf } from "../core/container_settings.ts";

/** Of a container that lacks what `run` and `create` give it. */
export function whyUnusable(container: Container): string {
  return settingsOf(container) === undefined
    ? "it was not made by coracle run or coracle create"
    : "it is still being made";
}
