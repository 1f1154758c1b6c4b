/** Against Debian's docker-registry. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { parseReference } from "../src/base/reference.ts";
import { fixedCredential } from "../src/drivers/registry/credentials.ts";
import type { RegistryResolver } from "../src/drivers/registry/resolver.ts";
import type { Descriptor } from "../src/oci/image_spec.ts";
import { MEDIA_TYPE } from "../src/oci/media_types.ts";
import {
  ctx,
  noise,
  quickResolver,
  readAll,
  rejection,
  sourceOf,
  text,
} from "./registry_support.ts";
import { sha256 } from "./support/lying_registry.ts";
import { hasRegistry, startRegistry } from "./support/registry.ts";

const ACCOUNT = { username: "ann", password: "s3cret:with:colons" };
const ignore = !hasRegistry();

async function describe(
  bytes: Uint8Array<ArrayBuffer>,
  mediaType: string = MEDIA_TYPE.ociLayer,
): Promise<Descriptor> {
  return { mediaType, digest: await sha256(bytes), size: bytes.length };
}

/** Pushes a whole small image and pulls it again. */
async function roundTrip(resolver: RegistryResolver, name: string) {
  const reference = parseReference(name);
  const pusher = resolver.pusher(reference);
  const layer = noise(6 * 1024 * 1024);
  const config = text({
    os: "linux",
    rootfs: { type: "layers", diff_ids: [] },
  });
  const blobs = [
    { bytes: config, descriptor: await describe(config, MEDIA_TYPE.ociConfig) },
    { bytes: layer, descriptor: await describe(layer) },
  ];
  const manifest = text({
    schemaVersion: 2,
    mediaType: MEDIA_TYPE.ociManifest,
    config: blobs[0]?.descriptor,
    layers: [blobs[1]?.descriptor],
  });
  const top = await describe(manifest, MEDIA_TYPE.ociManifest);
  const outcomes = [];
  for (let turn = 0; turn < 2; turn++) {
    for (const { bytes, descriptor } of blobs) {
      const result = await pusher.pushBlob(ctx, descriptor, sourceOf(bytes));
      outcomes.push(result.kind);
    }
    const result = await pusher
      .pushManifest(ctx, top, manifest, reference.tag ?? "v1");
    outcomes.push(result.kind);
  }
  assertEquals(outcomes, [
    "pushed",
    "pushed",
    "pushed",
    "exists",
    "exists",
    "exists",
  ]);
  assertEquals(await resolver.resolve(ctx, reference), top);
  const fetcher = resolver.fetcher(reference);
  for (const { bytes, descriptor } of blobs) {
    const stream = await fetcher.fetch(ctx, descriptor);
    assertEquals(await readAll(stream), bytes);
  }
  const half = await fetcher.fetch(ctx, await describe(layer), {
    offset: 1_234_567,
  });
  assertEquals(await readAll(half), layer.slice(1_234_567));
  assertEquals(await readAll(await fetcher.fetch(ctx, top)), manifest);
  return { layer, reference };
}

Deno.test({
  name: "a registry without accounts takes and gives an image",
  ignore,
}, async () => {
  await using registry = await startRegistry();
  using resolver = quickResolver();
  const { layer } = await roundTrip(resolver, `${registry.host}/team/app:v1`);

  const other = resolver.pusher(parseReference(`${registry.host}/team/other`));
  const descriptor = await describe(layer);
  const mounted = await other.pushBlob(ctx, descriptor, {
    open: () => Promise.reject(new Error("must not be read")),
    mountFrom: ["team/nothing", "team/app"],
  });
  assertEquals(mounted, { kind: "mounted", from: "team/app" });

  const missing = await rejection(
    resolver.resolve(ctx, parseReference(`${registry.host}/team/app:v2`)),
  );
  assertEquals(missing.code, "notFound");
});

Deno.test({
  name: "a registry with accounts lets in who knows the password",
  ignore,
}, async () => {
  await using registry = await startRegistry({ account: ACCOUNT });
  const name = `${registry.host}/team/app:v1`;
  {
    using resolver = quickResolver({
      credentials: fixedCredential({ kind: "password", ...ACCOUNT }),
    });
    await roundTrip(resolver, name);
  }
  using stranger = quickResolver();
  const unknown = await rejection(stranger.resolve(ctx, parseReference(name)));
  assertEquals(unknown.code, "unauthenticated");
  assertEquals(unknown.hint, `Log in with coracle login ${registry.host}`);
  using liar = quickResolver({
    credentials: fixedCredential({
      kind: "password",
      username: "ann",
      password: "wr0ng",
    }),
  });
  const wrong = await rejection(liar.resolve(ctx, parseReference(name)));
  assertEquals(wrong.code, "unauthenticated");
  assert(!wrong.message.includes("wr0ng"), "no password in a message");
});

Deno.test({
  name: "a registry with TLS is trusted by hosts.toml, ca.crt or not at all",
  ignore,
}, async () => {
  await using registry = await startRegistry({ tls: "own authority" });
  const name = `${registry.host}/team/app:v1`;
  const reference = parseReference(name);
  {
    using resolver = quickResolver();
    const error = await rejection(resolver.resolve(ctx, reference));
    assertEquals(error.code, "unavailable");
    assertStringIncludes(
      error.message,
      `https://${registry.host}/v2 (built-in default): its certificate is not trusted`,
    );
    assertStringIncludes(error.hint ?? "", "--insecure");
  }
  {
    using resolver = quickResolver({ trust: "plainHttp" });
    const error = await rejection(resolver.resolve(ctx, reference));
    assertEquals(error.hint, "Leave --plain-http out");
  }
  const dir = await Deno.makeTempDir();
  try {
    const host = `${dir}/127.0.0.1_${registry.port}_`;
    await Deno.mkdir(host);
    await Deno.copyFile(registry.ca ?? "", `${host}/ca.crt`);
    {
      // As docker keeps it: certificates only.
      using resolver = quickResolver({ configDirs: [dir] });
      await roundTrip(resolver, name);
    }
    await Deno.writeTextFile(
      `${host}/hosts.toml`,
      `server = "https://${registry.host}"\nca = "ca.crt"\n`,
    );
    {
      using resolver = quickResolver({ configDirs: [dir] });
      await resolver.resolve(ctx, reference);
    }
    await Deno.writeTextFile(
      `${host}/hosts.toml`,
      `server = "https://${registry.host}"\nskip_verify = true\n`,
    );
    using unverified = quickResolver({ configDirs: [dir] });
    await roundTrip(unverified, `${registry.host}/team/unverified:v1`);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
  using insecure = quickResolver({ trust: "skipVerify" });
  await insecure.resolve(ctx, reference);
});

Deno.test({
  name: "a registry is trusted if this machine trusts its authority",
  ignore,
}, async () => {
  await using registry = await startRegistry({ tls: "own authority" });
  const reference = parseReference(`${registry.host}/team/app:v1`);
  const name = "SSL_CERT_FILE";
  const before = Deno.env.get(name);
  const dir = await Deno.makeTempDir();
  const resolve = async (file: string) => {
    Deno.env.set(name, file);
    using resolver = quickResolver();
    return await resolver.resolve(ctx, reference);
  };
  try {
    // Its registry is asked, and has nothing of that name.
    const missing = await rejection(resolve(registry.ca ?? ""));
    assertEquals(missing.code, "notFound", missing.message);
    const unread = await rejection(resolve(`${dir}/none.pem`));
    assertStringIncludes(unread.message, "SSL_CERT_FILE");
    const broken = `${dir}/broken.pem`;
    const pem = await Deno.readTextFile(registry.ca ?? "");
    await Deno.writeTextFile(broken, pem.replace("\nMII", "\nM!!"));
    const unusable = await rejection(resolve(broken));
    assertEquals(unusable.code, "invalidArgument");
    assertStringIncludes(
      unusable.message,
      `Cannot use a certificate of "${broken}"`,
    );
  } finally {
    if (before === undefined) Deno.env.delete(name);
    else Deno.env.set(name, before);
    await Deno.remove(dir, { recursive: true });
  }
});

Deno.test({
  name: "a registry that wants to know its clients is said to want it",
  ignore,
}, async () => {
  const clients = "those of its authority";
  await using registry = await startRegistry({ tls: "own authority", clients });
  const dir = await Deno.makeTempDir();
  try {
    const host = `${dir}/127.0.0.1:${registry.port}`;
    await Deno.mkdir(host);
    await Deno.copyFile(registry.ca ?? "", `${host}/ca.crt`);
    const reference = parseReference(`${registry.host}/team/app:v1`);
    using resolver = quickResolver({ configDirs: [dir] });
    const error = await rejection(resolver.resolve(ctx, reference));
    assertStringIncludes(error.message, "it refuses our certificate");
    assertStringIncludes(error.hint ?? "", `${host}/client.cert`);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});

Deno.test({
  name: "a registry without TLS is found by --insecure and --plain-http",
  ignore,
}, async () => {
  await using registry = await startRegistry();
  for (const trust of ["skipVerify", "plainHttp"] as const) {
    using resolver = quickResolver({ trust });
    await roundTrip(
      resolver,
      `${registry.host}/team/${trust.toLowerCase()}:v1`,
    );
  }
});

Deno.test({ name: "a tag can be pushed over", ignore }, async () => {
  await using registry = await startRegistry();
  using resolver = quickResolver();
  const reference = parseReference(`${registry.host}/team/app:v1`);
  const pusher = resolver.pusher(reference);
  for (const note of ["one", "two"]) {
    const index = text({
      schemaVersion: 2,
      mediaType: MEDIA_TYPE.ociIndex,
      manifests: [],
      annotations: { note },
    });
    const top = await describe(index, MEDIA_TYPE.ociIndex);
    await pusher.pushManifest(ctx, top, index, "v1");
    assertEquals(await resolver.resolve(ctx, reference), top);
  }
});
