/** What several hosts said, in one error that says what to do next. */

import { EngineError } from "../../base/errors.ts";
import { DEFAULT_DOMAIN } from "../../base/reference.ts";
import type { HintPlace, Refusal } from "./failure.ts";
import type { Capability, RegistryHost } from "./hosts.ts";

/** What one host said. */
export interface Attempt {
  readonly host: RegistryHost;
  /** The root that said it. */
  readonly base: URL;
  readonly refusal: Refusal;
}

export interface Question {
  /** `resolve "docker.io/library/alpine:latest"` */
  readonly action: string;
  readonly domain: string;
  readonly capability: Capability;
  /** Directories of `HOST/hosts.toml`. */
  readonly configDirs: readonly string[];
}

/** The error of an action that no host could do. */
export function combined(
  question: Question,
  attempts: readonly Attempt[],
): EngineError {
  const { action, domain, capability } = question;
  const last = attempts.at(-1);
  if (last === undefined) {
    return new EngineError(
      "failedPrecondition",
      `Cannot ${action}: no host of "${domain}" has the capability ` +
        `"${capability}"`,
      { hint: `Change ${directoryOf(question)}/hosts.toml` },
    );
  }
  const lines = attempts.map(({ host, base, refusal }) =>
    `${base.href} (${host.source}): ${refusal.said}`
  );
  const what = lines.length === 1
    ? lines[0]
    : `all ${lines.length} hosts failed\n  ${lines.join("\n  ")}`;
  return new EngineError(last.refusal.code, `Cannot ${action}: ${what}`, {
    cause: last.refusal.cause,
    hint: hints(question, attempts).join("; "),
  });
}

/** Each thing to do once, whichever hosts it is for. */
function hints(
  question: Question,
  attempts: readonly Attempt[],
): readonly string[] {
  const given = attempts.flatMap((attempt) => {
    const { hint } = attempt.refusal;
    if (hint === undefined) return [];
    return typeof hint === "string" ? hint : hint(placeOf(question, attempt));
  });
  if (given.length > 0) return [...new Set(given)];
  const { host, refusal } = attempts.at(-1) as Attempt;
  if (refusal.code === "notFound") return ["Check the name and the tag"];
  return host.source.endsWith(".toml")
    ? [`Check the network and ${host.source}`]
    : [
      "Check the host's name and the network; " +
      `${directoryOf(question)}/hosts.toml can name other hosts`,
    ];
}

function placeOf(question: Question, { host }: Attempt): HintPlace {
  const server = host.mirrorOf === undefined ? question.domain : host.base.host;
  return {
    login: server === DEFAULT_DOMAIN
      ? "coracle login"
      : `coracle login ${server}`,
    directory: directoryOf(question),
    ...host.source.endsWith(".toml") ? { file: host.source } : {},
  };
}

function directoryOf({ configDirs, domain }: Question): string {
  return `${configDirs[0] ?? "certs.d"}/${domain}`;
}
