/** What containers use, as containerd's cgroup exporter shows it. */

import type { Context } from "../../base/context.ts";
import type { MetricFamily, Sample } from "../../base/metrics.ts";
import type { ContainerStore } from "../../core/container.ts";
import type { NamespaceStore } from "../../core/namespace.ts";
import type { TaskMetrics, TaskService } from "../../core/task_service.ts";
import type { Figure } from "./figures.ts";

export interface TaskMetricsDeps {
  readonly namespaces: Pick<NamespaceStore, "list">;
  readonly containers: Pick<ContainerStore, "get">;
  readonly tasks: Pick<TaskService, "metrics">;
}

/** Of the tasks of all namespaces. */
export async function taskMetrics(
  ctx: Context,
  deps: TaskMetricsDeps,
): Promise<readonly MetricFamily[]> {
  const families = new Map<string, MetricFamily & { samples: Sample[] }>();
  for await (const { name: namespace } of deps.namespaces.list(ctx)) {
    const inside = { ...ctx, namespace };
    for await (const task of deps.tasks.metrics(inside)) {
      const labels = {
        container_id: task.id,
        namespace,
        runtime: await runtimeOf(inside, deps, task.id),
      };
      for (const figure of await figuresOf(task)) {
        const { name: short, help, value } = figure;
        const name = `container_${short}`;
        const family = families.get(name) ??
          { name, help, kind: "gauge", samples: [] };
        families.set(name, family);
        family.samples.push({ labels: { ...figure.labels, ...labels }, value });
      }
    }
  }
  return [...families.values()];
}

/** Loads only what the kernel has. Others' shims may tell other things. */
async function figuresOf({ data }: TaskMetrics): Promise<readonly Figure[]> {
  const { typeUrl, value } = data;
  if (typeUrl.endsWith("io.containerd.cgroups.v2.Metrics")) {
    return (await import("./figures_v2.ts")).figuresOf(value);
  }
  if (typeUrl.endsWith("io.containerd.cgroups.v1.Metrics")) {
    return (await import("./figures_v1.ts")).figuresOf(value);
  }
  return [];
}

async function runtimeOf(
  ctx: Context,
  { containers }: TaskMetricsDeps,
  id: string,
): Promise<string> {
  try {
    return (await containers.get(ctx, id)).runtime.name;
  } catch {
    return "";
  }
}
