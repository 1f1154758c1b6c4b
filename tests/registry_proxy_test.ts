/** Registries through the proxies that the environment names. */

import { assertEquals, assertStringIncludes } from "@std/assert";
import { openTestStore, type TestStore } from "./support/coracle.ts";
import { hasRegistry, startRegistry } from "./support/registry.ts";

const ignore = Deno.uid() !== 0 || !hasRegistry();

/** Nothing listens there. */
const NOBODY = "http://127.0.0.1:9";

interface Proxy extends AsyncDisposable {
  readonly host: string;
  /** Heads of the requests so far. */
  readonly heads: readonly string[];
}

/** Takes every CONNECT, and connects it with the one port, whatever it names. */
function startProxy(port: number): Proxy {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const heads: string[] = [];
  const serve = async () => {
    for await (const connection of listener) {
      tunnel(connection, port, heads).catch(() => {});
    }
  };
  const served = serve().catch(() => {});
  return {
    host: `127.0.0.1:${listener.addr.port}`,
    heads,
    [Symbol.asyncDispose]: async () => {
      listener.close();
      await served;
    },
  };
}

async function tunnel(
  client: Deno.TcpConn,
  port: number,
  heads: string[],
): Promise<void> {
  const buffer = new Uint8Array(4096);
  const length = await client.read(buffer) ?? 0;
  heads.push(new TextDecoder().decode(buffer.subarray(0, length)));
  await client.write(new TextEncoder().encode("HTTP/1.1 200 Go\r\n\r\n"));
  const registry = await Deno.connect({ hostname: "127.0.0.1", port });
  await Promise.allSettled([
    client.readable.pipeTo(registry.writable),
    registry.readable.pipeTo(client.writable),
  ]);
}

async function importImage(store: TestStore, name: string): Promise<void> {
  await Deno.mkdir(`${store.dir}/rootfs`);
  await Deno.writeTextFile(`${store.dir}/rootfs/motd`, "hello\n");
  await store.ok("import", `${store.dir}/rootfs`, name);
}

Deno.test({
  name: "a registry on this machine is not asked for through a proxy",
  ignore,
  fn: async () => {
    await using registry = await startRegistry();
    await using store = await openTestStore();
    const name = `${registry.host}/team/base:1`;
    await importImage(store, name);
    const env = { HTTP_PROXY: NOBODY, http_proxy: NOBODY, ALL_PROXY: NOBODY };
    const pushed = await store.call(["push", name], { env });
    assertEquals(pushed.code, 0, pushed.stderr);
    const pulled = await store.call(["pull", name], { env });
    assertEquals(pulled.code, 0, pulled.stderr);
  },
});

Deno.test({
  name: "a certificate that is not verified is taken through a proxy, too",
  ignore,
  fn: async () => {
    await using registry = await startRegistry({ tls: "own authority" });
    await using proxy = startProxy(registry.port);
    await using store = await openTestStore();
    const name = "reg.test/team/base:1";
    await importImage(store, name);
    const env = {
      HTTPS_PROXY: `http://me:pass%40word@${proxy.host}`,
      // The built program says so itself.
      DENO_NO_UPDATE_CHECK: "1",
    };
    const pushed = await store.call(["push", "--insecure", name], { env });
    assertEquals(pushed.code, 0, pushed.stderr);
    const pulled = await store.call(["pull", "--insecure", name], { env });
    assertEquals(pulled.code, 0, pulled.stderr);
    for (const head of proxy.heads) {
      assertStringIncludes(head, "CONNECT reg.test:443 HTTP/1.1\r\n");
      // me:pass@word
      assertStringIncludes(head.toLowerCase(), "proxy-authorization: basic ");
      assertStringIncludes(head, "bWU6cGFzc0B3b3Jk");
    }
    assertEquals(proxy.heads.length > 0, true);
  },
});

Deno.test({
  name: "a failure names the proxy that the request went through",
  ignore,
  fn: async () => {
    await using store = await openTestStore();
    const env = { HTTPS_PROXY: "http://me:secret@127.0.0.1:9" };
    for (const flag of ["--quiet", "--insecure"]) {
      const { stderr } = await store.call(["pull", flag, "reg.test/a"], {
        env,
      });
      assertStringIncludes(stderr, "through the proxy http://127.0.0.1:9\n");
      assertEquals(stderr.includes("secret"), false);
    }
  },
});
