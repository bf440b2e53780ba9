"""The table and its JSON: medians of runs, what they span, ratios."""
import json, statistics

COLUMNS = (
    ("null", "walstreet, null sink"), ("postgres", "pg_recvlogical, COPY"), ("ratio", "×"),
    ("walstreet", "walstreet → Kafka"), ("untuned", "with its defaults"), ("debezium", "tuned Debezium"), ("ratio", "×"),
)
USED = ("null", "postgres", "walstreet", "debezium")


class Row:
    """One kind of work. `runs` maps a competitor's key to its measurements. What is not `shown` is only in the JSON."""

    def __init__(self, work, unit, higher_is_better, runs, shown=True):
        self.work, self.unit, self.higher_is_better, self.runs, self.shown = work, unit, higher_is_better, runs, shown

    def values(self, key):
        return [run.value for run in self.runs.get(key, [])]

    def median(self, key, field="value"):
        values = [value for run in self.runs.get(key, []) if (value := getattr(run, field)) is not None]
        return statistics.median(values) if values else None

    def ratio(self, ours, theirs):
        """How many times better ours is."""
        ours, theirs = self.median(ours), self.median(theirs)
        if not ours or not theirs:
            return None
        return ours / theirs if self.higher_is_better else theirs / ours

    def as_json(self):
        results = {}
        for key in self.runs:
            values = self.values(key)
            if not values:
                continue
            results[key] = {
                "runs": [rounded(value) for value in values],
                "median": rounded(self.median(key)), "min": rounded(min(values)), "max": rounded(max(values)),
                "cpu_seconds": rounded(self.median(key, "cpu_seconds")),
                "postgres_cpu_seconds": rounded(self.median(key, "postgres_cpu_seconds")),
                "peak_mb": rounded(self.median(key, "peak_mb")),
            }
        return {
            "work": self.work, "unit": self.unit, "better": "higher" if self.higher_is_better else "lower", "results": results,
            "null_sink_to_postgres": rounded(self.ratio("null", "postgres")),
            "walstreet_to_debezium": rounded(self.ratio("walstreet", "debezium")),
            "walstreet_with_its_defaults_to_debezium": rounded(self.ratio("untuned", "debezium")),
        }


def table(rows):
    """Markdown that is aligned for reading, too."""
    used = " / ".join(["null", "pg", "Kafka", "Debezium"])
    lines = [["work", *(title for _, title in COLUMNS), f"CPU s: {used}", f"peak MB: {used}"]]
    for row in (row for row in rows if row.shown):
        cells = [f"{row.work}, {row.unit}"]
        pairs = iter((("null", "postgres"), ("walstreet", "debezium")))
        for key, _ in COLUMNS:
            cells.append(ratio_cell(row.ratio(*next(pairs))) if key == "ratio" else value_cell(row.values(key)))
        cells.append(" / ".join(number(row.median(key, "cpu_seconds")) for key in USED))
        cells.append(" / ".join(number(row.median(key, "peak_mb"), digits=0) for key in USED))
        lines.append(cells)
    return aligned(lines)


def aligned(lines):
    """The first line is the heading."""
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    lines.insert(1, ["-" * width for width in widths])
    return "\n".join("| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths)) + " |" for line in lines)


def value_cell(values):
    """The median, and from where to where the runs went."""
    if not values:
        return "–"
    median = number(statistics.median(values))
    return median if len(values) == 1 else f"{median} ({number(min(values))}–{number(max(values))})"


def ratio_cell(ratio):
    return "–" if ratio is None else f"{ratio:.1f}"


def number(value, digits=1):
    """Short enough for a table: three digits at most for what is large."""
    if value is None:
        return "–"
    if value >= 1_000_000:
        return f"{value / 1_000_000:.2f}M"
    if value >= 10_000:
        return f"{value / 1000:.0f}k"
    return f"{value:.{digits}f}" if value < 100 else f"{value:.0f}"


def rounded(value):
    return None if value is None else round(value, 3)


def as_json(circumstances, rows):
    return json.dumps({**circumstances, "rows": [row.as_json() for row in rows]}, indent=1, ensure_ascii=False)
