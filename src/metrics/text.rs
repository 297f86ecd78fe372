//! The text formats: Prometheus 0.0.4 and OpenMetrics 1.0.0.

use super::distribution::Distribution;
use super::{Family, Kind, Metrics, Place, Series};
use crate::histogram::Histogram;
use crate::time::{Duration, Instant};

#[cfg(test)]
mod tests;

/// A text format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Prometheus text, version 0.0.4.
    Prometheus,
    /// The same with the bound of a bucket before its other labels, as prom-client writes it.
    BoundsFirst,
    /// OpenMetrics, version 1.0.0: families of counters have no `_total`, whole bounds have a point, the end is marked.
    OpenMetrics,
}

/// See [`Metrics::write_text`].
pub(super) struct Writer<'a> {
    metrics: &'a Metrics,
    format: Format,
}

impl<'a> Writer<'a> {
    pub(super) fn new(metrics: &'a Metrics, format: Format) -> Self {
        Self { metrics, format }
    }

    pub(super) fn write(&self, from: Place, most: usize, out: &mut String) -> Option<Place> {
        let begin = out.len();
        let mut first = from.series as usize;
        for (number, family) in self.metrics.families.iter().enumerate().skip(from.family as usize) {
            let head = family.series.iter().position(|series| series.told);
            for (index, series) in family.series.iter().enumerate().skip(first).filter(|(_, series)| series.told) {
                if out.len() - begin > most {
                    return Some(Place { family: number as u32, series: index as u32 });
                }
                if Some(index) == head {
                    self.write_head(family, out);
                }
                self.write_series(family, series, out);
            }
            first = 0;
        }
        if self.format == Format::OpenMetrics {
            out.push_str("# EOF\n");
        }
        None
    }

    fn write_head(&self, family: &Family, out: &mut String) {
        let kind = match &family.kind {
            Kind::Counter if self.base(family).is_none() => "unknown",
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram { .. } => "histogram",
            Kind::Summary { .. } => "summary",
        };
        let name = self.base(family).unwrap_or(&family.name);
        if !family.help.is_empty() {
            push(out, &["# HELP ", name, " "]);
            escape(&family.help, self.format == Format::OpenMetrics, out);
            out.push('\n');
        }
        push(out, &["# TYPE ", name, " ", kind, "\n"]);
    }

    /// The name of the family. `None` for a counter whose name OpenMetrics would take for that of another family: then it is told as a
    /// number of unknown type, under its own name.
    fn base<'f>(&self, family: &'f Family) -> Option<&'f str> {
        if self.format != Format::OpenMetrics || family.kind != Kind::Counter {
            return Some(&family.name);
        }
        let Some(base) = family.name.strip_suffix("_total") else {
            // Its samples would be named with a suffix that the same number does not have in the other format.
            return None;
        };
        self.metrics.families.iter().all(|other| other.name != base).then_some(base)
    }

    fn write_series(&self, family: &Family, series: &Series, out: &mut String) {
        let slot = series.slot as usize;
        match &family.kind {
            Kind::Counter | Kind::Gauge => {
                let value = self.metrics.cells.get(slot).copied().unwrap_or(0.0);
                self.write_line(&family.name, "", &series.labels, None, value, out);
            }
            Kind::Histogram { .. } => {
                if let Some(distribution) = self.metrics.distributions.get(slot) {
                    self.write_histogram(&family.name, &series.labels, distribution, out);
                }
            }
            Kind::Summary { quantiles, window, .. } => {
                if let Some(distribution) = self.metrics.distributions.get(slot) {
                    let recent = window.map(|window| self.recent(series.slot, distribution, window));
                    let told = recent.as_ref().unwrap_or(&distribution.histogram);
                    for &q in quantiles {
                        let value = told.quantile(q).unwrap_or(f64::NAN);
                        self.write_line(&family.name, "", &series.labels, Some(("quantile", q)), value, out);
                    }
                    self.write_totals(&family.name, &series.labels, distribution, out);
                }
            }
        }
    }

    fn recent(&self, slot: u32, distribution: &Distribution, window: Duration) -> Histogram {
        let mut sum = distribution.histogram.emptied();
        let now = self.metrics.hold.moment().unwrap_or(Instant::ZERO);
        self.metrics.windows.add(slot, window, now, &mut sum);
        sum
    }

    fn write_histogram(&self, name: &str, labels: &str, distribution: &Distribution, out: &mut String) {
        let bounds = distribution.bounds.all().iter().copied().chain([f64::INFINITY]);
        let mut total = 0;
        for (bound, count) in bounds.zip(&*distribution.counts) {
            total += count;
            self.write_line(name, "_bucket", labels, Some(("le", bound)), total as f64, out);
        }
        self.write_totals(name, labels, distribution, out);
    }

    fn write_totals(&self, name: &str, labels: &str, distribution: &Distribution, out: &mut String) {
        self.write_line(name, "_sum", labels, None, distribution.histogram.sum(), out);
        self.write_line(name, "_count", labels, None, distribution.histogram.count() as f64, out);
    }

    fn write_line(
        &self,
        name: &str,
        suffix: &str,
        labels: &str,
        last: Option<(&str, f64)>,
        value: f64,
        out: &mut String,
    ) {
        push(out, &[name, suffix]);
        let first = self.format == Format::BoundsFirst;
        let comma = if last.is_none() || labels.is_empty() { "" } else { "," };
        if last.is_some() || !labels.is_empty() {
            let (before, after) = if first { ("", labels) } else { (labels, "") };
            push(out, &["{", before, if first { "" } else { comma }]);
            if let Some((label, bound)) = last {
                push(out, &[label, "=\""]);
                write_number(bound, out);
                if self.format == Format::OpenMetrics
                    && bound.is_finite()
                    && bound == bound.trunc()
                    && bound.abs() < WHOLE
                {
                    out.push_str(".0");
                }
                out.push('"');
            }
            push(out, &[if first { comma } else { "" }, after, "}"]);
        }
        out.push(' ');
        write_number(value, out);
        out.push('\n');
    }
}

/// `[a-zA-Z_:][a-zA-Z0-9_:]*`
pub(super) fn is_metric_name(name: &str) -> bool {
    is_name(name, |byte| byte == b':')
}

/// `[a-zA-Z_][a-zA-Z0-9_]*`
pub(super) fn is_label_name(name: &str) -> bool {
    is_name(name, |_| false)
}

/// `name="value",...` with `\`, `"` and line ends escaped.
pub(super) fn encoded_labels(labels: &[(&str, &str)]) -> String {
    let mut out = String::new();
    for (name, value) in labels {
        if !out.is_empty() {
            out.push(',');
        }
        out.push_str(name);
        out.push_str("=\"");
        escape(value, true, &mut out);
        out.push('"');
    }
    out
}

fn is_name(name: &str, also: impl Fn(u8) -> bool) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || also(byte);
    name.bytes().all(fits) && name.bytes().next().is_some_and(|byte| !byte.is_ascii_digit())
}

/// Below it whole numbers are told as such.
const WHOLE: f64 = 1e15;

/// Digits that read back as the same number, whole ones without a point. Grisu2 (Loitsch, PLDI 2010) writes a digit too
/// many for one number in a thousand, and spares the 20 kB of exact arithmetic that the standard library would link.
fn write_number(value: f64, out: &mut String) {
    if value.is_nan() {
        out.push_str("NaN");
    } else if value.is_infinite() {
        out.push_str(if value > 0.0 { "+Inf" } else { "-Inf" });
    } else if value.abs() < WHOLE && value == value.trunc() {
        write_whole(value as i64, out);
    } else {
        out.push_str(dtoa::Buffer::new().format_finite(value));
    }
}

fn write_whole(value: i64, out: &mut String) {
    let mut digits = [0; 20];
    let mut at = digits.len();
    let mut rest = value.unsigned_abs();
    loop {
        at -= 1;
        digits[at] = (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    if value < 0 {
        out.push('-');
    }
    out.extend(digits[at..].iter().map(|digit| char::from(b'0' + digit)));
}

/// A carriage return ends a line for many readers, so it is told as a line feed.
fn escape(text: &str, quotes: bool, out: &mut String) {
    for character in text.chars() {
        match character {
            '\\' => out.push_str("\\\\"),
            '"' if quotes => out.push_str("\\\""),
            '\n' | '\r' => out.push_str("\\n"),
            other => out.push(other),
        }
    }
}

fn push(out: &mut String, parts: &[&str]) {
    for part in parts {
        out.push_str(part);
    }
}
