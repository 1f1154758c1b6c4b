/** Real containerd with a store of its own and nothing in it. */

export interface BareContainerd extends AsyncDisposable {
  readonly directory: string;
  readonly address: string;
}

const START_MS = 30_000;
const PAUSE_MS = 50;

/**
 * @param more of its configuration, in TOML
 * @param disabled plugins to leave out, `content.v1.content` for one
 */
export async function openBareContainerd(
  more = "",
  disabled: readonly string[] = [],
): Promise<BareContainerd> {
  const directory = await Deno.makeTempDir({ prefix: "coracle-ctrd-" });
  const address = `${directory}/c.sock`;
  const config = `${configOf(directory, disabled)}${more}`;
  await Deno.writeTextFile(`${directory}/config.toml`, config);
  const process = new Deno.Command("sh", {
    args: [
      "-c",
      `exec /usr/bin/containerd --config "$0/config.toml" >> "$0/log" 2>&1`,
      directory,
    ],
    stdin: "null",
  }).spawn();
  const close = async () => {
    process.kill("SIGTERM");
    await process.status;
    await Deno.remove(directory, { recursive: true });
  };
  for (const until = Date.now() + START_MS; !await serves(address);) {
    if (Date.now() > until) {
      const log = await Deno.readTextFile(`${directory}/log`);
      await close();
      throw new Error(`containerd does not serve:\n${log}`);
    }
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
  return { directory, address, [Symbol.asyncDispose]: close };
}

const UNWANTED = ["grpc.v1.cri", "snapshotter.v1.btrfs", "snapshotter.v1.zfs"];

function configOf(directory: string, more: readonly string[]): string {
  const disabled = [...UNWANTED, ...more]
    .map((name) => `"io.containerd.${name}"`);
  return `version = 2
root = "${directory}/root"
state = "${directory}/state"
disabled_plugins = [${disabled.join(", ")}]
[grpc]
  address = "${directory}/c.sock"
[debug]
  address = "${directory}/debug.sock"
`;
}

async function serves(address: string): Promise<boolean> {
  const { success } = await new Deno.Command("ctr", {
    args: ["-a", address, "version"],
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).output();
  return success;
}
