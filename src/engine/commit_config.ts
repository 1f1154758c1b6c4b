/** What the image of a committed container says. */

import { SIGNALS, signalText } from "../base/signals.ts";
import type { Container } from "../core/container.ts";
import { settingsOf } from "../core/container_settings.ts";
import type { ContainerConfig } from "../oci/image_spec.ts";
import { exposedPorts } from "./inspect_asked.ts";
import { shownHealth, userLabels } from "./inspect_container.ts";
import type { ContainerSpecView } from "./inspect_find.ts";

/** Variables that a container gets of itself, and of this start only. */
const OWN_VARIABLES = /^(?:HOSTNAME|HOME|TERM)=/;

/**
 * The settings of the container's image, with what was asked for when the
 * container was made.
 */
export function committedConfig(
  base: ContainerConfig,
  container: Container,
  spec: ContainerSpecView,
): ContainerConfig {
  const settings = settingsOf(container);
  const { entrypoint, command, health, stopSignal } = settings ?? {};
  const ExposedPorts = exposedPorts(settings, base);
  const { Entrypoint: _entrypoint, Cmd: _command, ...kept } = base;
  const env = (spec.process?.env ?? []).filter((variable) =>
    !OWN_VARIABLES.test(variable) || base.Env?.includes(variable) === true
  );
  const labels = userLabels(container);
  const cwd = spec.process?.cwd;
  return {
    ...kept,
    ...userOf(spec, base),
    Env: env,
    ...entrypoint === undefined ? {} : { Entrypoint: entrypoint },
    ...command === undefined ? {} : { Cmd: command },
    ...cwd === undefined || cwd === (base.WorkingDir || "/")
      ? {}
      : { WorkingDir: cwd },
    ...health === undefined ? {} : { Healthcheck: shownHealth(health) },
    ...stopSignal === undefined || stopSignal === SIGNALS.SIGTERM
      ? {}
      : { StopSignal: signalText(stopSignal) },
    ...Object.keys(labels).length === 0 ? {} : { Labels: labels },
    ...ExposedPorts && { ExposedPorts },
  };
}

/** An image names its user; only one that it does not name is a number. */
function userOf(
  { process }: ContainerSpecView,
  { User = "" }: ContainerConfig,
): Pick<ContainerConfig, "User"> {
  const { uid = 0, gid = 0 } = process?.user ?? {};
  const isNamed = User !== "" && !/^\d+(:\d+)?$/.test(User);
  const isSame = User === ""
    ? uid === 0 && gid === 0
    : Number.parseInt(User) === uid;
  return isNamed || isSame ? {} : { User: `${uid}:${gid}` };
}
