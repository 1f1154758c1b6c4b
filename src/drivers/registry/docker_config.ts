/** Docker's config.json: the part about credentials; the rest is kept. */

import { failedPrecondition, invalidArgument } from "../../base/errors.ts";
import type { Credential } from "./credentials.ts";

interface AuthEntry {
  /** `name:password`, base64. */
  readonly auth?: string;
  readonly identitytoken?: string;
  readonly [other: string]: unknown;
}

export interface DockerConfig {
  readonly auths?: Readonly<Record<string, AuthEntry>>;
  readonly credHelpers?: Readonly<Record<string, string>>;
  readonly credsStore?: string;
  readonly [other: string]: unknown;
}

const HUB_KEY = "https://index.docker.io/v1/";
const HUB_HOSTS: readonly string[] = [
  "docker.io",
  "index.docker.io",
  "registry-1.docker.io",
];

/** Names under which a host's credentials may be kept, ours first. */
export function authKeys(host: string): readonly string[] {
  return HUB_HOSTS.includes(host) ? [HUB_KEY, "docker.io"] : [host];
}

/** @throws {EngineError} `invalidArgument` if it is not what it should be */
export async function readDockerConfig(
  path: string,
): Promise<DockerConfig | undefined> {
  let text: string;
  try {
    text = await Deno.readTextFile(path);
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound) return undefined;
    if (cause instanceof Deno.errors.NotADirectory) return undefined;
    throw failedPrecondition(`Cannot read credentials in "${path}"`, {
      cause,
      hint: "Make the file readable, or name another with DOCKER_CONFIG",
    });
  }
  if (text.trim() === "") return {};
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null && !Array.isArray(value)) {
      return value as DockerConfig;
    }
  } catch {
    // Said below, without a piece of the file: it holds passwords.
  }
  throw invalidArgument(`Cannot read credentials in "${path}": not JSON`, {
    hint: "Mend or remove the file",
  });
}

/** What the file itself holds for a host. */
export function storedCredential(
  config: DockerConfig,
  host: string,
): Credential | undefined {
  const keys = authKeys(host);
  const found = Object.entries(config.auths ?? {}).find(([key]) =>
    keys.includes(key) || keys.includes(hostOfKey(key))
  );
  return found === undefined ? undefined : decode(found[1]);
}

/** `https://quay.io/v2/` names `quay.io`. */
function hostOfKey(key: string): string {
  return key.replace(/^https?:\/\//, "").replace(/\/(v[12]\/?)?$/, "");
}

function decode(entry: AuthEntry): Credential | undefined {
  const { auth, identitytoken } = entry;
  if (typeof identitytoken === "string" && identitytoken !== "") {
    return { kind: "identity", token: identitytoken };
  }
  if (typeof auth !== "string" || auth === "") return undefined;
  let text: string;
  try {
    text = new TextDecoder().decode(Uint8Array.fromBase64(auth));
  } catch {
    return undefined;
  }
  const colon = text.indexOf(":");
  if (colon <= 0) return undefined;
  const username = text.slice(0, colon);
  const password = text.slice(colon + 1).replace(/\0+$/, "");
  if (username === "<token>") return { kind: "identity", token: password };
  return { kind: "password", username, password };
}

export function withAuth(
  config: DockerConfig,
  key: string,
  credential: Credential,
): DockerConfig {
  return { ...config, auths: { ...config.auths, [key]: encode(credential) } };
}

function encode(credential: Credential): AuthEntry {
  if (credential.kind === "identity") {
    const auth = new TextEncoder().encode("<token>:").toBase64();
    return { auth, identitytoken: credential.token };
  }
  const { username, password } = credential;
  const text = `${username}:${password}`;
  return { auth: new TextEncoder().encode(text).toBase64() };
}

export function withoutAuth(config: DockerConfig, host: string): DockerConfig {
  const keys = authKeys(host);
  const auths = Object.fromEntries(
    Object.entries(config.auths ?? {}).filter(([key]) => !keys.includes(key)),
  );
  return { ...config, auths };
}

/**
 * Rewrites the file in one step, for its owner only. A symbolic link stays
 * one.
 */
export async function updateDockerConfig(
  path: string,
  change: (config: DockerConfig) => DockerConfig,
): Promise<void> {
  const dir = path.slice(0, path.lastIndexOf("/"));
  await Deno.mkdir(dir, { recursive: true, mode: 0o700 });
  const real = await realPath(path);
  const config = change(await readDockerConfig(real) ?? {});
  const temporary = await Deno.makeTempFile({
    dir: real.slice(0, real.lastIndexOf("/")),
    prefix: ".config.json-",
  });
  try {
    await Deno.writeTextFile(
      temporary,
      JSON.stringify(config, undefined, "\t") + "\n",
    );
    await Deno.chmod(temporary, 0o600);
    await Deno.rename(temporary, real);
  } catch (error) {
    await Deno.remove(temporary).catch(() => {});
    throw error;
  }
}

async function realPath(path: string): Promise<string> {
  try {
    return await Deno.realPath(path);
  } catch {
    return path;
  }
}
