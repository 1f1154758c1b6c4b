/** Logging in to registries: needs no store, only the user's own files. */

import type { Context } from "../base/context.ts";
import {
  createCredentialStore,
  type Env,
} from "../drivers/registry/credentials.ts";
import type { Trust } from "../drivers/registry/deps.ts";
import {
  login as proveAndKeep,
  type LoginResult,
  logout as forget,
  type LogoutResult,
} from "../drivers/registry/login.ts";
import { usualConfig } from "./config.ts";
import { registryConfigDirs } from "./registry_dirs.ts";
import { VERSION } from "./self.ts";

export interface LoginRequest {
  /** As the user writes it; Docker Hub if empty. */
  readonly server: string;
  readonly username: string;
  readonly password: string;
  readonly trust: Trust;
}

/** @throws {EngineError} `unauthenticated`; `unavailable` */
export async function login(
  ctx: Context,
  env: Env,
  { server, username, password, trust }: LoginRequest,
): Promise<LoginResult> {
  const uid = Deno.uid() ?? 0;
  const { registry } = await usualConfig(env, uid);
  return await proveAndKeep(ctx, {
    store: createCredentialStore(env),
    configDirs: registry.configPath ?? registryConfigDirs(env, uid),
    trust,
    userAgent: `coracle/${VERSION}`,
  }, { server, username, password });
}

export async function logout(
  ctx: Context,
  env: Env,
  server: string,
): Promise<LogoutResult> {
  return await forget(ctx, createCredentialStore(env), server);
}
