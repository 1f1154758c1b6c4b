/**
 * OCI runtimes as programs: where they are found, and the arguments of each
 * of their verbs.
 * @see runc(8), and the runtime-spec's "Runtime and Lifecycle"
 */

import { EngineError } from "../base/errors.ts";

/** An OCI runtime that is there. */
export interface OciRuntime {
  /** `runc`, `crun`, …; of a path its last part. */
  readonly name: string;
  /** Absolute path of the program. */
  readonly path: string;
}

/** Packages of Debian that bring the runtimes; none for those without one. */
const PACKAGES: Readonly<Record<string, string | undefined>> = {
  runc: "runc",
  crun: "crun",
  youki: undefined,
  runsc: undefined,
};

const HOMES: Readonly<Record<string, string>> = {
  youki: "Install it from the releases of its project, youki-dev/youki",
  runsc: "Install it from gVisor's own package repository (gvisor.dev)",
};

interface Lookup {
  /** Absolute path of a program on PATH. */
  readonly find: (name: string) => string | undefined;
  readonly exists: (path: string) => boolean;
}

/**
 * @param wanted a name, to be found on PATH, or an absolute path
 * @throws {EngineError} `failedPrecondition` with what to install
 */
export function findRuntime(wanted: string, lookup: Lookup): OciRuntime {
  const name = runtimeName(wanted);
  const path = wanted.startsWith("/")
    ? lookup.exists(wanted) ? wanted : undefined
    : lookup.find(name);
  if (path !== undefined) return { name, path };
  throw new EngineError(
    "failedPrecondition",
    `Cannot find OCI runtime "${wanted}"`,
    { hint: installHint(wanted) },
  );
}

/** containerd's names (`io.containerd.runc.v2`) mean a program, too. */
function runtimeName(wanted: string): string {
  const inner = /^io\.containerd\.([a-z]+)\.v\d+$/.exec(wanted)?.[1];
  return inner ?? wanted.slice(wanted.lastIndexOf("/") + 1);
}

function installHint(wanted: string): string {
  if (wanted.startsWith("/")) return "Give the path of a program that exists";
  const name = runtimeName(wanted);
  const debian = PACKAGES[name];
  if (debian !== undefined) return `Install it: apt-get install ${debian}`;
  return HOMES[name] ??
    `The known ones are ${Object.keys(PACKAGES).join(", ")}, or give a path`;
}

/** Where a runtime keeps its state and says what went wrong. */
export interface RuntimeFiles {
  readonly root: string;
  /** Lines of JSON. */
  readonly log?: string;
}

/** Where a runtime tells of the process that it starts. */
export interface ProcessFiles {
  /** It writes the process's number there. */
  readonly pidFile?: string;
  /** It sends the master of the process's terminal there. */
  readonly consoleSocket?: string;
}

function fileFlags(
  { pidFile, consoleSocket }: ProcessFiles,
): readonly string[] {
  return [
    ...pidFile === undefined ? [] : ["--pid-file", pidFile],
    ...consoleSocket === undefined ? [] : ["--console-socket", consoleSocket],
  ];
}

export type DeleteMode = "stopped" | "force";

/** The command lines of one runtime. */
export class RuntimeCommands {
  readonly #files: RuntimeFiles;

  constructor(files: RuntimeFiles) {
    this.#files = files;
  }

  /** Creates, starts, waits and deletes. */
  run(
    id: string,
    bundle: string,
    files: ProcessFiles = {},
  ): readonly string[] {
    return this.#with("run", ...fileFlags(files), "--bundle", bundle, id);
  }

  /** Creates and starts; the container goes on when the runtime has left. */
  runDetached(
    id: string,
    bundle: string,
    files: ProcessFiles,
  ): readonly string[] {
    return this.#with(
      ...["run", "--detach", ...fileFlags(files), "--bundle", bundle, id],
    );
  }

  create(
    id: string,
    bundle: string,
    files: ProcessFiles = {},
  ): readonly string[] {
    return this.#with("create", "--bundle", bundle, ...fileFlags(files), id);
  }

  start(id: string): readonly string[] {
    return this.#with("start", id);
  }

  kill(
    id: string,
    signal: string | number,
    scope: "init" | "all" = "init",
  ): readonly string[] {
    const all = scope === "all" ? ["--all"] : [];
    return this.#with("kill", ...all, id, String(signal));
  }

  pause(id: string): readonly string[] {
    return this.#with("pause", id);
  }

  resume(id: string): readonly string[] {
    return this.#with("resume", id);
  }

  /** @param resources file with resources, as in the spec */
  update(id: string, resources: string): readonly string[] {
    return this.#with("update", "--resources", resources, id);
  }

  checkpoint(
    id: string,
    options: {
      readonly image: string;
      readonly work: string;
      readonly after: "stop" | "goOn";
      readonly flags?: readonly string[];
    },
  ): readonly string[] {
    const { image, work, after, flags = [] } = options;
    return this.#with(
      ...["checkpoint", "--image-path", image, "--work-path", work],
      ...flags,
      ...after === "goOn" ? ["--leave-running"] : [],
      id,
    );
  }

  delete(id: string, mode: DeleteMode): readonly string[] {
    return this.#with("delete", ...mode === "force" ? ["--force"] : [], id);
  }

  state(id: string): readonly string[] {
    return this.#with("state", id);
  }

  exec(
    id: string,
    options: ProcessFiles & {
      /** File with the process, as in the spec. */
      readonly process: string;
      readonly wait: "foreground" | "detached";
    },
  ): readonly string[] {
    const { process, wait } = options;
    return this.#with(
      ...["exec", "--process", process, ...fileFlags(options)],
      ...wait === "detached" ? ["--detach"] : [],
      id,
    );
  }

  #with(...args: readonly string[]): readonly string[] {
    const { root, log } = this.#files;
    return [
      "--root",
      root,
      ...log === undefined ? [] : ["--log", log, "--log-format", "json"],
      ...args,
    ];
  }
}
