/**
 * Credentials of registries, as Docker's and Podman's clients keep them.
 *
 * `$DOCKER_CONFIG/config.json` (else `~/.docker/config.json`) with `auths`,
 * `credHelpers` and `credsStore`; for reading also `$REGISTRY_AUTH_FILE` and
 * `$XDG_RUNTIME_DIR/containers/auth.json`.
 */

import type { Context } from "../../base/context.ts";
import { EngineError } from "../../base/errors.ts";
import {
  authKeys,
  type DockerConfig,
  readDockerConfig,
  storedCredential,
  updateDockerConfig,
  withAuth,
  withoutAuth,
} from "./docker_config.ts";
import {
  eraseFromHelper,
  getFromHelper,
  type Helper,
  storeInHelper,
} from "./credential_helper.ts";

export type Credential =
  | {
    readonly kind: "password";
    readonly username: string;
    readonly password: string;
  }
  /** A refresh token of OAuth 2, which stands for the password. */
  | { readonly kind: "identity"; readonly token: string };

export interface CredentialProvider {
  /** @param host with its port, `registry-1.docker.io` for Docker Hub */
  get(ctx: Context, host: string): Promise<Credential | undefined>;
}

export interface CredentialStore extends CredentialProvider {
  /** Says where it was put: a file's path or a helper's name. */
  set(ctx: Context, host: string, credential: Credential): Promise<string>;
  /** Says where it was removed; undefined if there was nothing. */
  delete(ctx: Context, host: string): Promise<string | undefined>;
}

export type Env = (name: string) => string | undefined;

/** Nobody's: every registry is asked without a name. */
export const anonymous: CredentialProvider = {
  get: () => Promise.resolve(undefined),
};

/** One name and password for every host, as given on a command line. */
export function fixedCredential(credential: Credential): CredentialProvider {
  return { get: () => Promise.resolve(credential) };
}

/** The user's own store. */
export function createCredentialStore(env: Env): CredentialStore {
  return new FileCredentialStore(env);
}

class FileCredentialStore implements CredentialStore {
  readonly #env: Env;
  /** By host: one command asks a helper once. */
  readonly #known = new Map<string, Promise<Credential | undefined>>();

  constructor(env: Env) {
    this.#env = env;
  }

  get(ctx: Context, host: string): Promise<Credential | undefined> {
    let credential = this.#known.get(host);
    if (credential === undefined) {
      credential = this.#find(ctx, host);
      this.#known.set(host, credential);
      credential.catch(() => this.#known.delete(host));
    }
    return credential;
  }

  async #find(ctx: Context, host: string): Promise<Credential | undefined> {
    for (const path of readPaths(this.#env)) {
      const config = await readDockerConfig(path);
      if (config === undefined) continue;
      const found = await this.#inConfig(ctx, config, host);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  async #inConfig(
    ctx: Context,
    config: DockerConfig,
    host: string,
  ): Promise<Credential | undefined> {
    const helper = this.#helper(config, host);
    if (helper !== undefined) {
      for (const key of authKeys(host)) {
        try {
          const found = await getFromHelper(helper, key);
          if (found !== undefined) return found;
        } catch (error) {
          // The image may be public: a pull goes on without a name.
          ctx.log.warn("Cannot ask the credential helper", {
            helper: helper.name,
            registry: host,
            error,
          });
          break;
        }
      }
    }
    return storedCredential(config, host);
  }

  #helper(config: DockerConfig, host: string): Helper | undefined {
    const own = authKeys(host).map((key) => config.credHelpers?.[key])
      .find((name) => name !== undefined);
    const name = own ?? config.credsStore ?? "";
    if (name === "") return undefined;
    return { name, searchPath: this.#env("PATH") ?? "" };
  }

  async set(
    _ctx: Context,
    host: string,
    credential: Credential,
  ): Promise<string> {
    const path = writePath(this.#env);
    const helper = this.#helper(await readDockerConfig(path) ?? {}, host);
    this.#known.delete(host);
    const key = authKeys(host)[0] ?? host;
    if (helper !== undefined) {
      await storeInHelper(helper, key, credential);
      return `docker-credential-${helper.name}`;
    }
    await updateDockerConfig(
      path,
      (config) => withAuth(config, key, credential),
    );
    return path;
  }

  async delete(_ctx: Context, host: string): Promise<string | undefined> {
    const path = writePath(this.#env);
    const config = await readDockerConfig(path);
    if (config === undefined) return undefined;
    this.#known.delete(host);
    const helper = this.#helper(config, host);
    let removed: string | undefined;
    if (helper !== undefined && await erase(helper, host)) {
      removed = `docker-credential-${helper.name}`;
    }
    if (authKeys(host).some((key) => config.auths?.[key] !== undefined)) {
      await updateDockerConfig(path, (now) => withoutAuth(now, host));
      removed ??= path;
    }
    return removed;
  }
}

async function erase(helper: Helper, host: string): Promise<boolean> {
  let erased = false;
  for (const key of authKeys(host)) {
    if (await getFromHelper(helper, key) === undefined) continue;
    await eraseFromHelper(helper, key);
    erased = true;
  }
  return erased;
}

function writePath(env: Env): string {
  const dir = env("DOCKER_CONFIG");
  if (dir !== undefined && dir !== "") return `${dir}/config.json`;
  const home = env("HOME");
  if (home !== undefined && home !== "") return `${home}/.docker/config.json`;
  throw new EngineError(
    "failedPrecondition",
    "Cannot find the place of credentials",
    { hint: "Set HOME or DOCKER_CONFIG" },
  );
}

function readPaths(env: Env): readonly string[] {
  const paths: string[] = [];
  const explicit = env("REGISTRY_AUTH_FILE");
  if (explicit) paths.push(explicit);
  if (env("DOCKER_CONFIG") || env("HOME")) paths.push(writePath(env));
  const runtime = env("XDG_RUNTIME_DIR");
  if (runtime) paths.push(`${runtime}/containers/auth.json`);
  const home = env("XDG_CONFIG_HOME") ||
    (env("HOME") && `${env("HOME")}/.config`);
  if (home) paths.push(`${home}/containers/auth.json`);
  return paths;
}
