import type { Spec } from "../runtime_spec.ts";

/** RLIM_INFINITY, which no number of this language can be. */
const UNLIMITED = "18446744073709551615";

/** The text of `config.json`; an infinite limit becomes the kernel's number. */
export function serializeSpec(spec: Spec): string {
  const placeholder = "\u0000unlimited";
  const text = JSON.stringify(
    spec,
    (_, value) => value === Infinity ? placeholder : value,
  );
  return text.replaceAll(JSON.stringify(placeholder), UNLIMITED);
}
