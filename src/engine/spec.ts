/**
 * From what the user and the image say to the request for a spec: docker's
 * rules for which of the two wins. Looks at the root file system, to find
 * users and commands in it.
 */

import { invalidArgument } from "../base/errors.ts";
import type { Host, RootDirectory } from "../core/host.ts";
import { askedSharing, sharedPaths } from "../core/shared_paths.ts";
import type { TaskStartError } from "../core/start_failure.ts";
import type { ContainerConfig } from "../oci/image_spec.ts";
import type { SpecMount } from "../oci/runtime_spec.ts";
import {
  DEFAULT_PATH,
  DEFAULT_SHM_SIZE,
  INIT_PATH,
} from "../oci/spec/defaults.ts";
import type {
  ResourceRequest,
  SeccompRequest,
  SpecRequest,
} from "../oci/spec/request.ts";
import { resolveUser } from "../oci/users.ts";
import { availableUser } from "./available_user.ts";
import { commandRefusal } from "./command_check.ts";
import { mergeEnv } from "./options/environment.ts";
import { normalize } from "./options/mounts.ts";
import { parseSeccompProfile } from "./seccomp_profile.ts";
import type { RunOptions } from "./run_options.ts";
import { deviceParts } from "./spec_devices.ts";

export interface SpecInput {
  readonly id: string;
  readonly namespace: string;
  readonly options: RunOptions;
  /** Of the image; empty for a plain directory. */
  readonly config: ContainerConfig;
  readonly host: Host;
  readonly root: RootDirectory;
  readonly rootPath: string;
  /** Where the container finds what it shares with others. */
  readonly bundlePath: string;
  readonly hostname: string;
  /** Of volumes and generated files, beyond what `options` asks for. */
  readonly mounts: readonly SpecMount[];
}

export interface RequestedSpec {
  readonly request: SpecRequest;
  /** Why its command will not start: the container is made all the same. */
  readonly refusal: TaskStartError | undefined;
  /** What of its user it will not have. */
  readonly warning: string | undefined;
}

/** @throws {EngineError} */
export function specRequest(input: SpecInput): RequestedSpec {
  const { options, config, host, root } = input;
  const resolved = resolveUser(
    options.user ?? config.User ?? "",
    options.groupAdd,
    userFiles(root),
  );
  const { user, warning } = availableUser(resolved, host.facts());
  const cwd = workdir(input);
  root.makeDirectory(cwd);
  const env = environment(input, resolved.home);
  const args = commandLine(options, config);
  const init = initMounts(options, host);
  const devices = deviceParts(options.devices, host);
  const mounts = [...input.mounts, ...devices.mounts, ...init];
  const request: SpecRequest = {
    args: init.length === 0 ? args : [INIT_PATH, "--", ...args],
    env,
    cwd,
    user,
    stdio: options.stdio,
    rootPath: input.rootPath,
    rootAccess: options.rootAccess,
    hostname: input.hostname,
    mounts,
    // To the kernel, 0 would be no limit.
    shmSizeBytes: options.shmSizeBytes || DEFAULT_SHM_SIZE,
    namespaces: { ...options.namespaces, network: networkSharing(options) },
    ...sharedParts(input),
    security: {
      confinement: options.confinement,
      capabilities: options.capabilities,
      privilegeGain: options.security.privilegeGain,
      seccomp: seccomp(options, host),
      systemPaths: options.security.systemPaths,
      ...options.security.apparmor === undefined
        ? {}
        : { apparmor: options.security.apparmor },
    },
    resources: resources(options, host),
    devices: devices.devices,
    deviceRules: devices.deviceRules,
    rlimits: options.rlimits,
    sysctls: options.sysctls,
    annotations: options.annotations,
    ...options.oomScoreAdj === undefined
      ? {}
      : { oomScoreAdj: options.oomScoreAdj },
    cgroupsPath: cgroupsPath(input),
  };
  return {
    request,
    refusal: commandRefusal({ args, env, cwd, root, mounts }),
    warning,
  };
}

function sharedParts(
  { options, bundlePath }: SpecInput,
): Pick<SpecRequest, "shared"> {
  const sharing = askedSharing(options.rare);
  return sharing === undefined
    ? {}
    : { shared: sharedPaths(bundlePath, sharing) };
}

function cgroupsPath({ options, namespace, id }: SpecInput): string {
  return `${options.cgroupParent ?? `/coracle/${namespace}`}/${id}`;
}

function networkSharing({ network }: RunOptions): "host" | "private" {
  return network.mode === "host" ? "host" : "private";
}

function userFiles(root: RootDirectory) {
  return {
    passwd: root.readText("/etc/passwd") ?? "",
    group: root.readText("/etc/group") ?? "",
  };
}

/** @throws {EngineError} `invalidArgument` if there is nothing to run */
export function commandLine(
  options: Pick<RunOptions, "entrypoint" | "command">,
  config: ContainerConfig,
): readonly string[] {
  const entrypoint = options.entrypoint ?? config.Entrypoint ?? [];
  // The image's command is made for the image's entry point.
  const command = options.command.length > 0 || options.entrypoint !== undefined
    ? options.command
    : config.Cmd ?? [];
  const args = [...entrypoint, ...command];
  if (args.length === 0) {
    throw invalidArgument("no command specified", {
      hint: "The image has no default command: name one behind the image",
    });
  }
  return args;
}

function workdir({ options, config }: SpecInput): string {
  const path = options.workdir ?? config.WorkingDir ?? "";
  if (path === "") return "/";
  if (!path.startsWith("/") && options.workdir !== undefined) {
    throw invalidArgument(
      `the working directory '${path}' is invalid, it needs to be an ` +
        "absolute path",
    );
  }
  return normalize(path);
}

function environment(
  { options, config, hostname }: SpecInput,
  home: string,
): readonly string[] {
  return mergeEnv(
    [DEFAULT_PATH, `HOSTNAME=${hostname}`],
    options.stdio === "terminal" ? ["TERM=xterm"] : [],
    [`HOME=${home}`],
    config.Env ?? [],
    options.env,
  );
}

function initMounts(options: RunOptions, host: Host): readonly SpecMount[] {
  if (options.init === "none") return [];
  const program = host.findProgram(["docker-init", "tini", "catatonit"]);
  if (program === undefined) {
    throw invalidArgument('Cannot find an init program for "--init"', {
      hint: "Install one: apt-get install tini",
    });
  }
  return [{
    destination: INIT_PATH,
    type: "bind",
    source: program,
    options: ["bind", "ro", "nosuid", "nodev"],
  }];
}

function seccomp({ security }: RunOptions, host: Host): SeccompRequest {
  if (security.seccomp.kind !== "file") return security.seccomp;
  const { path } = security.seccomp;
  const text = host.readText(path);
  if (text === undefined) {
    throw invalidArgument(
      `opening seccomp profile (${path}) failed: no such ` +
        "file or directory",
    );
  }
  return {
    kind: "profile",
    profile: (capabilities) =>
      parseSeccompProfile(text, path, host.facts(), capabilities),
  };
}

function resources({ resources }: RunOptions, host: Host): ResourceRequest {
  const { memory } = resources;
  if (memory?.swap === undefined || host.facts().swapLimit()) return resources;
  const { swap: _, ...rest } = memory;
  return { ...resources, memory: rest };
}
