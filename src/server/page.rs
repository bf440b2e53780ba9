//! Prometheus' text format, version 0.0.4.

use std::fmt::Display;

use crate::telemetry::histogram::Histogram;

/// The lines of one metric stand together.
#[derive(Default)]
pub(super) struct Page(String);

impl Page {
    pub(super) fn counter(&mut self, name: &str, help: &str, labels: &[(&str, &str)], value: u64) {
        self.line(name, help, "counter", labels, value);
    }

    pub(super) fn gauge(
        &mut self,
        name: &str,
        help: &str,
        labels: &[(&str, &str)],
        value: impl Display,
    ) {
        self.line(name, help, "gauge", labels, value);
    }

    /// In seconds.
    pub(super) fn histogram(
        &mut self,
        name: &str,
        help: &str,
        labels: &[(&str, &str)],
        histogram: &Histogram,
    ) {
        let parts = |end: &str| format!("{name}{end}");
        let mut text = head(name, help, "histogram");
        let begins = self.0.find(&text);
        if begins.is_some() {
            text.clear();
        }
        for (bound_ms, count) in histogram.buckets() {
            let bound = seconds(bound_ms);
            let labels = [labels, &[("le", bound.as_str())]].concat();
            text.push_str(&sample(&parts("_bucket"), &labels, count));
        }
        let labels_of_all = [labels, &[("le", "+Inf")]].concat();
        text.push_str(&sample(
            &parts("_bucket"),
            &labels_of_all,
            histogram.count(),
        ));
        text.push_str(&sample(&parts("_sum"), labels, seconds(histogram.sum_ms())));
        text.push_str(&sample(&parts("_count"), labels, histogram.count()));
        self.insert(begins, &text);
    }

    pub(super) fn into_text(self) -> String {
        self.0
    }

    fn line(
        &mut self,
        name: &str,
        help: &str,
        kind: &str,
        labels: &[(&str, &str)],
        value: impl Display,
    ) {
        let mut text = head(name, help, kind);
        let begins = self.0.find(&text);
        if begins.is_some() {
            text.clear();
        }
        text.push_str(&sample(name, labels, value));
        self.insert(begins, &text);
    }

    /// After the lines of the metric that begins there, else at the end.
    fn insert(&mut self, begins: Option<usize>, text: &str) {
        const NEXT: &str = "\n# HELP ";
        let next = begins.and_then(|at| Some(at + self.0.get(at..)?.find(NEXT)? + 1));
        self.0.insert_str(next.unwrap_or(self.0.len()), text);
    }
}

/// `1.250`.
pub(super) fn seconds(ms: u64) -> String {
    format!("{}.{:03}", ms / 1000, ms % 1000)
}

fn head(name: &str, help: &str, kind: &str) -> String {
    format!("# HELP walstreet_{name} {help}\n# TYPE walstreet_{name} {kind}\n")
}

fn sample(name: &str, labels: &[(&str, &str)], value: impl Display) -> String {
    let label = |(label, value): &(&str, &str)| {
        let value = value
            .replace('\\', "\\\\")
            .replace('"', "\\\"")
            .replace('\n', "\\n");
        format!("{label}=\"{value}\"")
    };
    let labels: Vec<String> = labels.iter().map(label).collect();
    if labels.is_empty() {
        return format!("walstreet_{name} {value}\n");
    }
    format!("walstreet_{name}{{{}}} {value}\n", labels.join(","))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_lines_of_one_metric_stand_together_and_labels_are_quoted() {
        let mut page = Page::default();
        page.counter("a_total", "A.", &[("dest", "x")], 1);
        page.gauge("b", "B.", &[], 2);
        page.counter("a_total", "A.", &[("dest", "y\"\\\n")], 3);
        assert_eq!(
            page.0,
            "# HELP walstreet_a_total A.\n# TYPE walstreet_a_total counter\nwalstreet_a_total{dest=\"x\"} 1\n\
             walstreet_a_total{dest=\"y\\\"\\\\\\n\"} 3\n\
             # HELP walstreet_b B.\n# TYPE walstreet_b gauge\nwalstreet_b 2\n"
        );
    }

    #[test]
    fn a_histogram_has_buckets_sum_and_count_for_each_set_of_labels() {
        let mut histogram = Histogram::default();
        histogram.observe(Duration::from_millis(600));
        let mut page = Page::default();
        page.histogram("t_seconds", "T.", &[("dest", "x")], &histogram);
        page.gauge("b", "B.", &[], 2);
        page.histogram("t_seconds", "T.", &[("dest", "y")], &histogram);
        let text = page.into_text();
        assert_eq!(text.matches("# TYPE").count(), 2);
        assert!(text.contains("walstreet_t_seconds_bucket{dest=\"x\",le=\"0.500\"} 0\n"));
        assert!(text.contains("walstreet_t_seconds_bucket{dest=\"y\",le=\"1.000\"} 1\n"));
        assert!(text.contains("walstreet_t_seconds_sum{dest=\"y\"} 0.600\nwalstreet_t_seconds_count{dest=\"y\"} 1\n# HELP"));
        assert!(text.ends_with("walstreet_b 2\n"));
    }
}
