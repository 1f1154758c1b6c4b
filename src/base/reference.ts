/**
 * Image references, normalised as Docker does.
 *
 * ```
 * reference := name (":" tag)? ("@" digest)?
 * name      := (domain "/")? path
 * domain    := host (":" port)?
 * path      := component ("/" component)*
 * ```
 *
 * The first part is a domain if it contains a dot or a colon, is `localhost`
 * or has upper-case letters; else the image lives on Docker Hub, where a path
 * of one component belongs to `library`.
 *
 * @see distribution/reference, grammar in reference.go
 */

import { type Digest, isDigest } from "./digest.ts";
import { type EngineError, invalidArgument } from "./errors.ts";

/**
 * A normalised image reference.
 * `alpine` is `{ domain: "docker.io", path: "library/alpine", tag: "latest" }`.
 */
export interface Reference {
  /** Host, with its port if any. */
  readonly domain: string;
  readonly path: string;
  /** Absent if only a digest was given. */
  readonly tag?: string;
  readonly digest?: Digest;
}

export const DEFAULT_DOMAIN = "docker.io";
export const DEFAULT_TAG = "latest";
const LIBRARY = "library/";
const LEGACY_DOMAIN = "index.docker.io";
/** Characters of domain and path together. */
const MAX_NAME_LENGTH = 255;
const MAX_PORT = 65_535;

const DOMAIN =
  /^(?:(?:[A-Za-z0-9]|[A-Za-z0-9][A-Za-z0-9-]*[A-Za-z0-9])(?:\.(?:[A-Za-z0-9]|[A-Za-z0-9][A-Za-z0-9-]*[A-Za-z0-9]))*|\[[A-Fa-f0-9:]+\])(?::[0-9]{1,5})?$/;
const COMPONENT = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*$/;
const TAG = /^\w[\w.-]{0,127}$/;

/** @throws {EngineError} `invalidArgument`, with what to write instead */
export function parseReference(text: string): Reference {
  checkWhole(text);
  const at = text.indexOf("@");
  const digest = at < 0 ? undefined : parseDigestPart(text, text.slice(at + 1));
  const named = at < 0 ? text : text.slice(0, at);
  // A colon before the last slash belongs to a port.
  const colon = named.indexOf(":", named.lastIndexOf("/") + 1);
  const tag = colon < 0 ? undefined : named.slice(colon + 1);
  const name = colon < 0 ? named : named.slice(0, colon);
  if (tag !== undefined && !TAG.test(tag)) {
    throw malformed(
      text,
      `"${tag}" is not a tag`,
      "A tag is 1 to 128 letters, digits, underscores, dots and dashes, and does not start with a dot or a dash",
    );
  }
  const { domain, path } = parseName(text, name);
  return {
    domain,
    path,
    ...(tag !== undefined
      ? { tag }
      : digest === undefined
      ? { tag: DEFAULT_TAG }
      : {}),
    ...(digest !== undefined ? { digest } : {}),
  };
}

function checkWhole(text: string): void {
  if (text === "") {
    throw invalidArgument("Cannot use an empty image reference", {
      hint: "Name an image, for instance alpine:3.22",
    });
  }
  const scheme = /^[A-Za-z][A-Za-z0-9+.-]*:\/\//.exec(text)?.[0];
  if (scheme !== undefined) {
    throw malformed(
      text,
      `it starts with "${scheme}"`,
      `Leave the scheme out: ${text.slice(scheme.length)}`,
    );
  }
  if (/\s/.test(text)) {
    throw malformed(text, "it contains white space", "Remove the white space");
  }
  if (/^[a-f0-9]{64}$/.test(text)) {
    throw malformed(
      text,
      "64 hexadecimal digits could be taken for an id",
      `Write a digest as NAME@sha256:${text.slice(0, 12)}…`,
    );
  }
}

function parseDigestPart(text: string, digest: string): Digest {
  if (isDigest(digest)) return digest;
  throw malformed(
    text,
    `"${digest}" is not a digest`,
    "A digest looks like sha256: and 64 lower-case hexadecimal digits",
  );
}

function parseName(
  text: string,
  name: string,
): { domain: string; path: string } {
  const { domain, path } = splitDomain(name);
  if (!DOMAIN.test(domain)) {
    throw malformed(
      text,
      `"${domain}" is not a host`,
      "A host is a name or an address, with :PORT if it needs one",
    );
  }
  const port = /:(\d+)$/.exec(domain)?.[1];
  if (Number(port ?? 0) > MAX_PORT) {
    throw malformed(
      text,
      `"${port}" is not a port`,
      `A port is a number up to ${MAX_PORT}`,
    );
  }
  for (const component of path.split("/")) checkComponent(text, component);
  if (domain.length + 1 + path.length > MAX_NAME_LENGTH) {
    throw malformed(
      text.slice(0, 40) + "…",
      `its name is longer than ${MAX_NAME_LENGTH} characters`,
      "Use a shorter name",
    );
  }
  return { domain, path };
}

function splitDomain(name: string): { domain: string; path: string } {
  const slash = name.indexOf("/");
  const first = name.slice(0, Math.max(slash, 0));
  const named = slash >= 0 && isDomain(first);
  const domain = named && first !== LEGACY_DOMAIN ? first : DEFAULT_DOMAIN;
  const path = named ? name.slice(slash + 1) : name;
  const isShort = domain === DEFAULT_DOMAIN && !path.includes("/");
  return { domain, path: isShort ? LIBRARY + path : path };
}

function isDomain(first: string): boolean {
  return /[.:]/.test(first) || first === "localhost" ||
    first.toLowerCase() !== first;
}

function checkComponent(text: string, component: string): void {
  if (COMPONENT.test(component)) return;
  if (component === "") {
    const hint = text.includes("/") ? "Remove the slash" : "Put a name first";
    throw malformed(text, "a part of its name is empty", hint);
  }
  if (COMPONENT.test(component.toLowerCase())) {
    throw malformed(
      text,
      "a repository's name is in lower case",
      `Write ${component.toLowerCase()} for ${component}`,
    );
  }
  throw malformed(
    text,
    `"${component}" is not a part of a repository's name`,
    "Use lower-case letters and digits, with a dot, one or two underscores, or dashes between them",
  );
}

function malformed(text: string, reason: string, hint: string): EngineError {
  return invalidArgument(
    `Cannot parse image reference "${text}": ${reason}`,
    { hint },
  );
}

/** The full form, which names the image in the store. */
export function formatReference(reference: Reference): string {
  return `${repositoryOf(reference)}${suffixOf(reference)}`;
}

/** Domain and path, without tag and digest. */
export function repositoryOf(
  reference: Pick<Reference, "domain" | "path">,
): string {
  return `${reference.domain}/${reference.path}`;
}

/** The short form that people see: `alpine:latest`, `user/app@sha256:…`. */
export function familiarName(reference: Reference): string {
  return familiarRepository(reference) + suffixOf(reference);
}

/** The short form of domain and path: `alpine`. */
export function familiarRepository(
  { domain, path }: Pick<Reference, "domain" | "path">,
): string {
  const full = repositoryOf({ domain, path });
  if (domain !== DEFAULT_DOMAIN) return full;
  const rest = path.slice(LIBRARY.length);
  if (path.startsWith(LIBRARY) && !rest.includes("/")) return rest;
  // `docker.io/my.team/app` must not turn into an image on the host my.team.
  return isDomain(path.slice(0, path.indexOf("/"))) ? full : path;
}

function suffixOf({ tag, digest }: Reference): string {
  return (tag === undefined ? "" : `:${tag}`) +
    (digest === undefined ? "" : `@${digest}`);
}
