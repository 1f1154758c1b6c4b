/** Debian's docker-registry on a free loopback port, for one test. */

export const REGISTRY_BINARY = "/usr/bin/docker-registry";

export interface RegistryOptions {
  /** Name and password that it asks for; anybody may do anything without. */
  readonly account?: { readonly username: string; readonly password: string };
  /** Serves https with a certificate of an authority of its own. */
  readonly tls?: "own authority";
  /** With TLS: whom it lets in. Default: everybody. */
  readonly clients?: "those of its authority";
}

export interface TestRegistry extends AsyncDisposable {
  /** `127.0.0.1:PORT` */
  readonly host: string;
  readonly port: number;
  /** Root of the API. */
  readonly url: string;
  /** Path of the authority's certificate; absent without TLS. */
  readonly ca?: string;
  /** Directory of everything that it stores. */
  readonly storage: string;
  /** What it has said so far. */
  log(): Promise<string>;
}

export function hasRegistry(): boolean {
  try {
    return Deno.statSync(REGISTRY_BINARY).isFile;
  } catch {
    return false;
  }
}

export async function startRegistry(
  options: RegistryOptions = {},
): Promise<TestRegistry> {
  const dir = await Deno.makeTempDir({ prefix: "coracle-registry-" });
  try {
    if (options.tls !== undefined) await makeCertificates(dir);
    if (options.account !== undefined) await makeAccount(dir, options.account);
    return await startIn(dir, options);
  } catch (error) {
    await Deno.remove(dir, { recursive: true });
    throw error;
  }
}

async function startIn(
  dir: string,
  options: RegistryOptions,
): Promise<TestRegistry> {
  const port = freePort();
  const storage = `${dir}/storage`;
  await Deno.writeTextFile(`${dir}/config.yml`, config(dir, port, options));
  // Its output goes to a file: a pipe that nobody reads would block it.
  const child = new Deno.Command("/bin/sh", {
    args: [
      "-c",
      `exec ${REGISTRY_BINARY} serve ${dir}/config.yml >${dir}/log 2>&1`,
    ],
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
  const scheme = options.tls === undefined ? "http" : "https";
  const registry: TestRegistry = {
    host: `127.0.0.1:${port}`,
    port,
    url: `${scheme}://127.0.0.1:${port}/v2/`,
    storage,
    ...(options.tls === undefined ? {} : { ca: `${dir}/ca.crt` }),
    log: () => Deno.readTextFile(`${dir}/log`),
    [Symbol.asyncDispose]: async () => {
      child.kill("SIGKILL");
      await child.status;
      await Deno.remove(dir, { recursive: true });
    },
  };
  try {
    await accepting(registry);
  } catch (error) {
    child.kill("SIGKILL");
    await child.status;
    throw error;
  }
  return registry;
}

function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

function config(dir: string, port: number, options: RegistryOptions): string {
  const lines = [
    "version: 0.1",
    "log: { level: info }",
    "storage:",
    `  filesystem: { rootdirectory: ${dir}/storage }`,
    "  delete: { enabled: true }",
    "http:",
    `  addr: 127.0.0.1:${port}`,
  ];
  if (options.tls !== undefined) {
    const clients = options.clients === undefined
      ? ""
      : `, clientcas: [${dir}/ca.crt]`;
    const own = `certificate: ${dir}/own.crt, key: ${dir}/own.key`;
    lines.push(`  tls: { ${own}${clients} }`);
  }
  if (options.account !== undefined) {
    lines.push(
      "auth:",
      `  htpasswd: { realm: test, path: ${dir}/htpasswd }`,
    );
  }
  return lines.join("\n") + "\n";
}

async function accepting({ port, log }: TestRegistry): Promise<void> {
  for (let attempt = 0; attempt < 200; attempt++) {
    try {
      (await Deno.connect({ hostname: "127.0.0.1", port })).close();
      return;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
  }
  throw new Error(`The registry does not start:\n${await log()}`);
}

async function makeAccount(
  dir: string,
  { username, password }: { username: string; password: string },
): Promise<void> {
  const line = await run("htpasswd", ["-niB", username], password);
  await Deno.writeTextFile(`${dir}/htpasswd`, line);
}

/** `ca.crt`, and `own.crt` with `own.key` for loopback addresses. */
async function makeCertificates(dir: string): Promise<void> {
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"];
  const plain = ["-nodes", "-days", "2"];
  await run("openssl", [
    ..."req -x509 -subj /CN=coracle-test-authority".split(" "),
    ...key,
    ...plain,
    ...["-keyout", `${dir}/ca.key`, "-out", `${dir}/ca.crt`],
  ]);
  await run("openssl", [
    ..."req -x509 -subj /CN=localhost".split(" "),
    ...key,
    ...plain,
    ...["-keyout", `${dir}/own.key`, "-out", `${dir}/own.crt`],
    ...["-CA", `${dir}/ca.crt`, "-CAkey", `${dir}/ca.key`],
    ...["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"],
    ...["-addext", "basicConstraints=critical,CA:FALSE"],
  ]);
}

async function run(
  command: string,
  args: string[],
  input = "",
): Promise<string> {
  await using child = new Deno.Command(command, {
    args,
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  await new Blob([input]).stream().pipeTo(child.stdin).catch(() => {});
  const { success, stdout, stderr } = await child.output();
  const decoder = new TextDecoder();
  if (success) return decoder.decode(stdout);
  throw new Error(`${command} failed:\n${decoder.decode(stderr)}`);
}
