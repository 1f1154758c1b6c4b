/**
 * Containers without a spec, on the wire. Daemons want one, which our engine
 * makes after the record: until then there is one that says so. A daemon of ours
 * does not keep it, so that its store tells what is still being made.
 */

import type { Container, TypedValue } from "../../core/container.ts";

export const NO_SPEC: TypedValue = {
  typeUrl: "coracle.containers.NoSpec",
  value: new TextEncoder().encode("{}"),
};

/** The same container, without a spec that says that there is none. */
export function withoutNoSpec<T extends Pick<Container, "spec">>(
  container: T,
): T | Omit<T, "spec"> {
  const { spec, ...rest } = container;
  return spec?.typeUrl === NO_SPEC.typeUrl ? rest : container;
}
