import type { ReportedPlugin } from "../../app/daemon_client.ts";
import type { Invocation, Output } from "../command.ts";
import { type ListFormat, printList } from "../format/list.ts";

interface PluginRow {
  readonly Type: string;
  readonly ID: string;
  readonly Platforms: string;
  readonly Status: string;
  readonly Requires: string;
  readonly Capabilities: string;
  readonly Error: string;
}

const LIST: ListFormat<PluginRow> = {
  headings: {
    Type: "TYPE",
    ID: "ID",
    Platforms: "PLATFORMS",
    Status: "STATUS",
    Requires: "REQUIRES",
    Capabilities: "CAPABILITIES",
    Error: "ERROR",
  },
  columns: ["Type", "ID", "Platforms", "Status"],
  key: "ID",
};

/** `coracle plugins ls [FILTER...]` */
export async function run(inv: Invocation): Promise<number> {
  const { daemonAddress } = await import("../../app/daemon_address.ts");
  const { askPlugins } = await import("../../app/daemon_client.ts");
  const address = inv.global.address || inv.env("CONTAINERD_ADDRESS") ||
    await daemonAddress(inv.env, inv.global);
  const plugins = await askPlugins(address, inv.args);
  if (inv.flags.boolean("detailed")) {
    for (const plugin of plugins) printDetails(inv.stdout, plugin);
    return 0;
  }
  printList(inv.stdout, plugins.map(toRow), LIST, {
    format: inv.flags.string("format"),
    quiet: inv.flags.boolean("quiet"),
  });
  return 0;
}

function toRow(plugin: ReportedPlugin): PluginRow {
  const { type, id, platforms, status, requires, capabilities } = plugin;
  return {
    Type: type,
    ID: id,
    Platforms: platforms.length === 0 ? "-" : platforms.join(","),
    Status: status,
    Requires: requires.join(","),
    Capabilities: capabilities.join(","),
    Error: plugin.message ?? "",
  };
}

function printDetails(out: Output, plugin: ReportedPlugin): void {
  const { exports, message } = plugin;
  const pairs = Object.entries(exports).map(([name, value]) =>
    `${name}=${value}`
  );
  const fields: readonly (readonly [string, readonly string[]])[] = [
    ["Type", [plugin.type]],
    ["ID", [plugin.id]],
    ["Requires", plugin.requires],
    ["Platforms", plugin.platforms],
    ["Exports", pairs],
    ["Capabilities", plugin.capabilities],
    ["Status", [plugin.status]],
    ["Error", message === undefined ? [] : [message]],
  ];
  for (const [name, values] of fields) {
    const [first, ...rest] = values;
    if (first === undefined) continue;
    out.line(`${`${name}:`.padEnd(15)}${first}`);
    for (const value of rest) out.line(`${" ".repeat(15)}${value}`);
  }
  out.line();
}
