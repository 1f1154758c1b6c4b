/** The image of the pull bench: eight layers made of Debian packages. */

const CACHE = new URL("../../.work/bench-image/", import.meta.url).pathname;

/** What each layer above the minimal system is made of. */
const PACKAGES: readonly (readonly string[])[] = [
  [
    "python3.11",
    "python3.11-minimal",
    "libpython3.11-stdlib",
    "libpython3.11-minimal",
  ],
  ["git", "git-man"],
  ["gcc-12", "cpp-12"],
  ["python3.11-doc", "manpages", "manpages-dev", "perl-doc"],
  ["libboost1.74-dev"],
  ["vim-runtime", "libicu72", "linux-libc-dev", "libc6-dev"],
  ["python3-numpy", "python3-pip", "python3-django"],
];

export interface BenchLayer {
  /** Compressed with gzip. */
  readonly path: string;
  readonly diffId: string;
  readonly digest: string;
  readonly size: number;
}

/** Makes the layers, or finds them from last time. */
export async function benchLayers(
  say: (line: string) => void,
): Promise<readonly BenchLayer[]> {
  await Deno.mkdir(CACHE, { recursive: true });
  const layers: BenchLayer[] = [];
  for (let index = 0; index <= PACKAGES.length; index++) {
    layers.push(await cachedLayer(index, say));
  }
  return layers;
}

async function cachedLayer(
  index: number,
  say: (line: string) => void,
): Promise<BenchLayer> {
  const record = `${CACHE}${index}.json`;
  try {
    return JSON.parse(await Deno.readTextFile(record));
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  say(`making layer ${index + 1} of ${PACKAGES.length + 1}`);
  const layer = await makeLayer(index);
  await Deno.writeTextFile(record, JSON.stringify(layer));
  return layer;
}

async function makeLayer(index: number): Promise<BenchLayer> {
  const work = await Deno.makeTempDir({ dir: CACHE });
  try {
    const tree = `${work}/tree`;
    const packages = PACKAGES[index - 1];
    if (packages === undefined) {
      await run(work, "debootstrap", "--variant=minbase", "stable", tree);
      await run(work, "sh", "-c", `rm -rf ${tree}/var/cache/apt/*`);
    } else {
      await Deno.mkdir(tree);
      await run(work, "apt-get", "download", ...packages);
      await run(
        work,
        "sh",
        "-c",
        `for d in *.deb; do dpkg-deb -x $d tree; done`,
      );
    }
    const tar = `${work}/layer.tar`;
    await run(tree, "tar", "--numeric-owner", "--sort=name", "-cf", tar, ".");
    const diffId = await sha256(tar);
    await run(work, "gzip", "-6", "-n", tar);
    const path = `${CACHE}${index}.tar.gz`;
    await Deno.rename(`${tar}.gz`, path);
    const { size } = await Deno.stat(path);
    return { path, diffId, digest: await sha256(path), size };
  } finally {
    await Deno.remove(work, { recursive: true });
  }
}

async function sha256(path: string): Promise<string> {
  const output = await run(".", "sha256sum", path);
  return `sha256:${output.slice(0, 64)}`;
}

export async function run(
  cwd: string,
  command: string,
  ...args: readonly string[]
): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(command, {
    args: [...args],
    cwd,
    stdin: "null",
  }).output();
  if (!success) {
    throw new Error(`Cannot run "${command}": ${decode(stderr).slice(-2000)}`);
  }
  return decode(stdout);
}

const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

/** Puts the image into a registry under `name`. */
export async function uploadBenchImage(
  layers: readonly BenchLayer[],
  host: string,
  name: string,
): Promise<void> {
  const base = `http://${host}/v2/${name}`;
  for (const { path, digest } of layers) {
    await putBlob(base, await Deno.readFile(path), digest);
  }
  const config = json({
    os: "linux",
    architecture: Deno.build.arch === "aarch64" ? "arm64" : "amd64",
    config: { Cmd: ["/bin/sh"] },
    rootfs: { type: "layers", diff_ids: layers.map(({ diffId }) => diffId) },
  });
  const digest = await digestOf(config);
  await putBlob(base, config, digest);
  const mediaType = "application/vnd.docker.distribution.manifest.v2+json";
  const manifest = json({
    schemaVersion: 2,
    mediaType,
    config: {
      mediaType: "application/vnd.docker.container.image.v1+json",
      digest,
      size: config.length,
    },
    layers: layers.map(({ digest, size }) => ({
      mediaType: "application/vnd.docker.image.rootfs.diff.tar.gzip",
      digest,
      size,
    })),
  });
  await put(`${base}/manifests/latest`, manifest, mediaType);
}

async function putBlob(
  base: string,
  bytes: Uint8Array<ArrayBuffer>,
  digest: string,
): Promise<void> {
  const begun = await fetch(`${base}/blobs/uploads/`, { method: "POST" });
  await begun.body?.cancel();
  const place = new URL(begun.headers.get("location") ?? "", base);
  place.searchParams.set("digest", digest);
  await put(place.href, bytes, "application/octet-stream");
}

async function put(
  url: string,
  body: Uint8Array<ArrayBuffer>,
  type: string,
): Promise<void> {
  const headers = { "content-type": type };
  const response = await fetch(url, { method: "PUT", body, headers });
  await response.body?.cancel();
  if (response.status !== 201) {
    throw new Error(`The registry answers ${response.status}`);
  }
}

function json(value: unknown): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(JSON.stringify(value));
}

async function digestOf(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const hash = await crypto.subtle.digest("SHA-256", bytes);
  return `sha256:${new Uint8Array(hash).toHex()}`;
}
