/** A client that runs one container after the other. */

import { ContainersDefinition } from "../../proto/gen/containerd/services/containers/v1/containers.ts";
import { TasksDefinition } from "../../proto/gen/containerd/services/tasks/v1/tasks.ts";
import { bytes, caller, type Side } from "../differential/side.ts";
import { LOAD_NAMESPACE, patiently } from "./clients.ts";
import { isInterrupted } from "./ledger.ts";

const IN = { namespace: LOAD_NAMESPACE };
const containers = caller(ContainersDefinition, IN);
const tasks = caller(TasksDefinition, IN);

const EXIT = 7;
/** Long enough to be killed in, at times. */
const SCRIPT = ["sh", "-c", `sleep 0.3; exit ${EXIT}`];

export class LoadRunner {
  readonly #side: Side;
  readonly #name: string;
  readonly #cgroup: string;
  #turn = 0;
  /** Lives whose end was seen. */
  done = 0;

  constructor(side: Side, name: string, cgroup: string) {
    this.#side = side;
    this.#name = name;
    this.#cgroup = cgroup;
  }

  /** A whole life, whatever happens to the daemon meanwhile. */
  async step(): Promise<void> {
    const id = `${this.#name}-${this.#turn++}`;
    const container = { containerId: id };
    const spec = {
      typeUrl: "types.containerd.io/opencontainers/runtime-spec/1/Spec",
      value: bytes(this.#spec(id)),
    };
    const runtime = { name: "io.containerd.runc.v2" };
    await this.#once(
      "alreadyExists",
      () =>
        containers("create", { container: { id, spec, runtime } })(this.#side),
    );
    if (await this.#started(id)) {
      const { exitStatus } = await patiently(() =>
        tasks("wait", container)(this.#side)
      ) as { readonly exitStatus: number };
      if (exitStatus !== EXIT) {
        throw new Error(`Task ${id} ended with ${exitStatus}`);
      }
      this.done++;
    }
    await this.#once("notFound", () => tasks("delete", container)(this.#side));
    await this.#once(
      "notFound",
      () => containers("delete", { id })(this.#side),
    );
  }

  /** @returns false if it was cut off before it was sure to have started */
  async #started(id: string): Promise<boolean> {
    const containerId = id;
    const rootfs = [{
      type: "bind",
      source: this.#side.kept.get("rootfs"),
      options: ["rbind", "rw"],
    }];
    try {
      await tasks("create", { containerId, rootfs })(this.#side);
      await tasks("start", { containerId })(this.#side);
      return true;
    } catch (error) {
      if (!isInterrupted(error)) throw error;
    }
    await this.#once(
      "notFound",
      () => tasks("kill", { containerId, signal: 9, all: true })(this.#side),
    );
    await this.#once(
      "notFound",
      () => tasks("wait", { containerId })(this.#side),
    );
    return false;
  }

  /** @param harmless what a call says that was made before, unheard */
  async #once(harmless: string, work: () => Promise<unknown>): Promise<void> {
    await patiently(async () => {
      try {
        await work();
      } catch (error) {
        if ((error as { code?: string }).code !== harmless) throw error;
      }
    });
  }

  #spec(id: string): string {
    const namespaces = ["pid", "ipc", "uts", "mount", "network"];
    return JSON.stringify({
      ociVersion: "1.0.2",
      process: {
        user: { uid: 0, gid: 0 },
        cwd: "/",
        env: ["PATH=/bin"],
        args: SCRIPT,
      },
      root: { path: "rootfs" },
      mounts: [{ destination: "/proc", type: "proc", source: "proc" }],
      linux: {
        namespaces: namespaces.map((type) => ({ type })),
        cgroupsPath: `${this.#cgroup}/${id}`,
      },
    });
  }
}
