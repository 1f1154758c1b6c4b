/**
 * https without a look at the certificate, for `skip_verify`. Loaded only
 * then: fetch() cannot do it, and node:https takes its time to load.
 */

import { proxyOf } from "./proxy.ts";
import type { PemPair, WireRequest } from "./transport.ts";
import { tunnelAgent } from "./tunnel.ts";

type ClientRequest = import("node:http").ClientRequest;
type IncomingMessage = import("node:http").IncomingMessage;

export async function sendUnverified(
  url: URL,
  pair: PemPair,
  wire: WireRequest,
): Promise<Response> {
  const https = await import("node:https");
  const { promise, resolve, reject } = Promise.withResolvers<Response>();
  const tls = { ...pair, rejectUnauthorized: false };
  const proxy = proxyOf(url);
  const request = https.request(url, {
    ...tls,
    method: wire.method,
    headers: Object.fromEntries(wire.headers),
    // A connection that stays open would outlive the resolver.
    agent: proxy !== undefined &&
      await tunnelAgent(url, proxy, tls, wire.signal),
  });
  const onAbort = () => request.destroy(asError(wire.signal.reason));
  if (wire.signal.aborted) onAbort();
  wire.signal.addEventListener("abort", onAbort, { once: true });
  const unlisten = () => wire.signal.removeEventListener("abort", onAbort);
  request.on("close", unlisten);
  request.on("error", reject);
  request.on("response", (message) => resolve(toResponse(message, wire)));
  sendBody(request, wire.body).catch((error) => request.destroy(error));
  return await promise;
}

async function sendBody(
  request: ClientRequest,
  body: BodyInit | undefined,
): Promise<void> {
  if (body instanceof ReadableStream) {
    for await (const chunk of body) {
      if (request.write(chunk)) continue;
      await new Promise((resolve) => request.once("drain", resolve));
    }
    request.end();
  } else if (body === undefined) {
    request.end();
  } else {
    request.end(new Uint8Array(await new Response(body).arrayBuffer()));
  }
}

function toResponse(message: IncomingMessage, wire: WireRequest): Response {
  const headers = new Headers();
  for (const [name, value] of Object.entries(message.headers)) {
    for (const one of [value ?? []].flat()) headers.append(name, one);
  }
  const status = message.statusCode ?? 0;
  const isEmpty = wire.method === "HEAD" || [204, 205, 304].includes(status);
  if (isEmpty) message.resume();
  return new Response(isEmpty ? null : toByteStream(message), {
    status,
    statusText: message.statusMessage ?? "",
    headers,
  });
}

function toByteStream(
  message: IncomingMessage,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  return new ReadableStream({
    type: "bytes",
    start(controller) {
      let open = true;
      const fail = (error: Error) => {
        if (open) controller.error(error);
        open = false;
      };
      message.on("data", (chunk: Uint8Array) => {
        if (!open) return;
        controller.enqueue(new Uint8Array(chunk));
        if ((controller.desiredSize ?? 0) <= 0) message.pause();
      });
      message.on("end", () => {
        if (!open) return;
        open = false;
        controller.close();
        controller.byobRequest?.respond(0);
      });
      message.on("error", fail);
      message.on("close", () => {
        if (!message.complete) fail(new Error("connection closed before end"));
      });
      message.pause();
    },
    pull() {
      message.resume();
    },
    cancel(reason) {
      message.destroy(asError(reason));
    },
  });
}

function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error(String(reason));
}
