import { assertEquals, assertStringIncludes } from "@std/assert";
import { plainAnswer, serveHttp } from "./http.ts";

async function* numbers() {
  for (let number = 0; number < 3; number++) {
    yield await Promise.resolve(new TextEncoder().encode(`${number}\n`));
  }
}

function rig() {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const failures: unknown[] = [];
  const server = serveHttp({
    listener,
    onFailure: (error) => failures.push(error),
    handle: ({ url }) => {
      if (url.pathname === "/fail") throw new Error("broken");
      if (url.pathname === "/wait") return new Promise(() => {});
      if (url.pathname === "/pieces") {
        return Promise.resolve({ ...plainAnswer(200, ""), body: numbers() });
      }
      return Promise.resolve(plainAnswer(200, `${url.pathname}${url.search}`));
    },
  });
  const { port } = listener.addr;
  /** Sends bytes, reads until the server closes. */
  const raw = async (text: string) => {
    using connection = await Deno.connect({ hostname: "127.0.0.1", port });
    await connection.write(new TextEncoder().encode(text));
    return await new Response(connection.readable).text().catch(() => "");
  };
  return { port, failures, server, raw };
}

Deno.test("serveHttp() answers browsers, one question a connection", async () => {
  const { port, server } = rig();
  await using _server = server;
  const get = async (path: string, init?: RequestInit) => {
    const answer = await fetch(`http://127.0.0.1:${port}${path}`, init);
    return [answer.status, await answer.text()] as const;
  };
  assertEquals(await get("/v1/metrics?a=b"), [200, "/v1/metrics?a=b\n"]);
  assertEquals(await get("/pieces"), [200, "0\n1\n2\n"]);
  assertEquals(await get("/x", { method: "HEAD" }), [200, ""]);
  assertEquals((await get("/x", { method: "POST", body: "1" }))[0], 405);
});

Deno.test("serveHttp() says that it failed, not why", async () => {
  const { port, failures, server } = rig();
  await using _server = server;
  const answer = await fetch(`http://127.0.0.1:${port}/fail`);
  assertEquals(answer.status, 500);
  assertEquals((await answer.text()).includes("broken"), false);
  assertEquals(failures.map(String), ["Error: broken"]);
});

Deno.test("serveHttp() goes on after callers that speak nonsense or leave", async () => {
  const { port, server, raw } = rig();
  await using _server = server;
  assertStringIncludes(await raw("HELO there\r\n\r\n"), "400 Bad Request");
  await raw("x".repeat(20_000)).catch(() => {});
  (await Deno.connect({ hostname: "127.0.0.1", port })).close();
  // Its letters come one by one.
  const connection = await Deno.connect({ hostname: "127.0.0.1", port });
  for (const letter of "GET /slow HTTP/1.0\r\n\r\n") {
    await connection.write(new TextEncoder().encode(letter));
  }
  const text = await new Response(connection.readable).text();
  assertStringIncludes(text, "\r\n\r\n/slow\n");
});

Deno.test("serveHttp() hangs up on everybody when it is disposed", async () => {
  const { server, raw } = rig();
  const waiting = raw("GET /wait HTTP/1.1\r\n\r\n");
  const silent = raw("GET /");
  await new Promise((resolve) => setTimeout(resolve, 50));
  await server[Symbol.asyncDispose]();
  await Promise.all([waiting, silent]);
});
