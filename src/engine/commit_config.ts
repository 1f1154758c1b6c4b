/** What the image of a committed container says. */

import { SIGNALS, signalText } from "../base/signals.ts";
import type { Container } from "../core/container.ts";
import { type AskedWords, settingsOf } from "../core/container_settings.ts";
import type { ContainerConfig } from "../oci/image_spec.ts";
import { exposedPorts } from "./inspect_asked.ts";
import { shownHealth, userLabels } from "./inspect_config.ts";
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
  const { entrypoint, command, health, stopSignal, words } = settings ?? {};
  const ExposedPorts = exposedPorts(settings, base);
  const { Entrypoint: _entrypoint, Cmd: _command, ...kept } = base;
  const labels = userLabels(container);
  const cwd = spec.process?.cwd;
  const probe = words === undefined ? health : words.health;
  return {
    ...kept,
    ...words === undefined ? userOf(spec, base) : saidUser(words),
    Env: variables(base, spec, words),
    ...entrypoint === undefined ? {} : { Entrypoint: entrypoint },
    ...command === undefined ? {} : { Cmd: command },
    ...cwd === undefined || cwd === (base.WorkingDir || "/")
      ? {}
      : { WorkingDir: cwd },
    ...probe === undefined ? {} : { Healthcheck: shownHealth(probe) },
    ...stopSignal === undefined || stopSignal === SIGNALS.SIGTERM
      ? {}
      : { StopSignal: signalText(stopSignal) },
    ...Object.keys(labels).length === 0 ? {} : { Labels: labels },
    ...ExposedPorts && { ExposedPorts },
  };
}

/** A name alone has removed a variable, of which nothing is left to say. */
function variables(
  base: ContainerConfig,
  { process }: ContainerSpecView,
  words: AskedWords | undefined,
): readonly string[] {
  if (words !== undefined) {
    return words.env.filter((variable) => variable.includes("="));
  }
  return (process?.env ?? []).filter((variable) =>
    !OWN_VARIABLES.test(variable) || base.Env?.includes(variable) === true
  );
}

function saidUser({ user }: AskedWords): Pick<ContainerConfig, "User"> {
  return user === undefined ? {} : { User: user };
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
