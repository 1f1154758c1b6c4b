import { assertEquals, assertRejects, fail } from "@std/assert";
import { EngineError } from "../../base/errors.ts";
import { defaultHost, findHosts, type RegistryHost } from "./hosts.ts";

const urls = (hosts: readonly RegistryHost[]) =>
  hosts.map(({ base }) => base.href);

async function withDir(
  files: Readonly<Record<string, string>>,
  use: (dir: string) => Promise<void>,
): Promise<void> {
  const dir = await Deno.makeTempDir();
  try {
    for (const [path, text] of Object.entries(files)) {
      const folder = `${dir}/${path.slice(0, path.lastIndexOf("/"))}`;
      await Deno.mkdir(folder, { recursive: true });
      await Deno.writeTextFile(`${dir}/${path}`, text);
    }
    await use(dir);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

for (
  const [domain, trust, base, alternative] of [
    ["docker.io", "verify", "https://registry-1.docker.io/v2", undefined],
    ["quay.io", "verify", "https://quay.io/v2", undefined],
    ["quay.io", "plainHttp", "http://quay.io/v2", undefined],
    ["h:5", "skipVerify", "https://h:5/v2", "http://h:5/v2"],
    [
      "localhost:5000",
      "verify",
      "http://localhost:5000/v2",
      "https://localhost:5000/v2",
    ],
    ["127.1.2.3", "verify", "http://127.1.2.3/v2", "https://127.1.2.3/v2"],
    ["[::1]:5", "verify", "http://[::1]:5/v2", "https://[::1]:5/v2"],
    ["localhost.evil.io", "verify", "https://localhost.evil.io/v2", undefined],
    ["127.0.0.1.nip.io", "verify", "https://127.0.0.1.nip.io/v2", undefined],
  ] as const
) {
  Deno.test(`defaultHost() of ${domain} (${trust}) is ${base}`, () => {
    const host = defaultHost(domain, trust);
    assertEquals(host.base.href, base);
    assertEquals(host.alternative?.href, alternative);
  });
}

const WHOLE = `
server = "https://registry-1.docker.io"

[host."https://mirror.one:8443/proxy"]
  capabilities = ["pull", "resolve"]
  ca = ["one.crt", "/etc/two.crt"]
  client = [["c.cert", "c.key"]]
  dial_timeout = "1.5s"
  [host."https://mirror.one:8443/proxy".header]
    x-one = "1"
    x-many = ["a", "b"]

[host."http://mirror.two/whole/path"]
  override_path = true
  skip_verify = true

[host."mirror.three"]
`;

function find(
  domain: string,
  configDirs: readonly string[],
  warn: (message: string) => void = fail,
): Promise<readonly RegistryHost[]> {
  return findHosts(domain, { configDirs, trust: "verify", warn });
}

Deno.test("findHosts() reads a hosts.toml in its order, the server last", async () => {
  await withDir({ "docker.io/hosts.toml": WHOLE }, async (dir) => {
    const hosts = await find("docker.io", [dir]);
    assertEquals(urls(hosts), [
      "https://mirror.one:8443/proxy/v2",
      "http://mirror.two/whole/path",
      "https://mirror.three/v2",
      "https://registry-1.docker.io/v2",
    ]);
    const [one, two, , server] = hosts;
    assertEquals(one?.capabilities, new Set(["pull", "resolve"]));
    assertEquals(one?.tls, {
      authorities: [`${dir}/docker.io/one.crt`, "/etc/two.crt"],
      certificates: "verify",
      client: {
        certificate: `${dir}/docker.io/c.cert`,
        key: `${dir}/docker.io/c.key`,
      },
    });
    assertEquals(one?.dialTimeoutMs, 1500);
    assertEquals(one?.headers, [["x-one", "1"], ["x-many", "a"], [
      "x-many",
      "b",
    ]]);
    assertEquals(one?.mirrorOf, "docker.io");
    assertEquals(two?.tls.certificates, "skipVerify");
    assertEquals(server?.mirrorOf, undefined);
    assertEquals(server?.source, `${dir}/docker.io/hosts.toml`);
  });
});

Deno.test("findHosts() asks the domain itself when a file names no server", async () => {
  const text = `capabilities = ["push"]\n[host."https://m.io"]\n`;
  await withDir({ "localhost_5000_/hosts.toml": text }, async (dir) => {
    const hosts = await find("localhost:5000", [dir]);
    assertEquals(urls(hosts), [
      "https://m.io/v2",
      "http://localhost:5000/v2",
    ]);
    assertEquals(hosts[1]?.capabilities, new Set(["push"]));
    assertEquals(hosts[1]?.alternative?.href, "https://localhost:5000/v2");
  });
});

Deno.test("findHosts() takes the first directory, and _default for the rest", async () => {
  await withDir({
    "a/quay.io/hosts.toml": `server = "https://first"`,
    "b/quay.io/hosts.toml": `server = "https://second"`,
    "b/_default/hosts.toml": `[host."https://any.mirror"]`,
  }, async (dir) => {
    const dirs = [`${dir}/none`, `${dir}/a`, `${dir}/b`];
    const of = async (domain: string) => urls(await find(domain, dirs));
    assertEquals(await of("quay.io"), ["https://first/v2"]);
    assertEquals(await of("gcr.io"), [
      "https://any.mirror/v2",
      "https://gcr.io/v2",
    ]);
  });
});

Deno.test("findHosts() takes bare certificates as docker does", async () => {
  const files = {
    "h:1/ca.crt": "",
    "h:1/me.cert": "",
    "h:1/me.key": "",
  };
  await withDir(files, async (dir) => {
    const [host] = await find("h:1", [dir]);
    assertEquals(host?.base.href, "https://h:1/v2");
    assertEquals(host?.tls, {
      authorities: [`${dir}/h:1/ca.crt`],
      certificates: "verify",
      client: {
        certificate: `${dir}/h:1/me.cert`,
        key: `${dir}/h:1/me.key`,
      },
    });
  });
});

for (
  const [text, said] of [
    [
      `[host."https://a"]\nca = "x"\n[host."https://b"]\ncapabilities = ["fly"]`,
      `Cannot use ["fly"] for "capabilities" in DIR/hosts.toml line 4`,
    ],
    [`skip_verify = "yes"`, `Cannot use "yes" for "skip_verify"`],
    [`dial_timeout = "soon"`, `Cannot use "soon" for "dial_timeout"`],
    [`server = 5`, `Cannot use 5 for "server"`],
    [`server = "https://"`, `Cannot use "https://" for "server"`],
    [`host = 1`, `Cannot use 1 for "host"`],
    [`header = { a = 1 }`, `Cannot use 1 for "a"`],
    [`client = [[1]]`, `Cannot use 1 for "client"`],
    [`= x`, `Cannot parse "DIR/hosts.toml"`],
  ] as const
) {
  Deno.test(`findHosts() refuses ${JSON.stringify(text.slice(0, 30))}`, async () => {
    await withDir({ "h.io/hosts.toml": text }, async (dir) => {
      const error = await assertRejects(
        () => find("h.io", [dir]),
        EngineError,
        said.replace("DIR", `${dir}/h.io`),
      );
      assertEquals(error.code, "invalidArgument");
    });
  });
}

Deno.test("findHosts() tells of keys that it does not know, and goes on", async () => {
  const text = `servr = "x"\n[host."https://a"]\n\ncapabilites = []`;
  await withDir({ "h.io/hosts.toml": text }, async (dir) => {
    const said: string[] = [];
    const hosts = await find("h.io", [dir], (message) => said.push(message));
    assertEquals(urls(hosts), ["https://a/v2", "https://h.io/v2"]);
    const file = `${dir}/h.io/hosts.toml`;
    assertEquals(said.map((message) => message.split(":")[0]), [
      `Ignored key "servr" in ${file} line 1`,
      `Ignored key "capabilites" in ${file} line 4`,
    ]);
  });
});

Deno.test("findHosts() says which key of a client is missing", async () => {
  await withDir({ "h.io/me.cert": "" }, async (dir) => {
    await assertRejects(
      () => find("h.io", [dir]),
      EngineError,
      "its key is missing",
    );
  });
});
