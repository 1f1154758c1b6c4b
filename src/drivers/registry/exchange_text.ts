/** Requests and responses as text, for who watches what a registry is asked. */

const SECRET = /^(?:authorization|cookie|proxy-authorization|set-cookie)$/i;

export function requestText(
  method: string,
  url: URL,
  headers: Headers,
): string {
  return `${method} ${url.pathname}${withoutSecrets(url)} HTTP/1.1\n` +
    `host: ${url.host}\n${headerText(headers)}\n`;
}

export function responseText({ status, statusText, headers }: {
  readonly status: number;
  readonly statusText: string;
  readonly headers: Headers;
}): string {
  return `HTTP/1.1 ${status} ${statusText}\n${headerText(headers)}\n`;
}

function headerText(headers: Headers): string {
  return [...headers].map(([name, value]) =>
    `${name}: ${SECRET.test(name) ? "[redacted]" : value}\n`
  ).join("");
}

/** Blobs are often fetched from addresses that are signed. */
function withoutSecrets({ searchParams }: URL): string {
  const pairs = [...searchParams].map(([name, value]) =>
    /sig|token|secret|password|credential|key/i.test(name)
      ? `${name}=[redacted]`
      : `${name}=${encodeURIComponent(value)}`
  );
  return pairs.length === 0 ? "" : `?${pairs.join("&")}`;
}
