/** A registry that lies gets a clear error, in bounded time. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { parseReference } from "../src/base/reference.ts";
import type { Descriptor } from "../src/oci/image_spec.ts";
import { MEDIA_TYPE } from "../src/oci/media_types.ts";
import {
  assertSameBytes,
  ctx,
  noise,
  QUICK,
  quickResolver,
  readAll,
  rejection,
  text,
} from "./registry_support.ts";
import {
  brokenBody,
  type Lie,
  type LyingRegistry,
  startLyingRegistry,
} from "./support/lying_registry.ts";

const MANIFEST = text({ schemaVersion: 2, layers: [] });

const reference = (registry: LyingRegistry, tail = ":v1") =>
  parseReference(`${registry.host}/team/app${tail}`);

async function resolveWith(lie: Lie, tail = ":v1") {
  await using registry = startLyingRegistry(lie);
  using resolver = quickResolver();
  await registry.addManifest(MANIFEST, "v1");
  const error = await rejection(
    resolver.resolve(ctx, reference(registry, tail)),
  );
  return { error, requests: registry.requests, host: registry.host };
}

async function fetchWith(bytes: Uint8Array<ArrayBuffer>, lie: Lie) {
  await using registry = startLyingRegistry(lie);
  using resolver = quickResolver();
  const descriptor = await registry.addBlob(bytes);
  const fetcher = resolver.fetcher(reference(registry));
  const result =
    await (async () => await readAll(await fetcher.fetch(ctx, descriptor)))()
      .then((got) => ({ got }), (error) => ({ error }));
  return { ...result, requests: registry.requests } as {
    got?: Uint8Array;
    error?: Error & { code: string };
    requests: LyingRegistry["requests"];
  };
}

/** A signal must reach a body even if its response is held by nobody else. */
async function collectGarbage(): Promise<void> {
  for (let i = 0; i < 40; i++) {
    Array.from({ length: 200_000 }, (_, at) => ({ at }));
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

Deno.test("resolve() gives what HEAD says, and asks once", async () => {
  await using registry = startLyingRegistry();
  using resolver = quickResolver();
  const descriptor = await registry.addManifest(MANIFEST, "v1");
  assertEquals(await resolver.resolve(ctx, reference(registry)), descriptor);
  assertEquals(registry.requests.map((each) => each.method), ["HEAD"]);
});

Deno.test("resolve() reads the manifest when HEAD says too little", async () => {
  await using registry = startLyingRegistry((_request, seen, honest) => {
    if (seen.method === "HEAD") return new Response(null, { status: 405 });
    return honest().then((response) => {
      response.headers.delete("docker-content-digest");
      response.headers.set("content-type", "text/plain");
      return response;
    });
  });
  using resolver = quickResolver();
  const wanted = await registry.addManifest(MANIFEST, "v1");
  assertEquals(await resolver.resolve(ctx, reference(registry)), wanted);
});

Deno.test("resolve() says notFound with host and reason when there is no such tag", async () => {
  const { error, host } = await resolveWith(() => undefined, ":nope");
  assertEquals(error.code, "notFound");
  assertStringIncludes(error.message, `http://${host}/v2`);
  assertStringIncludes(error.message, "404 Not Found");
  assertEquals(error.hint, "Check the name and the tag");
});

Deno.test("resolve() refuses another digest than the one asked for", async () => {
  const wrong = `sha256:${"b".repeat(64)}`;
  const { error } = await resolveWith(
    async (_request, _seen) => {
      const headers = {
        "docker-content-digest": wrong,
        "content-type": MEDIA_TYPE.ociManifest,
        "content-length": "2",
      };
      return await new Response(null, { headers });
    },
    `@sha256:${"a".repeat(64)}`,
  );
  assertEquals(error.code, "dataLoss");
  assertStringIncludes(error.message, wrong);
});

Deno.test("resolve() refuses schema 1 in words", async () => {
  const { error } = await resolveWith((_request, seen) =>
    seen.method === "HEAD"
      ? new Response(null, { status: 405 })
      : Response.json({ schemaVersion: 1, fsLayers: [] })
  );
  assertEquals(error.code, "failedPrecondition");
  assertStringIncludes(error.message, "schema version 1");
});

Deno.test("resolve() ends a redirect loop", async () => {
  const { error, requests } = await resolveWith((request) =>
    Response.redirect(request.url, 307)
  );
  assertStringIncludes(error.message, "it redirects in a loop");
  assert(requests.length <= 2);
});

Deno.test("resolve() ends redirects that never end", async () => {
  let count = 0;
  const { error } = await resolveWith((request) =>
    Response.redirect(`${request.url}x${count++}`, 307)
  );
  assertStringIncludes(error.message, "redirects more than 10 times");
});

Deno.test("resolve() ends a token loop", async () => {
  let tokens = 0;
  const { error, requests } = await resolveWith((request, seen) => {
    const realm = new URL("/token", request.url);
    if (seen.path === "/token") {
      return Response.json({ token: `token-${tokens++}` });
    }
    const challenge = `Bearer realm="${realm}",service="s",scope="x"`;
    const headers = { "www-authenticate": challenge };
    return new Response(null, { status: 401, headers });
  });
  assertEquals(error.code, "unauthenticated");
  assertStringIncludes(error.hint ?? "", "coracle login");
  assert(tokens <= 3, `${tokens} tokens`);
  assert(requests.length < 10, `${requests.length} requests`);
  assert(!error.message.includes("token-"), "no token in a message");
});

Deno.test("resolve() ends when the token server asks for a token", async () => {
  const { error, requests } = await resolveWith((request) => {
    const realm = new URL("/token", request.url);
    const headers = { "www-authenticate": `Bearer realm="${realm}"` };
    return new Response(null, { status: 401, headers });
  });
  assertEquals(error.code, "unauthenticated");
  assertStringIncludes(error.message, "token server");
  assert(requests.length < 5);
});

Deno.test("resolve() says to log in when the token server gives nobody a token", async () => {
  const { error, host } = await resolveWith((request, { path }) => {
    const realm = new URL("/token", request.url);
    const headers = { "www-authenticate": `Bearer realm="${realm}"` };
    return path === "/token"
      ? new Response("denied", { status: 403 })
      : new Response(null, { status: 401, headers });
  });
  assertEquals(error.code, "permissionDenied");
  assertEquals(
    error.hint,
    `Log in with coracle login ${host}, and check the image's name`,
  );
});

Deno.test("resolve() asks a token server in trouble as often as a registry", async () => {
  const { error, requests } = await resolveWith((request, { path }) => {
    const realm = new URL("/token", request.url);
    const headers = { "www-authenticate": `Bearer realm="${realm}"` };
    return path === "/token"
      ? new Response("oops", { status: 500 })
      : new Response(null, { status: 401, headers });
  });
  assertEquals(error.code, "unavailable");
  const tokens = requests.filter(({ path }) => path === "/token");
  assertEquals(tokens.length, QUICK.attempts);
});

Deno.test("resolve() asks again when a registry stumbles", async () => {
  let failures = 2;
  await using registry = startLyingRegistry(() =>
    failures-- > 0 ? new Response("oops", { status: 503 }) : undefined
  );
  using resolver = quickResolver();
  const wanted = await registry.addManifest(MANIFEST, "v1");
  assertEquals(await resolver.resolve(ctx, reference(registry)), wanted);
});

Deno.test("resolve() gives up when a registry only stumbles", async () => {
  const { error, requests } = await resolveWith(() =>
    new Response("\x1b[31moops\nagain", { status: 500 })
  );
  assertEquals(error.code, "unavailable");
  assertStringIncludes(error.message, "500 Internal Server Error");
  assertEquals(requests.length, 3);
});

Deno.test("resolve() waits as long as Retry-After says", async () => {
  let asked = 0;
  await using registry = startLyingRegistry(() =>
    asked++ > 0 ? undefined : new Response(null, {
      status: 429,
      headers: { "retry-after": "1" },
    })
  );
  using resolver = quickResolver();
  const wanted = await registry.addManifest(MANIFEST, "v1");
  const before = performance.now();
  assertEquals(await resolver.resolve(ctx, reference(registry)), wanted);
  assert(performance.now() - before >= 990);
});

Deno.test("resolve() does not wait for a Retry-After without measure", async () => {
  const { error, requests } = await resolveWith(() =>
    new Response(null, { status: 429, headers: { "retry-after": "86400" } })
  );
  assertEquals(error.code, "resourceExhausted");
  assertEquals(requests.length, 1);
});

for (
  const [status, hint] of [
    [429, "coracle login"],
    [503, "Try again later"],
  ] as const
) {
  Deno.test(`resolve() says what to do about ${status}`, async () => {
    const { error } = await resolveWith(() => new Response("no", { status }));
    assertStringIncludes(error.message, String(status));
    assertStringIncludes(error.hint ?? "", hint);
  });
}

Deno.test("resolve() gives up when a registry never answers", async () => {
  const hanging = Promise.withResolvers<Response>();
  const { error } = await (async () => {
    await using registry = startLyingRegistry(() => hanging.promise);
    using resolver = quickResolver({ timing: { attempts: 5 } });
    const error = await rejection(resolver.resolve(ctx, reference(registry)));
    hanging.resolve(new Response());
    // Not five times the wait.
    assertEquals(registry.requests.length, 2);
    return { error };
  })();
  assertStringIncludes(error.message, "no answer within 400 ms");
});

Deno.test("resolve() refuses a manifest that has no end", async () => {
  const { error } = await resolveWith((_request, seen) => {
    if (seen.method === "HEAD") return new Response(null, { status: 405 });
    const chunk = new Uint8Array(1024 * 1024).fill(32);
    return new Response(
      new ReadableStream({ pull: (c) => c.enqueue(chunk.slice()) }),
    );
  });
  assertStringIncludes(error.message, "its manifest cannot be read");
});

Deno.test("fetch() gives a manifest's bytes only when they are the right ones", async () => {
  await using registry = startLyingRegistry();
  using resolver = quickResolver();
  const descriptor = await registry.addManifest(MANIFEST, "v1");
  const fetcher = resolver.fetcher(reference(registry));
  const good = await fetcher.fetch(ctx, descriptor);
  assertEquals(await readAll(good), MANIFEST);
  registry.lie = () => new Response(MANIFEST.map((byte) => byte ^ 1));
  const error = await rejection(fetcher.fetch(ctx, descriptor));
  assertEquals(error.code, "dataLoss");
});

Deno.test("fetch() refuses a length that is not the descriptor's", async () => {
  const { error } = await fetchWith(
    noise(1000),
    () => new Response(noise(999)),
  );
  assertEquals(error?.code, "dataLoss");
  assertStringIncludes(error?.message ?? "", "999 bytes for the 1000");
});

const SIZE = 3 * 1024 * 1024;

Deno.test("fetch() resumes where a connection broke off", async () => {
  const bytes = noise(SIZE);
  let breaks = 2;
  const { got, requests } = await fetchWith(bytes, (_request, seen) => {
    if (breaks-- <= 0) return undefined;
    const start = Number(/\d+/.exec(seen.headers.get("range") ?? "0")?.[0]);
    const headers: HeadersInit = { "content-length": String(SIZE - start) };
    if (start > 0) {
      headers["content-range"] = `bytes ${start}-${SIZE - 1}/${SIZE}`;
    }
    return new Response(brokenBody(bytes, start, 700_000), {
      status: start > 0 ? 206 : 200,
      headers,
    });
  });
  assertSameBytes(got, bytes);
  const ranges = requests.map(({ headers }) => headers.get("range"));
  assertEquals(ranges[0], null);
  assertEquals(ranges.length, 3);
  assert(ranges.slice(1).every((range) => range !== null));
});

Deno.test("fetch() skips bytes when a server ignores Range", async () => {
  const bytes = noise(SIZE);
  let first = true;
  const { got } = await fetchWith(bytes, () => {
    const body = first ? brokenBody(bytes, 0, 1_500_001) : bytes.slice();
    first = false;
    return new Response(body, { headers: { "content-length": `${SIZE}` } });
  });
  assertSameBytes(got, bytes);
});

Deno.test("fetch() refuses a range that was not asked for", async () => {
  const bytes = noise(SIZE);
  let first = true;
  const { error } = await fetchWith(bytes, () => {
    if (!first) {
      return new Response(bytes.slice(7), {
        status: 206,
        headers: { "content-range": `bytes 7-${SIZE - 1}/${SIZE}` },
      });
    }
    first = false;
    return new Response(brokenBody(bytes, 0, 1_500_001), {
      headers: { "content-length": `${SIZE}` },
    });
  });
  assertEquals(error?.code, "dataLoss");
  assertStringIncludes(error?.message ?? "", "it sends the range");
});

Deno.test("fetch() gives up when a body is always too short", async () => {
  const bytes = noise(2000);
  const { error, requests } = await fetchWith(bytes, () =>
    new Response(
      new ReadableStream({
        start(controller) {
          controller.enqueue(bytes.slice(0, 1000));
          controller.close();
        },
      }),
    ));
  assertEquals(error?.code, "unavailable");
  assert(requests.length <= 4, `${requests.length} requests`);
});

Deno.test("fetch() refuses a body that does not end", async () => {
  const { error } = await fetchWith(noise(2000), () =>
    new Response(
      new ReadableStream({ pull: (c) => c.enqueue(noise(1000)) }),
    ));
  assertEquals(error?.code, "dataLoss");
  assertStringIncludes(error?.message ?? "", "more than its 2000 bytes");
});

Deno.test("fetch() gives up on a slow drip", async () => {
  const drip = () => {
    let timer: ReturnType<typeof setInterval>;
    return new Response(
      new ReadableStream({
        start(controller) {
          timer = setInterval(
            () => controller.enqueue(new Uint8Array(1)),
            20,
          );
        },
        cancel: () => clearInterval(timer),
      }),
      { headers: { "content-length": `${SIZE}` } },
    );
  };
  const before = performance.now();
  const { error } = await fetchWith(noise(SIZE), drip);
  assertEquals(error?.code, "unavailable");
  assertStringIncludes(error?.message ?? "", "less than 512 bytes in 400 ms");
  assert(performance.now() - before < 5000);
});

Deno.test("fetch() ends with the signal's reason when it fires", async () => {
  const bytes = noise(SIZE);
  await using registry = startLyingRegistry(() =>
    new Response(
      new ReadableStream({ start: (c) => c.enqueue(bytes.slice(0, 1000)) }),
      { headers: { "content-length": `${SIZE}` } },
    )
  );
  using resolver = quickResolver({ timing: { stallMs: 10_000 } });
  const descriptor = await registry.addBlob(bytes);
  const abort = new AbortController();
  const stream = await resolver.fetcher(reference(registry))
    .fetch({ ...ctx, signal: abort.signal }, descriptor);
  const reading = readAll(stream);
  await collectGarbage();
  abort.abort(new Error("enough"));
  const error = await reading.catch((error) => error);
  assertEquals(error.message, "enough");
});

Deno.test("fetch() starts at the offset, also at the very end", async () => {
  const bytes = noise(5000);
  await using registry = startLyingRegistry();
  using resolver = quickResolver();
  const descriptor = await registry.addBlob(bytes);
  const fetcher = resolver.fetcher(reference(registry));
  for (const offset of [0, 1, 4999, 5000]) {
    const stream = await fetcher.fetch(ctx, descriptor, { offset });
    assertEquals(await readAll(stream), bytes.slice(offset));
  }
  const error = await rejection(
    fetcher.fetch(ctx, descriptor, { offset: 5001 }),
  );
  assertEquals(error.code, "outOfRange");
});

Deno.test("fetch() needs no network when the descriptor holds the data", async () => {
  using resolver = quickResolver();
  const bytes = text("{}");
  const descriptor: Descriptor = {
    mediaType: MEDIA_TYPE.ociEmpty,
    digest: `sha256:${"0".repeat(64)}` as Descriptor["digest"],
    size: 2,
    data: bytes.toBase64(),
  };
  const stream = await resolver.fetcher(parseReference("nowhere.invalid/x/y"))
    .fetch(ctx, descriptor);
  assertEquals(await readAll(stream), bytes);
});
