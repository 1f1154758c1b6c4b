/** The Dockerfile instructions that `import --change` takes. */

import { type EngineError, invalidArgument } from "../base/errors.ts";
import type { ContainerConfig } from "../oci/image_spec.ts";

type Change = (config: ContainerConfig, rest: string) => ContainerConfig;

const CHANGES: Readonly<Record<string, Change>> = {
  CMD: (config, rest) => ({ ...config, Cmd: command(rest) }),
  ENTRYPOINT: (config, rest) => ({ ...config, Entrypoint: command(rest) }),
  ENV: (config, rest) => ({ ...config, Env: withEnv(config.Env ?? [], rest) }),
  EXPOSE: (config, rest) => ({
    ...config,
    ExposedPorts: { ...config.ExposedPorts, ...keys(ports(rest)) },
  }),
  LABEL: (config, rest) => ({
    ...config,
    Labels: { ...config.Labels, ...Object.fromEntries(pairs("LABEL", rest)) },
  }),
  ONBUILD: (config, rest) => ({
    ...config,
    OnBuild: [...config.OnBuild ?? [], rest],
  }),
  STOPSIGNAL: (config, rest) => ({ ...config, StopSignal: rest }),
  USER: (config, rest) => ({ ...config, User: rest }),
  VOLUME: (config, rest) => ({
    ...config,
    Volumes: { ...config.Volumes, ...keys(jsonList(rest) ?? words(rest)) },
  }),
  WORKDIR: (config, rest) => ({ ...config, WorkingDir: rest }),
};

/**
 * Applies instructions, `CMD ["sh"]` for instance, in order.
 * @throws {EngineError} `invalidArgument` for an unknown or malformed one
 */
export function applyChanges(
  config: ContainerConfig,
  changes: readonly string[],
): ContainerConfig {
  return changes.reduce((changed, change) => {
    const [, name = "", rest = ""] =
      /^\s*(\S+)\s*([\s\S]*?)\s*$/.exec(change) ??
        [];
    const apply = Object.hasOwn(CHANGES, name.toUpperCase())
      ? CHANGES[name.toUpperCase()]
      : undefined;
    if (apply === undefined || rest === "") throw unusable(change);
    return apply(changed, rest);
  }, config);
}

function unusable(change: string): EngineError {
  return invalidArgument(`Cannot apply change "${change}"`, {
    hint: `The instructions are ${Object.keys(CHANGES).join(", ")}, each ` +
      "with its value",
  });
}

/** JSON is the command itself; anything else is a line for the shell. */
function command(rest: string): readonly string[] {
  return jsonList(rest) ?? ["/bin/sh", "-c", rest];
}

function jsonList(rest: string): readonly string[] | undefined {
  if (!rest.startsWith("[")) return undefined;
  try {
    const value: unknown = JSON.parse(rest);
    return Array.isArray(value) && value.every((v) => typeof v === "string")
      ? value
      : undefined;
  } catch {
    return undefined;
  }
}

function withEnv(env: readonly string[], rest: string): readonly string[] {
  const isOld = !/^[^\s=]+=/.test(rest);
  const [, name, value] = /^(\S+)\s+([\s\S]*)$/.exec(rest) ?? [];
  if (isOld && name === undefined) throw unusable(`ENV ${rest}`);
  const added: (readonly [string, string])[] = isOld
    ? [[name ?? "", value ?? ""]]
    : pairs("ENV", rest);
  const names = new Set(added.map(([key]) => key));
  const kept = env.filter((item) => !names.has(item.split("=")[0] ?? ""));
  return [...kept, ...added.map(([key, text]) => `${key}=${text}`)];
}

/** `a=1 b="two words" c=three\ words` */
function pairs(
  instruction: string,
  rest: string,
): (readonly [string, string])[] {
  return words(rest).map((word) => {
    const equals = word.indexOf("=");
    if (equals <= 0) throw unusable(`${instruction} ${rest}`);
    return [word.slice(0, equals), word.slice(equals + 1)] as const;
  });
}

/** Splits at blanks as a shell does, with both quotes and backslashes. */
function words(text: string): string[] {
  const found = text.match(/(?:"(?:\\.|[^"\\])*"|'[^']*'|\\.|[^\s"'\\])+/g);
  return (found ?? []).map((word) =>
    word.replace(
      /"((?:\\.|[^"\\])*)"|'([^']*)'|\\(.)/g,
      (_, double, single, escaped) =>
        double?.replace(/\\(.)/g, "$1") ?? single ?? escaped,
    )
  );
}

/** `80`, `53/udp`, `8000-8002` */
function ports(rest: string): string[] {
  return words(rest).flatMap((word) => {
    const match = /^(\d+)(?:-(\d+))?(?:\/(tcp|udp|sctp))?$/i.exec(word);
    if (match === null) throw unusable(`EXPOSE ${rest}`);
    const first = Number(match[1]);
    const last = Number(match[2] ?? match[1]);
    if (first > last || last > 65535) throw unusable(`EXPOSE ${rest}`);
    const protocol = match[3]?.toLowerCase() ?? "tcp";
    return Array.from(
      { length: last - first + 1 },
      (_, at) => `${first + at}/${protocol}`,
    );
  });
}

function keys(names: readonly string[]): Record<string, Record<string, never>> {
  return Object.fromEntries(names.map((name) => [name, {}]));
}
