/** Tokens, credentials, mirrors: what is sent to whom. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { formatReference, parseReference } from "../src/base/reference.ts";
import {
  createCredentialStore,
  type Credential,
  type CredentialStore,
  fixedCredential,
} from "../src/drivers/registry/credentials.ts";
import { login, logout } from "../src/drivers/registry/login.ts";
import {
  ctx,
  noise,
  QUICK,
  quickResolver,
  readAll,
  rejection,
  text,
} from "./registry_support.ts";
import {
  type Lie,
  type LyingRegistry,
  startLyingRegistry,
} from "./support/lying_registry.ts";
import { hasRegistry, startRegistry } from "./support/registry.ts";

const MANIFEST = text({ schemaVersion: 2, layers: [] });
const ANN: Credential = {
  kind: "password",
  username: "ann",
  password: "s3cret",
};

interface TokenServer {
  /** Every request for a token. */
  readonly asked: {
    method: string;
    scopes: string[];
    authorization: string | null;
    form: URLSearchParams;
  }[];
  readonly lie: Lie;
  /** Makes all tokens that were given invalid. */
  forget(): void;
}

/** Asks for a bearer token, which it gives itself under /token. */
function tokenServer(extra: Record<string, unknown> = {}): TokenServer {
  const asked: TokenServer["asked"] = [];
  const valid = new Map<string, string[]>();
  const lie: Lie = async (request, seen) => {
    if (seen.path === "/token") {
      const form = new URLSearchParams(await request.text());
      const scopes = form.get("scope")?.split(" ") ??
        seen.query.getAll("scope");
      asked.push({
        method: seen.method,
        scopes,
        authorization: seen.headers.get("authorization"),
        form,
      });
      const token = `t${asked.length}`;
      valid.set(`Bearer ${token}`, scopes);
      return Response.json({ access_token: token, ...extra });
    }
    const scopes = valid.get(seen.headers.get("authorization") ?? "");
    if (scopes !== undefined) return undefined as unknown as Response;
    const realm = new URL("/token", request.url);
    const scope = "repository:team/app:pull";
    return new Response(null, {
      status: 401,
      headers: {
        "www-authenticate":
          `Bearer realm="${realm}",service="here",scope="${scope}"`,
      },
    });
  };
  return { asked, lie, forget: () => valid.clear() };
}

const app = (registry: { host: string }) =>
  parseReference(`${registry.host}/team/app:v1`);

Deno.test("one token serves all requests of a scope", async () => {
  const tokens = tokenServer({ expires_in: 300 });
  await using registry = startLyingRegistry(tokens.lie);
  using resolver = quickResolver();
  await registry.addManifest(MANIFEST, "v1");
  const bytes = noise(1000);
  const blob = await registry.addBlob(bytes);
  await resolver.resolve(ctx, app(registry));
  const fetcher = resolver.fetcher(app(registry));
  await Promise.all(
    Array.from({ length: 8 }, async () => {
      const stream = await fetcher.fetch(ctx, blob);
      assertEquals(await readAll(stream), bytes);
    }),
  );
  assertEquals(tokens.asked.map(({ scopes }) => scopes), [[
    "repository:team/app:pull",
  ]]);
  assertEquals(tokens.asked[0]?.authorization, null);
});

Deno.test("layers that start at once share the first token", async () => {
  const tokens = tokenServer();
  await using registry = startLyingRegistry(tokens.lie);
  using resolver = quickResolver();
  const blob = await registry.addBlob(noise(100));
  const fetcher = resolver.fetcher(app(registry));
  await Promise.all(
    Array.from(
      { length: 6 },
      async () => await readAll(await fetcher.fetch(ctx, blob)),
    ),
  );
  assertEquals(tokens.asked.length, 1);
});

Deno.test("a token that is refused is renewed once", async () => {
  const tokens = tokenServer();
  await using registry = startLyingRegistry(tokens.lie);
  using resolver = quickResolver();
  await registry.addManifest(MANIFEST, "v1");
  await resolver.resolve(ctx, app(registry));
  tokens.forget();
  await resolver.resolve(ctx, app(registry));
  assertEquals(tokens.asked.length, 2);
});

Deno.test("a token that has expired is not sent", async () => {
  const tokens = tokenServer({ expires_in: 100 });
  await using registry = startLyingRegistry(tokens.lie);
  let now = 0;
  using resolver = quickResolver({
    clock: { now: () => now, sleep: () => Promise.resolve() },
  });
  await registry.addManifest(MANIFEST, "v1");
  await resolver.resolve(ctx, app(registry));
  now = 89_000;
  await resolver.resolve(ctx, app(registry));
  assertEquals(tokens.asked.length, 1);
  now = 91_000;
  await resolver.resolve(ctx, app(registry));
  assertEquals(tokens.asked.length, 2);
  const refused = registry.requests.filter(({ path, headers }) =>
    path !== "/token" && headers.get("authorization") === null
  );
  assertEquals(refused.length, 1, "only the first request goes without");
});

Deno.test("a password goes to the token server, not to the registry", async () => {
  const tokens = tokenServer();
  await using registry = startLyingRegistry(tokens.lie);
  using resolver = quickResolver({ credentials: fixedCredential(ANN) });
  await registry.addManifest(MANIFEST, "v1");
  await resolver.resolve(ctx, app(registry));
  const basic = `Basic ${btoa("ann:s3cret")}`;
  assertEquals(tokens.asked[0]?.authorization, basic);
  const others = registry.requests.filter(({ path }) => path !== "/token");
  assert(others.every(({ headers }) => headers.get("authorization") !== basic));
});

Deno.test("an identity token is sent as a refresh token", async () => {
  const tokens = tokenServer();
  await using registry = startLyingRegistry(tokens.lie);
  using resolver = quickResolver({
    credentials: fixedCredential({ kind: "identity", token: "long-lived" }),
  });
  await registry.addManifest(MANIFEST, "v1");
  await resolver.resolve(ctx, app(registry));
  const [asked] = tokens.asked;
  assertEquals(asked?.method, "POST");
  assertEquals(Object.fromEntries(asked?.form ?? []), {
    grant_type: "refresh_token",
    refresh_token: "long-lived",
    client_id: "coracle",
    service: "here",
    scope: "repository:team/app:pull",
  });
});

Deno.test("a redirect to another host gets no authorisation", async () => {
  const bytes = noise(5000);
  await using storage = startLyingRegistry(() => new Response(bytes.slice()));
  const tokens = tokenServer();
  await using registry = startLyingRegistry(async (request, seen, honest) => {
    const answer = await tokens.lie(request, seen, honest);
    if (answer !== undefined) return answer;
    return Response.redirect(`http://${storage.host}/signed?key=k`, 307);
  });
  using resolver = quickResolver();
  const blob = await registry.addBlob(bytes);
  const stream = await resolver.fetcher(app(registry)).fetch(ctx, blob);
  assertEquals(await readAll(stream), bytes);
  assertEquals(storage.requests.length, 1);
  assertEquals(storage.requests[0]?.headers.get("authorization"), null);
});

Deno.test("a refusal by the host that is redirected to is told as that one's", async () => {
  await using storage = startLyingRegistry(() =>
    new Response("expired", { status: 403 })
  );
  await using registry = startLyingRegistry(() =>
    Response.redirect(`http://${storage.host}/signed?sig=secret`, 307)
  );
  using resolver = quickResolver();
  const blob = await registry.addBlob(noise(10));
  const { code, message, hint } = await rejection(
    resolver.fetcher(app(registry)).fetch(ctx, blob),
  );
  assertEquals(code, "permissionDenied");
  assertStringIncludes(message, `from ${storage.host}, to which it redirects`);
  assertStringIncludes(hint ?? "", storage.host);
  assert(!`${message}${hint}`.includes("log"), hint);
  assert(!message.includes("secret"), message);
});

async function withMirrors(
  domain: string,
  hosts: string,
  use: (dir: string) => Promise<void>,
): Promise<void> {
  const dir = await Deno.makeTempDir();
  try {
    await Deno.mkdir(`${dir}/${domain}`);
    await Deno.writeTextFile(`${dir}/${domain}/hosts.toml`, hosts);
    await use(dir);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

const mirror = ({ host }: LyingRegistry) =>
  `[host."http://${host}"]\ncapabilities = ["pull", "resolve"]\n`;

Deno.test("mirrors are asked in order, with the domain they mirror", async () => {
  await using empty = startLyingRegistry();
  await using full = startLyingRegistry();
  await using registry = startLyingRegistry();
  const wanted = await full.addManifest(MANIFEST, "v1");
  const toml = `server = "http://${registry.host}"\n${mirror(empty)}${
    mirror(full)
  }[host."http://${full.host}".header]\nx-team = "blue"\n`;
  await withMirrors("reg.test", toml, async (dir) => {
    using resolver = quickResolver({ configDirs: [dir] });
    const reference = parseReference("reg.test/team/app:v1");
    assertEquals(await resolver.resolve(ctx, reference), wanted);
    const stream = await resolver.fetcher(reference).fetch(ctx, wanted);
    assertEquals(await readAll(stream), MANIFEST);
    const explained = await resolver.explain(ctx, reference);
    assertEquals(explained.map(({ url }) => url), [
      `http://${empty.host}/v2`,
      `http://${full.host}/v2`,
      `http://${registry.host}/v2`,
    ]);
    assertEquals(explained[0]?.source, `${dir}/reg.test/hosts.toml`);
  });
  assertEquals(registry.requests.length, 0);
  const [request] = full.requests;
  assertEquals(request?.query.get("ns"), "reg.test");
  assertEquals(request?.headers.get("x-team"), "blue");
  assertEquals(empty.requests[0]?.headers.get("x-team"), null);
});

Deno.test("a mirror that lies about a manifest is passed over", async () => {
  await using liar = startLyingRegistry(() => new Response("{}"));
  await using registry = startLyingRegistry();
  const wanted = await registry.addManifest(MANIFEST, "v1");
  const toml = `server = "http://${registry.host}"\n${mirror(liar)}`;
  await withMirrors("reg.test", toml, async (dir) => {
    using resolver = quickResolver({ configDirs: [dir] });
    const reference = parseReference("reg.test/team/app:v1");
    const stream = await resolver.fetcher(reference).fetch(ctx, wanted);
    assertEquals(await readAll(stream), MANIFEST);
  });
});

Deno.test("a failure lists every host, what it said and the file", async () => {
  await using broken = startLyingRegistry(() =>
    new Response("no\nidea", { status: 500 })
  );
  await using empty = startLyingRegistry();
  const gone = startLyingRegistry();
  await gone[Symbol.asyncDispose]();
  const toml = `server = "http://${gone.host}"\n${mirror(broken)}${
    mirror(empty)
  }`;
  await withMirrors("reg.test", toml, async (dir) => {
    using resolver = quickResolver({ configDirs: [dir] });
    const reference = parseReference("reg.test/team/app:v1");
    const error = await rejection(resolver.resolve(ctx, reference));
    const file = `${dir}/reg.test/hosts.toml`;
    assertEquals(
      error.message,
      `Cannot resolve "${formatReference(reference)}": all 3 hosts failed\n` +
        `  http://${broken.host}/v2 (${file}): 500 Internal Server Error\n` +
        `  http://${empty.host}/v2 (${file}): 404 Not Found\n` +
        `  http://${gone.host}/v2 (${file}): connection refused`,
    );
    assertEquals(error.code, "unavailable");
    assertStringIncludes(error.hint ?? "", file);
  });
});

/** An address where connections are neither taken nor refused. */
async function blackHole(): Promise<{ host: string } & Disposable> {
  const listener = Deno.listen({
    hostname: "127.0.0.1",
    port: 0,
    tcpBacklog: 1,
  });
  const { port } = listener.addr;
  const waiting: Deno.Conn[] = [];
  // Nobody accepts: soon the kernel's queue is full.
  for (let connected = true; connected;) {
    const connecting = Deno.connect({
      port,
      signal: AbortSignal.timeout(150),
    });
    connected = await connecting.then(
      (connection) => waiting.push(connection) > 0,
      () => false,
    );
  }
  return {
    host: `127.0.0.1:${port}`,
    [Symbol.dispose]: () => {
      for (const connection of waiting) connection.close();
      listener.close();
    },
  };
}

Deno.test({
  name: "a host that takes no connection is given up after dial_timeout",
  // AbortSignal.timeout() of the connections that were made runs on.
  sanitizeOps: false,
}, async () => {
  await using registry = startLyingRegistry();
  using hole = await blackHole();
  const wanted = await registry.addManifest(MANIFEST, "v1");
  const toml = `server = "http://${registry.host}"\n` +
    `[host."http://${hole.host}"]\ndial_timeout = "50ms"\n`;
  await withMirrors("reg.test", toml, async (dir) => {
    using resolver = quickResolver({
      configDirs: [dir],
      timing: { attempts: 1, responseTimeoutMs: 20_000 },
    });
    const before = performance.now();
    const reference = parseReference("reg.test/team/app:v1");
    assertEquals(await resolver.resolve(ctx, reference), wanted);
    const took = performance.now() - before;
    assert(took > 45 && took < 5_000, `${took} ms`);
  });
});

Deno.test("no host with the capability is an error of its own", async () => {
  const toml = `server = "http://127.0.0.1:9"\ncapabilities = ["pull"]\n`;
  await withMirrors("reg.test", toml, async (dir) => {
    using resolver = quickResolver({ configDirs: [dir] });
    const reference = parseReference("reg.test/team/app:v1");
    const error = await rejection(resolver.resolve(ctx, reference));
    assertEquals(error.code, "failedPrecondition");
    assertStringIncludes(error.message, `the capability "resolve"`);
  });
});

async function withStore(
  use: (store: CredentialStore) => Promise<void>,
): Promise<void> {
  const dir = await Deno.makeTempDir();
  try {
    await use(
      createCredentialStore((name) => name === "HOME" ? dir : undefined),
    );
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

const loginDeps = (store: CredentialStore) => ({
  store,
  configDirs: [],
  userAgent: "coracle/test",
  timing: QUICK,
});

Deno.test({
  name: "login() keeps a password that the registry takes, logout() forgets it",
  ignore: !hasRegistry(),
}, async () => {
  const account = { username: "ann", password: "s3cret" };
  await using registry = await startRegistry({ account });
  await withStore(async (store) => {
    const server = `http://${registry.host}/v2/`;
    const wrong = await rejection(
      login(ctx, loginDeps(store), { server, ...account, password: "nope" }),
    );
    assertEquals(wrong.code, "unauthenticated");
    assertStringIncludes(wrong.message, `as "ann"`);
    assert(!wrong.message.includes("nope"));
    assertEquals(await store.get(ctx, registry.host), undefined);

    const result = await login(ctx, loginDeps(store), { server, ...account });
    assertEquals([result.server, result.checked], [registry.host, "password"]);
    assertEquals(await store.get(ctx, registry.host), ANN);
    using resolver = quickResolver({ credentials: store });
    const missing = await rejection(resolver.resolve(ctx, app(registry)));
    assertEquals(missing.code, "notFound", "let in, but nothing there");

    const out = await logout(ctx, store, registry.host);
    assertEquals(out.removedFrom, result.storedIn);
    assertEquals(await store.get(ctx, registry.host), undefined);
  });
});

Deno.test("login() keeps the identity token where there is one", async () => {
  const tokens = tokenServer({ refresh_token: "long-lived" });
  await using registry = startLyingRegistry(tokens.lie);
  await withStore(async (store) => {
    const result = await login(ctx, loginDeps(store), {
      server: registry.host,
      username: "ann",
      password: "s3cret",
    });
    assertEquals(result.checked, "password");
    const kept = await store.get(ctx, registry.host);
    assertEquals(kept, { kind: "identity", token: "long-lived" });
  });
});

Deno.test("login() says so when the registry asks nobody", async () => {
  await using registry = startLyingRegistry();
  await withStore(async (store) => {
    const result = await login(ctx, loginDeps(store), {
      server: registry.host,
      username: "ann",
      password: "s3cret",
    });
    assertEquals(result.checked, "none");
  });
});

Deno.test("login() refuses what is no registry", async () => {
  await withStore(async (store) => {
    for (const server of ["a b", "h.io/team/app", "h:x"]) {
      const error = await rejection(
        login(ctx, loginDeps(store), {
          server,
          username: "ann",
          password: "s3cret",
        }),
      );
      assertEquals(error.code, "invalidArgument", server);
    }
  });
});
