/** Uploads: what happens when they break, and when a registry lies. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { parseReference } from "../src/base/reference.ts";
import type { Descriptor } from "../src/oci/image_spec.ts";
import { MEDIA_TYPE } from "../src/oci/media_types.ts";
import {
  assertSameBytes,
  ctx,
  noise,
  quickResolver,
  readAll,
  rejection,
  sourceOf,
  text,
} from "./registry_support.ts";
import { startBreakingProxy } from "./support/breaking_proxy.ts";
import {
  type Lie,
  sha256,
  startLyingRegistry,
} from "./support/lying_registry.ts";
import { hasRegistry, startRegistry } from "./support/registry.ts";

const LARGE = 12 * 1024 * 1024;

async function describe(bytes: Uint8Array<ArrayBuffer>): Promise<Descriptor> {
  const digest = await sha256(bytes);
  return { mediaType: MEDIA_TYPE.ociLayer, digest, size: bytes.length };
}

Deno.test({
  name: "an upload that breaks is taken up or begun again",
  ignore: !hasRegistry(),
}, async () => {
  await using registry = await startRegistry();
  await using proxy = startBreakingProxy(registry.port);
  using resolver = quickResolver();
  const reference = parseReference(`${proxy.host}/team/app:v1`);
  const bytes = noise(LARGE);
  const descriptor = await describe(bytes);
  proxy.breaks.push(5_000_000, 7_000_000);
  const progress: number[] = [];
  const outcome = await resolver.pusher(reference).pushBlob(ctx, descriptor, {
    ...sourceOf(bytes),
    onProgress: (sent) => progress.push(sent),
  });
  assertEquals(outcome, { kind: "pushed" });
  assertEquals(proxy.broken, 2);
  assertEquals(progress.at(-1), LARGE);
  const stream = await resolver.fetcher(reference).fetch(ctx, descriptor);
  assertSameBytes(await readAll(stream), bytes);
});

Deno.test({
  name: "an upload that always breaks ends in an error",
  ignore: !hasRegistry(),
}, async () => {
  await using registry = await startRegistry();
  await using proxy = startBreakingProxy(registry.port);
  using resolver = quickResolver();
  const reference = parseReference(`${proxy.host}/team/app:v1`);
  const bytes = noise(LARGE);
  proxy.breaks.push(...Array(50).fill(5_000_000));
  const error = await rejection(
    resolver.pusher(reference)
      .pushBlob(ctx, await describe(bytes), sourceOf(bytes)),
  );
  assertEquals(error.code, "unavailable");
  assertStringIncludes(error.message, `Cannot push "sha256:`);
});

/** Takes chunks in memory; `breakAt` ends the first one early. */
function uploadServer(breakAt: number) {
  const received: Uint8Array[] = [];
  const sizes: number[] = [];
  const ranges: (string | null)[] = [];
  let size = 0;
  const range = () => ({ range: `0-${Math.max(size - 1, 0)}` });
  const lie: Lie = async (request, seen) => {
    const location = { location: "../../../../v2/team/app/blobs/uploads/7" };
    switch (seen.method) {
      case "HEAD":
        return new Response(null, { status: 404 });
      case "POST":
        return new Response(null, { status: 202, headers: location });
      case "GET":
        return new Response(null, {
          status: 204,
          headers: { ...location, ...range() },
        });
      case "PATCH": {
        ranges.push(seen.headers.get("content-range"));
        for await (const chunk of request.body ?? []) {
          received.push(chunk);
          size += chunk.length;
          if (ranges.length === 1 && size >= breakAt) {
            return new Response("stumbled", { status: 503 });
          }
        }
        sizes.push(size);
        return new Response(null, {
          status: 202,
          headers: { ...location, ...range() },
        });
      }
      default:
        await request.body?.cancel();
        return new Response(null, { status: 201 });
    }
  };
  return { lie, received, ranges, size: () => size };
}

Deno.test("an upload goes on where the registry says it stopped", async () => {
  const server = uploadServer(3_000_000);
  await using registry = startLyingRegistry(server.lie);
  using resolver = quickResolver();
  const bytes = noise(LARGE);
  const offsets: number[] = [];
  const source = sourceOf(bytes);
  const outcome = await resolver
    .pusher(parseReference(`${registry.host}/team/app:v1`))
    .pushBlob(ctx, await describe(bytes), {
      open: (offset) => {
        offsets.push(offset);
        return source.open(offset);
      },
    });
  assertEquals(outcome, { kind: "pushed" });
  assertEquals(server.size(), LARGE);
  const got = new Uint8Array(
    await new Blob(server.received as Uint8Array<ArrayBuffer>[]).arrayBuffer(),
  );
  assertSameBytes(got, bytes);
  const [first, second] = offsets;
  assert(first === 0 && second !== undefined && second >= 3_000_000);
  assertEquals(server.ranges, [null, `${second}-${LARGE - 1}`]);
});

Deno.test("a registry that takes no bytes is given up", async () => {
  const held = Promise.withResolvers<void>();
  const server = uploadServer(LARGE * 2);
  {
    await using registry = startLyingRegistry(
      async (request, seen, honest) => {
        if (seen.method !== "PATCH") {
          return await server.lie(request, seen, honest) as Response;
        }
        await held.promise;
        return new Response(null, { status: 500 });
      },
    );
    using _release = { [Symbol.dispose]: () => held.resolve() };
    using resolver = quickResolver({
      timing: { stallMs: 100, attempts: 2, uploadTimeoutMs: 500 },
    });
    // More than all buffers on the way hold.
    const bytes = new Uint8Array(4 * LARGE);
    const before = performance.now();
    const error = await rejection(
      resolver.pusher(parseReference(`${registry.host}/team/app:v1`))
        .pushBlob(ctx, await describe(bytes), sourceOf(bytes)),
    );
    assertEquals(error.code, "unavailable");
    assertStringIncludes(
      error.message,
      "waited 100 ms for it to take more bytes",
    );
    assert(performance.now() - before < 5_000);
  }
});

Deno.test("a push without the right to it says so", async () => {
  await using registry = startLyingRegistry((_request, seen) =>
    seen.method === "HEAD"
      ? new Response(null, { status: 404 })
      : Response.json({
        errors: [{ code: "DENIED", message: "requested access is denied" }],
      }, { status: 403 })
  );
  using resolver = quickResolver();
  const bytes = noise(100);
  const error = await rejection(
    resolver.pusher(parseReference(`${registry.host}/team/app:v1`))
      .pushBlob(ctx, await describe(bytes), sourceOf(bytes)),
  );
  assertEquals(error.code, "permissionDenied");
  assertStringIncludes(error.message, "requested access is denied");
});

Deno.test("an upload's location on another host gets no authorisation", async () => {
  await using storage = startLyingRegistry((request) =>
    request.arrayBuffer().then(() => new Response(null, { status: 201 }))
  );
  await using registry = startLyingRegistry((_request, seen) =>
    seen.headers.get("authorization") === null
      ? new Response(null, {
        status: 401,
        headers: { "www-authenticate": `Basic realm="r"` },
      })
      : seen.method === "HEAD"
      ? new Response(null, { status: 404 })
      : new Response(null, {
        status: 202,
        headers: { location: `http://${storage.host}/put?sign=1` },
      })
  );
  using resolver = quickResolver({
    credentials: {
      get: () =>
        Promise.resolve({ kind: "password", username: "a", password: "b" }),
    },
  });
  const bytes = noise(100);
  const descriptor = await describe(bytes);
  await resolver.pusher(parseReference(`${registry.host}/team/app:v1`))
    .pushBlob(ctx, descriptor, sourceOf(bytes));
  const [put] = storage.requests;
  assertEquals(put?.method, "PUT");
  assertEquals(put?.headers.get("authorization"), null);
  assertEquals(put?.query.get("sign"), "1");
  assertEquals(put?.query.get("digest"), descriptor.digest);
});

Deno.test("a manifest that was stored as another one is an error", async () => {
  await using registry = startLyingRegistry((request, seen) =>
    seen.method === "HEAD"
      ? new Response(null, { status: 404 })
      : request.arrayBuffer().then(() =>
        new Response(null, {
          status: 201,
          headers: { "docker-content-digest": `sha256:${"0".repeat(64)}` },
        })
      )
  );
  using resolver = quickResolver();
  const bytes = text({ schemaVersion: 2, manifests: [] });
  const descriptor = {
    ...await describe(bytes),
    mediaType: MEDIA_TYPE.ociIndex,
  };
  const error = await rejection(
    resolver.pusher(parseReference(`${registry.host}/team/app:v1`))
      .pushManifest(ctx, descriptor, bytes, "v1"),
  );
  assertEquals(error.code, "dataLoss");
});
