import { assertEquals } from "@std/assert";
import { withZeros } from "./go_zero.ts";
import { compileTemplate } from "./template.ts";

const CONTAINER = {
  State: { Status: "created" },
  Config: { Cmd: null, Volumes: null, Labels: { a: "b" }, Env: ["A=1"] },
  HostConfig: {
    Binds: null,
    PidsLimit: null,
    LogConfig: { Type: "json-file", Config: {} },
  },
  NetworkSettings: { Networks: { host: { IPAddress: "", Aliases: null } } },
};

const shown = (template: string) =>
  compileTemplate(template)(withZeros(CONTAINER));

// Each as docker 20.10 shows it.
for (
  const [template, text] of [
    ["{{.State.Health}}", "<nil>"],
    ["{{if .State.Health}}yes{{else}}no{{end}}", "no"],
    ["{{with .State.Health}}{{.Status}}{{end}}", ""],
    ["{{not .State.Health}}", "true"],
    ["{{json .State.Health}}", "null"],
    ["{{json .State}}", '{"Status":"created"}'],
    ["{{.HostConfig.Binds}}", "[]"],
    ["{{len .HostConfig.Binds}}", "0"],
    ["{{json .HostConfig.Binds}}", "null"],
    ['{{join .HostConfig.Binds ","}}', ""],
    ["{{range .HostConfig.Binds}}{{.}}{{end}}", ""],
    ["{{.HostConfig.PidsLimit}}", "<nil>"],
    ["{{.HostConfig.Mounts}}", "[]"],
    ["{{json .HostConfig.Mounts}}", "null"],
    ["{{.HostConfig.Tmpfs}}", "map[]"],
    ["{{json .HostConfig.Sysctls}}", "null"],
    ["{{.HostConfig.Init}}", "<nil>"],
    ["{{.HostConfig.LogConfig.Config}}", "map[]"],
    ['{{index .HostConfig.LogConfig.Config "max-size"}}', ""],
    ["{{.Config.Volumes}}", "map[]"],
    ["{{.Config.StopSignal}}", ""],
    ["{{.Config.StopTimeout}}", "<nil>"],
    ["{{.Config.NetworkDisabled}}", "false"],
    ["{{.SizeRw}}", "<nil>"],
    ["{{.Config.Labels.a}}", "b"],
    ["{{.Config.Labels.none}}", "<no value>"],
    ["{{if .Config.Labels.none}}yes{{end}}", ""],
    ['{{index .Config.Labels "none"}}', ""],
    ['{{index .NetworkSettings.Networks "none"}}', "<nil>"],
    [
      "{{json .}}",
      JSON.stringify(CONTAINER),
    ],
  ] as const
) {
  Deno.test(`withZeros() lets ${template} give ${JSON.stringify(text)}`, () => {
    assertEquals(shown(template), text);
  });
}
