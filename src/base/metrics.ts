/**
 * Counters, gauges and histograms, and the text in which Prometheus reads them.
 * @see Prometheus, "Exposition formats", text format 0.0.4
 */

export type MetricKind = "counter" | "gauge" | "histogram";

export type MetricLabels = Readonly<Record<string, string>>;

/** One line: `name{labels} value`. */
export interface Sample {
  /** Behind the family's name: `_bucket`, `_sum`, `_count`. */
  readonly suffix?: string;
  readonly labels: MetricLabels;
  readonly value: number | bigint;
}

/** What goes by one name. */
export interface MetricFamily {
  readonly name: string;
  readonly help: string;
  readonly kind: MetricKind;
  readonly samples: Iterable<Sample>;
}

/** Figures that are looked up when somebody asks for them. */
export type MetricSource = () =>
  | Iterable<MetricFamily>
  | Promise<Iterable<MetricFamily>>;

export interface Counter {
  add(count?: number): void;
}

export interface Gauge {
  set(value: number): void;
  add(by: number): void;
}

export interface Histogram {
  observe(value: number): void;
}

interface FamilyOptions {
  readonly name: string;
  readonly help: string;
}

/** Those of Prometheus' own libraries, in seconds. */
export const SECONDS_BUCKETS: readonly number[] = [
  ...[0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
];

/** All that is counted. What is made of one name and labels is one figure. */
export class Metrics {
  readonly #families = new Map<string, MetricFamily>();
  readonly #sources: MetricSource[] = [];

  /** @returns the counter with these labels, for as long as one likes */
  counter(options: FamilyOptions): (labels: MetricLabels) => Counter {
    return this.#family("counter", options, () => new Figure());
  }

  gauge(options: FamilyOptions): (labels: MetricLabels) => Gauge {
    return this.#family("gauge", options, () => new Figure());
  }

  /** @param options `buckets` are upper bounds, the smallest first */
  histogram(
    { buckets = SECONDS_BUCKETS, ...options }:
      & FamilyOptions
      & { readonly buckets?: readonly number[] },
  ): (labels: MetricLabels) => Histogram {
    return this.#family(
      "histogram",
      options,
      () => new Distribution(buckets),
    );
  }

  /** Asked at each rendering. One that fails must not hide the others. */
  source(source: MetricSource): void {
    this.#sources.push(source);
  }

  /**
   * All figures, sorted by name.
   * @param onFailure is told what a source has thrown
   */
  async render(onFailure: (error: unknown) => void): Promise<string> {
    const looked = await Promise.all(this.#sources.map(async (source) => {
      try {
        return [...await source()];
      } catch (error) {
        onFailure(error);
        return [];
      }
    }));
    return formatFamilies([...this.#families.values(), ...looked.flat()]);
  }

  #family<F extends Shown>(
    kind: MetricKind,
    { name, help }: FamilyOptions,
    make: () => F,
  ): (labels: MetricLabels) => F {
    if (this.#families.has(name)) {
      throw new TypeError(`There is a metric "${name}" already`);
    }
    const figures = new Map<string, Labelled<F>>();
    this.#families.set(name, { name, help, kind, samples: shownAll(figures) });
    return (labels) => {
      const key = formatLabels(labels);
      let known = figures.get(key);
      if (known === undefined) {
        known = { labels, figure: make() };
        figures.set(key, known);
      }
      return known.figure;
    };
  }
}

interface Labelled<F> {
  readonly labels: MetricLabels;
  readonly figure: F;
}

/** Iterated anew each time. */
function shownAll(
  figures: ReadonlyMap<string, Labelled<Shown>>,
): Iterable<Sample> {
  return {
    *[Symbol.iterator]() {
      for (const { labels, figure } of figures.values()) {
        yield* figure.samples(labels);
      }
    },
  };
}

interface Shown {
  samples(labels: MetricLabels): Iterable<Sample>;
}

class Figure implements Counter, Gauge, Shown {
  #value = 0;

  add(by = 1): void {
    this.#value += by;
  }

  set(value: number): void {
    this.#value = value;
  }

  samples(labels: MetricLabels): Iterable<Sample> {
    return [{ labels, value: this.#value }];
  }
}

class Distribution implements Histogram, Shown {
  readonly #bounds: readonly number[];
  /** How many are in each bucket and in no smaller one. */
  readonly #counts: Float64Array;
  #sum = 0;
  #count = 0;

  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
    this.#counts = new Float64Array(bounds.length);
  }

  observe(value: number): void {
    this.#sum += value;
    this.#count++;
    const at = this.#bounds.findIndex((bound) => value <= bound);
    if (at >= 0) this.#counts[at] = (this.#counts[at] ?? 0) + 1;
  }

  *samples(labels: MetricLabels): Generator<Sample> {
    let below = 0;
    for (const [at, bound] of this.#bounds.entries()) {
      below += this.#counts[at] ?? 0;
      yield bucket(labels, formatValue(bound), below);
    }
    yield bucket(labels, "+Inf", this.#count);
    yield { suffix: "_sum", labels, value: this.#sum };
    yield { suffix: "_count", labels, value: this.#count };
  }
}

function bucket(labels: MetricLabels, le: string, value: number): Sample {
  return { suffix: "_bucket", labels: { ...labels, le }, value };
}

/** What has no samples is left out. */
export function formatFamilies(families: Iterable<MetricFamily>): string {
  const sorted = [...families].sort((a, b) => a.name < b.name ? -1 : 1);
  return sorted.map(formatFamily).join("");
}

function formatFamily({ name, help, kind, samples }: MetricFamily): string {
  const lines = [...samples].map(({ suffix = "", labels, value }) =>
    `${name}${suffix}${formatLabels(labels)} ${formatValue(value)}\n`
  );
  if (lines.length === 0) return "";
  const text = help.replaceAll("\\", "\\\\").replaceAll("\n", "\\n");
  return `# HELP ${name} ${text}\n# TYPE ${name} ${kind}\n${lines.join("")}`;
}

function formatLabels(labels: MetricLabels): string {
  const names = Object.keys(labels).sort();
  if (names.length === 0) return "";
  const pairs = names.map((name) => `${name}="${escaped(labels[name] ?? "")}"`);
  return `{${pairs.join(",")}}`;
}

function escaped(value: string): string {
  return value.replaceAll("\\", "\\\\").replaceAll('"', '\\"')
    .replaceAll("\n", "\\n");
}

function formatValue(value: number | bigint): string {
  if (value === Infinity) return "+Inf";
  if (value === -Infinity) return "-Inf";
  return String(value);
}
