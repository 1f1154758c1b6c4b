/** Which proxy the environment names for a URL. @see Go, ProxyFromEnvironment */

import { isLoopback } from "./hosts.ts";

/** What is read of the environment, in upper or in lower case. */
export type ReadVariable = (name: string) => string | undefined;

/**
 * The proxy that requests of this URL go through; undefined for none. What is
 * on this machine itself is never asked for through a proxy.
 *
 * @param read of the environment of this process if absent
 */
export function proxyOf(
  url: URL,
  read: ReadVariable = (name) => Deno.env.get(name),
): URL | undefined {
  const value = (name: string) => read(name) || read(name.toUpperCase());
  const text = value(`${url.protocol.slice(0, -1)}_proxy`) ||
    value("all_proxy");
  if (!text || isLoopback(url.hostname)) return undefined;
  const exceptions = (value("no_proxy") ?? "").split(",");
  if (exceptions.some((one) => fits(url, one.trim()))) return undefined;
  const whole = text.includes("://") ? text : `http://${text}`;
  return URL.canParse(whole) ? new URL(whole) : undefined;
}

/** True if requests of this URL would be sent through one, by mistake or not. */
export function namesProxy(url: URL): boolean {
  const elsewhere = new URL(`${url.protocol}//registry.invalid`);
  return proxyOf(elsewhere) !== undefined;
}

/** `*`, a host with what is below it, an address; each with a port or without. */
function fits(url: URL, exception: string): boolean {
  if (exception === "*") return true;
  const [, name = "", port] =
    /^\*?\.?(.*?)(?::(\d+))?$/.exec(exception.toLowerCase()) ?? [];
  const own = url.port || (url.protocol === "https:" ? "443" : "80");
  if (name === "" || (port !== undefined && port !== own)) return false;
  return url.hostname === name || url.hostname.endsWith(`.${name}`);
}
