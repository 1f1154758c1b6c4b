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
  Mounts: [{ Type: "bind", Source: "/s" }, { Type: "volume", Name: "v" }],
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
    ["{{range .Mounts}}<{{.Name}} {{.Source}}>{{end}}", "< /s><v >"],
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

Deno.test("withZeros() has durations for those of a health check", () => {
  const template = "{{.Config.Healthcheck.Interval}} " +
    "{{.Config.Healthcheck.Timeout}} {{.Config.Healthcheck.Retries}} " +
    "{{.Config.Healthcheck.Test}} {{json .Config.Healthcheck}}";
  const checked = (Interval: number) =>
    compileTemplate(template)(
      withZeros({ Config: { Healthcheck: { Interval } } }),
    );
  for (
    const [nanoseconds, text] of [
      [7e9, "7s"],
      [1.5e9, "1.5s"],
      [2e7, "20ms"],
      [1500, "1.5µs"],
      [90e9, "1m30s"],
      [60e9, "1m0s"],
      [3600e9, "1h0m0s"],
      [3661.1e9, "1h1m1.1s"],
    ] as const
  ) {
    assertEquals(
      checked(nanoseconds),
      `${text} 0s 0 [] {"Interval":${nanoseconds}}`,
    );
  }
});
