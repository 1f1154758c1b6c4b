/** Docker's `Config` of a container: what does not depend on its host. */

import { signalText } from "../base/signals.ts";
import type { Container } from "../core/container.ts";
import type {
  AskedWords,
  ContainerSettings,
  HealthCheck,
} from "../core/container_settings.ts";
import type { ContainerConfig, ImageConfig } from "../oci/image_spec.ts";
import { exposedPorts } from "./inspect_asked.ts";
import type { ContainerSpecView } from "./inspect_find.ts";
import { normalize } from "./options/mounts.ts";

export interface ConfigSources {
  readonly container: Container;
  readonly spec: ContainerSpecView;
  readonly settings: ContainerSettings | undefined;
  readonly image: ImageConfig | undefined;
}

export function shownConfig(
  { container, spec, settings, image }: ConfigSources,
): Readonly<Record<string, unknown>> {
  const { words } = settings ?? {};
  const { Volumes, OnBuild } = image?.config ?? {};
  const ExposedPorts = exposedPorts(settings, image?.config);
  return {
    Hostname: settings?.hostname ?? spec.hostname ?? "",
    Tty: spec.process?.terminal ?? false,
    Domainname: settings?.asked?.domainName ?? "",
    ...ExposedPorts && { ExposedPorts },
    Volumes: shownVolumes(Volumes, words),
    OnBuild: OnBuild ?? null,
    ...shownStreams(settings),
    ...shownCommand(spec, settings),
    Image: settings?.imageReference ?? container.image,
    Labels: userLabels(container),
    Annotations: spec.annotations ?? {},
    ...words === undefined ? derived(spec, settings) : said(words),
  };
}

/** As far as it was said, by the user or the image. */
function said(words: AskedWords) {
  const { env, user, workdir, health, stopSignal, stopTimeoutSeconds } = words;
  return {
    User: user ?? "",
    Env: env,
    WorkingDir: workdir ?? "",
    ...stopSignal === undefined ? {} : { StopSignal: stopSignal },
    ...stopTimeoutSeconds === undefined
      ? {}
      : { StopTimeout: stopTimeoutSeconds },
    ...health === undefined ? {} : { Healthcheck: shownHealth(health) },
  };
}

/** Of a container that others made, or an older version of us. */
function derived(
  { process = {} }: ContainerSpecView,
  settings: ContainerSettings | undefined,
) {
  const { user } = process;
  const health = settings?.health;
  return {
    User: user === undefined ? "" : `${user.uid ?? 0}:${user.gid ?? 0}`,
    Env: process.env ?? [],
    WorkingDir: process.cwd ?? "",
    StopSignal: signalText(settings?.stopSignal ?? 15),
    StopTimeout: settings?.stopTimeoutSeconds ?? 10,
    ...health === undefined ? {} : { Healthcheck: shownHealth(health) },
  };
}

/** The image's, and those without a name; null if there are none. */
function shownVolumes(
  image: ContainerConfig["Volumes"],
  words: AskedWords | undefined,
): ContainerConfig["Volumes"] | null {
  const own = (words?.volumes ?? [])
    .filter((text) => !text.includes(":"))
    .map((text) => [normalize(text), {}]);
  return own.length === 0 ? image ?? null : {
    ...image,
    ...Object.fromEntries(own),
  };
}

/** Docker knows no difference between an empty one and none. */
function shownCommand(
  { process }: ContainerSpecView,
  settings: ContainerSettings | undefined,
) {
  const orNull = (words: readonly string[] | undefined) =>
    words === undefined || words.length === 0 ? null : words;
  return {
    Cmd: settings === undefined
      ? process?.args ?? []
      : orNull(settings.command),
    Entrypoint: orNull(settings?.entrypoint),
  };
}

/** As docker has it, input ends with the command that alone was to give it. */
function shownStreams(
  { stdin, attached = [] }: Partial<ContainerSettings> = {},
) {
  const OpenStdin = stdin === "open";
  const AttachStdin = attached.includes("stdin");
  return {
    AttachStdin,
    AttachStdout: attached.includes("stdout"),
    AttachStderr: attached.includes("stderr"),
    OpenStdin,
    StdinOnce: OpenStdin && AttachStdin,
  };
}

const NS_PER_MS = 1e6;

/** Durations in nanoseconds, as docker's; only what is said. */
export function shownHealth(
  health: "none" | Partial<HealthCheck>,
): Readonly<Record<string, unknown>> {
  if (health === "none") return { Test: ["NONE"] };
  const { command, intervalMs, timeoutMs, startPeriodMs } = health;
  return {
    ...command === undefined ? {} : { Test: shownTest(command) },
    ...duration("Interval", intervalMs),
    ...duration("Timeout", timeoutMs),
    ...duration("StartPeriod", startPeriodMs),
    ...duration("StartInterval", health.startIntervalMs),
    ...health.retries ? { Retries: health.retries } : {},
  };
}

function duration(
  name: string,
  ms: number | undefined,
): Readonly<Record<string, number>> {
  return ms ? { [name]: ms * NS_PER_MS } : {};
}

function shownTest(command: readonly string[]): readonly string[] {
  const [shell, option, script = ""] = command;
  const isShell = shell === "/bin/sh" && option === "-c" &&
    command.length === 3;
  return isShell ? ["CMD-SHELL", script] : ["CMD", ...command];
}

/** Labels without our own. */
export function userLabels(container: Container): Record<string, string> {
  return Object.fromEntries(
    Object.entries(container.labels)
      .filter(([key]) =>
        !/^(?:coracle|coracle\.io|containerd\.io)\//.test(key)
      ),
  );
}
