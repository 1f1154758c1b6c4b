/** TLS through a proxy for node:https, which knows no proxies of itself. */

type Agent = import("node:https").Agent;
type Socket = import("node:net").Socket;
type TlsOptions = import("node:tls").ConnectionOptions;

/** The agent of one request, whose connection goes through the proxy. */
export async function tunnelAgent(
  url: URL,
  proxy: URL,
  options: TlsOptions,
  signal: AbortSignal,
): Promise<Agent> {
  const [{ Agent }, { connect }] = await Promise.all([
    import("node:https"),
    import("node:tls"),
  ]);
  const socket = await openTunnel(url, proxy, signal);
  const servername = url.hostname;
  const agent = new Agent({ keepAlive: false });
  agent.createConnection = () => connect({ ...options, socket, servername });
  return agent;
}

/** @see RFC 9110, section 9.3.6, "CONNECT" */
async function openTunnel(
  url: URL,
  proxy: URL,
  signal: AbortSignal,
): Promise<Socket> {
  if (!/^https?:$/.test(proxy.protocol)) {
    throw new Error(
      `a proxy of kind "${proxy.protocol.slice(0, -1)}" can't be used where ` +
        "certificates are not verified",
    );
  }
  const { request } = proxy.protocol === "https:"
    ? await import("node:https")
    : await import("node:http");
  const target = `${url.hostname}:${url.port || 443}`;
  const { promise, resolve, reject } = Promise.withResolvers<Socket>();
  const asked = request(proxy, {
    ...{ method: "CONNECT", path: target, agent: false, signal },
    headers: { host: target, ...credentials(proxy) },
  });
  asked.on("connect", ({ statusCode, statusMessage }, socket) => {
    if (statusCode === 200) return resolve(socket as Socket);
    socket.destroy();
    reject(new Error(`the proxy answers ${statusCode} ${statusMessage}`));
  });
  asked.on("error", reject);
  asked.end();
  return await promise;
}

function credentials({ username, password }: URL): Record<string, string> {
  if (username === "") return {};
  const text = `${decodeURIComponent(username)}:${
    decodeURIComponent(password)
  }`;
  const encoded = new TextEncoder().encode(text).toBase64();
  return { "proxy-authorization": `Basic ${encoded}` };
}
