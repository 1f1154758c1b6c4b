/** What a server can be asked for, by path. */

import { EngineError, internal } from "../../base/errors.ts";
import type { GrpcMethod, GrpcService, ServedService } from "./service.ts";

type Methods = GrpcService["methods"];

export class MethodTable {
  readonly #services: ReadonlyMap<string, ServedService>;
  readonly #loaded = new Map<string, Methods>();
  readonly #loading = new Map<string, Promise<Methods>>();

  constructor(services: readonly ServedService[]) {
    this.#services = new Map(services.map((it) => [it.name, it]));
    for (const service of services) {
      if ("methods" in service) {
        this.#loaded.set(service.name, service.methods);
      }
    }
  }

  /**
   * @param path `/containerd.services.version.v1.Version/Version`
   * @throws {EngineError} `unimplemented`, in the words of Go's library
   */
  async find(path: string): Promise<GrpcMethod> {
    const [, service = "", name = ""] = path.split("/");
    const methods = this.#loaded.get(service) ?? await this.#load(service);
    const method = methods.get(name);
    if (method !== undefined) return method;
    throw unimplemented(`unknown method ${name} for service ${service}`);
  }

  async #load(name: string): Promise<Methods> {
    const service = this.#services.get(name);
    if (service === undefined || "methods" in service) {
      throw unimplemented(`unknown service ${name}`);
    }
    let loading = this.#loading.get(name);
    if (loading === undefined) {
      loading = this.#methodsOf(name, service.load);
      this.#loading.set(name, loading);
    }
    try {
      return await loading;
    } finally {
      // One that could not be loaded is tried again.
      this.#loading.delete(name);
    }
  }

  async #methodsOf(
    wanted: string,
    load: () => Promise<GrpcService>,
  ): Promise<Methods> {
    const { name, methods } = await load();
    if (name !== wanted) throw internal(`Service "${wanted}" is "${name}"`);
    this.#loaded.set(name, methods);
    return methods;
  }
}

function unimplemented(message: string): EngineError {
  return new EngineError("unimplemented", message);
}
