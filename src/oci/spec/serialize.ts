import type { Spec } from "../runtime_spec.ts";

/** RLIM_INFINITY, which no number of this language can be. */
const UNLIMITED = "18446744073709551615";

/** What stands for it until the text is made; no limit is negative. */
const PLACEHOLDER = -1;

/** The text of `config.json`; an infinite limit becomes the kernel's number. */
export function serializeSpec(spec: Spec): string {
  const rlimits = spec.process?.rlimits;
  if (rlimits === undefined) return JSON.stringify(spec);
  const finite = (value: number) => value === Infinity ? PLACEHOLDER : value;
  const replaced = rlimits.map(({ type, soft, hard }) => ({
    type,
    soft: finite(soft),
    hard: finite(hard),
  }));
  const text = JSON.stringify({
    ...spec,
    process: { ...spec.process, rlimits: replaced },
  });
  // Within a string the quotes would have backslashes before them.
  return text.replaceAll(
    /"(soft|hard)":-1\b/g,
    (_, name) => `"${name}":${UNLIMITED}`,
  );
}

/** The spec of a text; the kernel's infinite limit becomes Infinity. */
export function parseSpec(text: string): Spec {
  const marked = text.replaceAll(
    /"(soft|hard)":18446744073709551615\b/g,
    (_, name) => `"${name}":${PLACEHOLDER}`,
  );
  const spec: Spec = JSON.parse(marked);
  const rlimits = spec.process?.rlimits;
  if (rlimits === undefined) return spec;
  const infinite = (value: number) => value === PLACEHOLDER ? Infinity : value;
  const restored = rlimits.map(({ type, soft, hard }) => ({
    type,
    soft: infinite(soft),
    hard: infinite(hard),
  }));
  return { ...spec, process: { ...spec.process, rlimits: restored } } as Spec;
}
