/**
 * Docker's credential helpers: `docker-credential-NAME get|store|erase`.
 * What is secret goes through pipes, never through arguments.
 * @see docker-credential-helpers, README
 */

import { EngineError } from "../../base/errors.ts";
import type { Credential } from "./credentials.ts";

/** A helper may ask its user for a passphrase. */
const TIMEOUT_MS = 120_000;
const IDENTITY_NAME = "<token>";

export interface Helper {
  /** `pass` for `docker-credential-pass`. */
  readonly name: string;
  /** Where it is looked for, as the variable PATH. */
  readonly searchPath: string;
}

export async function getFromHelper(
  helper: Helper,
  server: string,
): Promise<Credential | undefined> {
  const result = await run(helper, "get", server);
  if (!result.success) {
    if (/not found/i.test(result.said)) return undefined;
    throw failed(helper, "get", result.complaint);
  }
  const { Username: username, Secret: secret } = parse(helper, result.said);
  if (typeof secret !== "string" || typeof username !== "string") {
    throw failed(helper, "get", "its answer holds no name and secret");
  }
  if (username === IDENTITY_NAME) return { kind: "identity", token: secret };
  // Helpers answer empty where they know nothing.
  if (username === "" && secret === "") return undefined;
  return { kind: "password", username, password: secret };
}

export async function storeInHelper(
  helper: Helper,
  server: string,
  credential: Credential,
): Promise<void> {
  const [username, secret] = credential.kind === "identity"
    ? [IDENTITY_NAME, credential.token]
    : [credential.username, credential.password];
  const input = { ServerURL: server, Username: username, Secret: secret };
  const result = await run(helper, "store", JSON.stringify(input));
  if (!result.success) throw failed(helper, "store", result.complaint);
}

export async function eraseFromHelper(
  helper: Helper,
  server: string,
): Promise<void> {
  const result = await run(helper, "erase", server);
  if (!result.success) throw failed(helper, "erase", result.complaint);
}

interface HelperResult {
  readonly success: boolean;
  /** Its standard output. */
  readonly said: string;
  /** Why it failed, in its words if it had some. */
  readonly complaint: string;
}

async function run(
  helper: Helper,
  action: "get" | "store" | "erase",
  input: string,
): Promise<HelperResult> {
  const command = checkName(helper.name);
  const timeout = new AbortController();
  const timer = setTimeout(() => timeout.abort(), TIMEOUT_MS);
  try {
    await using child = new Deno.Command(command, {
      args: [action],
      env: { PATH: helper.searchPath },
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
      signal: timeout.signal,
    }).spawn();
    // It may answer without reading.
    const sent = new Blob([input]).stream().pipeTo(child.stdin).catch(() => {});
    const { success, code, stdout, stderr } = await child.output();
    await sent;
    const [said, error] = [stdout, stderr].map(decode);
    const complaint = said || error || `it ended with code ${code}`;
    return { success, said: said ?? "", complaint };
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound) {
      throw failed(helper, action, `there is no "${command}" on PATH`);
    }
    throw failed(helper, action, "it did not run", cause);
  } finally {
    clearTimeout(timer);
  }
}

function decode(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes).trim();
}

/** A name with a slash would run whatever it points at. */
function checkName(name: string): string {
  if (/^[\w.-]+$/.test(name)) return `docker-credential-${name}`;
  throw new EngineError(
    "invalidArgument",
    `Cannot use credential helper "${name}": not a name`,
  );
}

function parse(helper: Helper, text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null) {
      return value as Record<string, unknown>;
    }
  } catch {
    // Not shown: it may hold a secret.
  }
  throw failed(helper, "get", "its answer is not JSON");
}

function failed(
  helper: Helper,
  action: string,
  said: string,
  cause?: unknown,
): EngineError {
  return new EngineError(
    "unavailable",
    `Cannot ${action} credentials with helper "${helper.name}": ${
      said.slice(0, 200)
    }`,
    {
      cause,
      hint: "Install the helper, or remove it from Docker's config.json",
    },
  );
}
