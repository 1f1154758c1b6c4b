import { assertEquals } from "@std/assert";
import { proxyOf } from "./proxy.ts";

type Environment = Readonly<Record<string, string>>;

const CASES: readonly [string, Environment, string | undefined][] = [
  ["https://r.example/v2", {}, undefined],
  ["https://r.example/v2", { HTTPS_PROXY: "http://p:8" }, "http://p:8/"],
  ["https://r.example/v2", { https_proxy: "p:8" }, "http://p:8/"],
  ["https://r.example/v2", { HTTP_PROXY: "http://p:8" }, undefined],
  ["http://r.example/v2", { http_proxy: "http://p:8" }, "http://p:8/"],
  ["http://r.example/v2", { ALL_PROXY: "socks5://p:8" }, "socks5://p:8"],
  ["https://r.example", { https_proxy: "", ALL_PROXY: "p" }, "http://p/"],
  ["http://localhost:5000/v2", { http_proxy: "http://p:8" }, undefined],
  ["http://127.0.0.2:5000/v2", { http_proxy: "http://p:8" }, undefined],
  ["http://[::1]:5000/v2", { all_proxy: "http://p:8" }, undefined],
];

for (const [url, env, proxy] of CASES) {
  Deno.test(`proxyOf() of ${url} is ${proxy} with ${JSON.stringify(env)}`, () => {
    assertEquals(proxyOf(new URL(url), (name) => env[name])?.href, proxy);
  });
}

const EXCEPTIONS: readonly [string, boolean][] = [
  ["", false],
  ["*", true],
  ["example.com", true],
  [".example.com", true],
  ["*.example.com", true],
  ["other.org, R.example.com", true],
  ["r.example.com:443", true],
  ["r.example.com:5000", false],
  ["ample.com", false],
];

for (const [list, isDirect] of EXCEPTIONS) {
  Deno.test(`proxyOf() heeds NO_PROXY "${list}"`, () => {
    const env: Environment = { HTTPS_PROXY: "http://p:8", NO_PROXY: list };
    const proxy = proxyOf(
      new URL("https://r.example.com/v2"),
      (name) => env[name],
    );
    assertEquals(proxy === undefined, isDirect);
  });
}
