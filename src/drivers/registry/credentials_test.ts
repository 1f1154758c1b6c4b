import { assertEquals, assertRejects } from "@std/assert";
import { background } from "../../base/context.ts";
import { EngineError } from "../../base/errors.ts";
import { createCredentialStore } from "./credentials.ts";

const ctx = background();
const ANN = { kind: "password", username: "ann", password: "a:b" } as const;

interface Home {
  readonly dir: string;
  readonly config: string;
  write(config: unknown): Promise<void>;
  read(): Promise<Record<string, unknown>>;
  store(): ReturnType<typeof createCredentialStore>;
}

async function withHome(use: (home: Home) => Promise<void>): Promise<void> {
  const dir = await Deno.makeTempDir();
  const config = `${dir}/.docker/config.json`;
  try {
    await use({
      dir,
      config,
      write: async (value) => {
        await Deno.mkdir(`${dir}/.docker`, { recursive: true });
        await Deno.writeTextFile(config, JSON.stringify(value));
      },
      read: async () => JSON.parse(await Deno.readTextFile(config)),
      store: () =>
        createCredentialStore((name) =>
          name === "HOME"
            ? dir
            : name === "PATH"
            ? `${dir}:/usr/bin:/bin`
            : undefined
        ),
    });
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

/** A helper that keeps everything in one file, as a test can read it. */
const HELPER = `#!/bin/sh
file="$(dirname "$0")/kept"
case "$1" in
store) cat >"$file" ;;
erase) rm -f "$file" ;;
get) read -r server
  if [ -e "$file" ] && grep -q "\\"$server\\"" "$file"; then cat "$file"
  else echo "credentials not found in native keychain"; exit 1; fi ;;
esac
`;

async function writeHelper(dir: string, script = HELPER): Promise<void> {
  await Deno.writeTextFile(`${dir}/docker-credential-test`, script);
  await Deno.chmod(`${dir}/docker-credential-test`, 0o755);
}

Deno.test("CredentialStore.set() keeps what else is in the file, for its owner only", async () => {
  await withHome(async (home) => {
    await home.write({ psFormat: "x", auths: { "quay.io": { auth: "eDp5" } } });
    const where = await home.store().set(ctx, "h.io:5000", ANN);
    assertEquals(where, home.config);
    assertEquals(await home.read(), {
      psFormat: "x",
      auths: {
        "quay.io": { auth: "eDp5" },
        "h.io:5000": { auth: btoa("ann:a:b") },
      },
    });
    assertEquals((await Deno.stat(home.config)).mode ?? 0, 0o100600);
    assertEquals(await home.store().get(ctx, "h.io:5000"), ANN);
  });
});

Deno.test("CredentialStore.set() makes the directory, and writes through a link", async () => {
  await withHome(async (home) => {
    await home.store().set(ctx, "a", ANN);
    const mode = (await Deno.stat(`${home.dir}/.docker`)).mode ?? 0;
    assertEquals(mode & 0o777, 0o700);
    const real = `${home.dir}/real.json`;
    await Deno.rename(home.config, real);
    await Deno.symlink(real, home.config);
    await home.store().set(ctx, "b", ANN);
    assertEquals((await Deno.lstat(home.config)).isSymlink, true);
    assertEquals(await home.store().get(ctx, "b"), ANN);
  });
});

Deno.test("CredentialStore.get() knows Docker Hub by all of its names", async () => {
  await withHome(async (home) => {
    await home.store().set(ctx, "docker.io", ANN);
    const { auths } = await home.read();
    assertEquals(Object.keys(auths as object), ["https://index.docker.io/v1/"]);
    for (const name of ["docker.io", "registry-1.docker.io"]) {
      assertEquals(await home.store().get(ctx, name), ANN);
    }
    assertEquals(await home.store().get(ctx, "docker.io.evil"), undefined);
  });
});

Deno.test("CredentialStore.get() reads keys as older clients wrote them", async () => {
  await withHome(async (home) => {
    const auth = btoa("ann:a:b");
    await home.write({
      auths: {
        "https://h.io/v2/": { auth },
        "http://i.io": { auth },
        "j.io": { identitytoken: "t" },
        "k.io": { auth: "%" },
        "l.io": {},
      },
    });
    const store = home.store();
    assertEquals(await store.get(ctx, "h.io"), ANN);
    assertEquals(await store.get(ctx, "i.io"), ANN);
    assertEquals(await store.get(ctx, "j.io"), {
      kind: "identity",
      token: "t",
    });
    assertEquals(await store.get(ctx, "k.io"), undefined);
    assertEquals(await store.get(ctx, "l.io"), undefined);
  });
});

Deno.test("CredentialStore.get() falls back to Podman's file", async () => {
  await withHome(async (home) => {
    const auth = btoa("ann:a:b");
    await Deno.mkdir(`${home.dir}/.config/containers`, { recursive: true });
    await Deno.writeTextFile(
      `${home.dir}/.config/containers/auth.json`,
      JSON.stringify({ auths: { "p.io": { auth } } }),
    );
    assertEquals(await home.store().get(ctx, "p.io"), ANN);
  });
});

Deno.test("CredentialStore.get() shows nothing of a file that is no JSON", async () => {
  await withHome(async (home) => {
    await home.write({});
    await Deno.writeTextFile(home.config, `{"auths": secret`);
    const error = await assertRejects(
      () => home.store().get(ctx, "h"),
      EngineError,
      "not JSON",
    );
    assertEquals(error.message.includes("secret"), false);
  });
});

Deno.test("CredentialStore.delete() removes the entry and says where", async () => {
  await withHome(async (home) => {
    const store = home.store();
    assertEquals(await store.delete(ctx, "a"), undefined);
    await store.set(ctx, "a", ANN);
    await store.set(ctx, "b", { kind: "identity", token: "t" });
    assertEquals(await store.delete(ctx, "a"), home.config);
    assertEquals(await store.delete(ctx, "a"), undefined);
    assertEquals(await store.get(ctx, "a"), undefined);
    assertEquals(await store.get(ctx, "b"), { kind: "identity", token: "t" });
  });
});

for (
  const [kind, config] of [
    ["credsStore", { credsStore: "test" }],
    ["credHelpers", { credHelpers: { "h.io": "test" } }],
  ] as const
) {
  Deno.test(`CredentialStore keeps secrets in the helper that ${kind} names`, async () => {
    await withHome(async (home) => {
      await home.write(config);
      await writeHelper(home.dir);
      const store = home.store();
      assertEquals(await store.get(ctx, "h.io"), undefined);
      assertEquals(
        await store.set(ctx, "h.io", ANN),
        "docker-credential-test",
      );
      assertEquals(await store.get(ctx, "h.io"), ANN);
      assertEquals(await home.read(), config, "nothing in the file");
      assertEquals(
        await store.delete(ctx, "h.io"),
        "docker-credential-test",
      );
      assertEquals(await store.get(ctx, "h.io"), undefined);
    });
  });
}

Deno.test("CredentialStore repeats what a helper complains of", async () => {
  await withHome(async (home) => {
    const script = "#!/bin/sh\necho the vault is locked >&2\nexit 3\n";
    await writeHelper(home.dir, script);
    await home.write({ credsStore: "test" });
    await assertRejects(
      () => home.store().set(ctx, "h.io", ANN),
      EngineError,
      "the vault is locked",
    );
  });
});

Deno.test("CredentialStore goes on without a helper that is missing, but does not store", async () => {
  await withHome(async (home) => {
    await home.write({
      credsStore: "coracle-no-such",
      auths: { "h.io": { auth: btoa("ann:a:b") } },
    });
    assertEquals(await home.store().get(ctx, "h.io"), ANN);
    await assertRejects(
      () => home.store().set(ctx, "h.io", ANN),
      EngineError,
      `there is no "docker-credential-coracle-no-such" on PATH`,
    );
    await home.write({ credsStore: "../evil" });
    await assertRejects(
      () => home.store().set(ctx, "h.io", ANN),
      EngineError,
      "not a name",
    );
  });
});
