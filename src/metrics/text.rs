//! The Prometheus text exposition format, version 0.0.4.

use super::distribution::Distribution;
use super::{Family, Kind, Metrics, Place, Series};

/// See [`Metrics::write_text`].
pub(super) fn write(metrics: &Metrics, from: Place, most: usize, out: &mut String) -> Option<Place> {
    let begin = out.len();
    let mut first = from.series as usize;
    for (number, family) in metrics.families.iter().enumerate().skip(from.family as usize) {
        for (index, series) in family.series.iter().enumerate().skip(first) {
            if out.len() - begin > most {
                return Some(Place { family: number as u32, series: index as u32 });
            }
            if index == 0 {
                write_head(family, out);
            }
            write_series(metrics, family, series, out);
        }
        first = 0;
    }
    None
}

/// `[a-zA-Z_:][a-zA-Z0-9_:]*`
pub(super) fn is_metric_name(name: &str) -> bool {
    is_name(name, |byte| byte == b':')
}

/// `[a-zA-Z_][a-zA-Z0-9_]*`
pub(super) fn is_label_name(name: &str) -> bool {
    is_name(name, |_| false)
}

/// Help with `\` and line ends escaped.
pub(super) fn escaped_help(help: &str) -> String {
    let mut out = String::with_capacity(help.len());
    escape(help, false, &mut out);
    out
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

fn write_head(family: &Family, out: &mut String) {
    let Family { name, help, kind, .. } = family;
    let kind = match kind {
        Kind::Counter => "counter",
        Kind::Gauge => "gauge",
        Kind::Histogram { .. } => "histogram",
    };
    if !help.is_empty() {
        push(out, &["# HELP ", name, " ", help, "\n"]);
    }
    push(out, &["# TYPE ", name, " ", kind, "\n"]);
}

fn write_series(metrics: &Metrics, family: &Family, series: &Series, out: &mut String) {
    let slot = series.slot as usize;
    match family.kind {
        Kind::Counter | Kind::Gauge => {
            let value = metrics.cells.get(slot).copied().unwrap_or(0.0);
            write_line(&family.name, "", &series.labels, None, value, out);
        }
        Kind::Histogram { .. } => {
            if let Some(distribution) = metrics.distributions.get(slot) {
                write_histogram(&family.name, &series.labels, distribution, out);
            }
        }
    }
}

fn write_histogram(name: &str, labels: &str, distribution: &Distribution, out: &mut String) {
    let bounds = distribution.bounds.iter().copied().chain([f64::INFINITY]);
    let mut total = 0;
    for (bound, count) in bounds.zip(&distribution.counts) {
        total += count;
        write_line(name, "_bucket", labels, Some(bound), total as f64, out);
    }
    write_line(name, "_sum", labels, None, distribution.histogram.sum(), out);
    write_line(name, "_count", labels, None, total as f64, out);
}

fn write_line(name: &str, suffix: &str, labels: &str, bound: Option<f64>, value: f64, out: &mut String) {
    push(out, &[name, suffix]);
    if bound.is_some() || !labels.is_empty() {
        push(out, &["{", labels]);
        if let Some(bound) = bound {
            out.push_str(if labels.is_empty() { "le=\"" } else { ",le=\"" });
            write_number(bound, out);
            out.push('"');
        }
        out.push('}');
    }
    out.push(' ');
    write_number(value, out);
    out.push('\n');
}

/// Digits that read back as the same number, whole ones without a point. Grisu2 (Loitsch, PLDI 2010) writes a digit too
/// many for one number in a thousand, and spares the 20 kB of exact arithmetic that the standard library would link.
fn write_number(value: f64, out: &mut String) {
    const WHOLE: f64 = 1e15;
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

#[cfg(test)]
mod tests {
    use super::super::{Config, DefineError, Kind, Metrics, Place, SUMMARY_HEAD};
    use crate::time::Instant;
    use proptest::prelude::{any, proptest};

    fn sample() -> Metrics {
        let mut metrics = Metrics::new(Config::default(), Instant::ZERO);
        let requests = metrics.define("requests_total", "All requests.\nBy \\ method.", Kind::Counter).expect("valid");
        metrics.add_series(requests, 0, &[("method", "GET")]).expect("valid");
        metrics.add_series(requests, 1, &[("method", "a\"b\\c\nd\re")]).expect("valid");
        let load = metrics.define("load", "", Kind::Gauge).expect("valid");
        metrics.add_series(load, 2, &[]).expect("valid");
        let kind = Kind::Histogram { bounds: vec![0.1, 1.0], alpha: 0.01 };
        let seconds = metrics.define("took_seconds", "Time.", kind).expect("valid");
        metrics.add_series(seconds, 0, &[("op", "read")]).expect("valid");
        metrics.cells_mut(3).copy_from_slice(&[3.0, 0.25, f64::NEG_INFINITY]);
        assert_eq!(metrics.drain(&[0.0, 0.1, 0.0, 0.5, 0.0, 7.0, 9.0, 1.0, 0.0, f64::NAN], Instant::ZERO), 3);
        metrics
    }

    const TEXT: &str = concat!(
        "# HELP requests_total All requests.\\nBy \\\\ method.\n",
        "# TYPE requests_total counter\n",
        "requests_total{method=\"GET\"} 3\n",
        "requests_total{method=\"a\\\"b\\\\c\\nd\\ne\"} 0.25\n",
        "# TYPE load gauge\n",
        "load -Inf\n",
        "# HELP took_seconds Time.\n",
        "# TYPE took_seconds histogram\n",
        "took_seconds_bucket{op=\"read\",le=\"0.1\"} 1\n",
        "took_seconds_bucket{op=\"read\",le=\"1\"} 2\n",
        "took_seconds_bucket{op=\"read\",le=\"+Inf\"} 3\n",
        "took_seconds_sum{op=\"read\"} 7.6\n",
        "took_seconds_count{op=\"read\"} 3\n",
    );

    #[test]
    fn the_text_is_as_the_format_says() {
        let mut text = String::new();
        assert_eq!(sample().write_text(Place::default(), usize::MAX, &mut text), None);
        assert_eq!(text, TEXT);
    }

    #[test]
    fn parts_of_any_size_join_to_the_same_text() {
        let metrics = sample();
        for most in 0..TEXT.len() + 1 {
            let mut text = String::new();
            let mut place = Some(Place::default());
            while let Some(from) = place {
                place = metrics.write_text(from, most, &mut text);
            }
            assert_eq!(text, TEXT, "in parts of {most}");
        }
    }

    fn told(value: f64) -> String {
        let mut out = String::new();
        super::write_number(value, &mut out);
        out
    }

    #[test]
    fn numbers_have_their_usual_form() {
        let forms = [
            (0.0, "0"),
            (-0.0, "0"),
            (-12.0, "-12"),
            (0.005, "0.005"),
            (-2.5, "-2.5"),
            (1e-7, "1e-7"),
            (f64::NAN, "NaN"),
        ];
        for (value, form) in forms {
            assert_eq!(told(value), form);
        }
    }

    proptest! {
        #[test]
        fn numbers_read_back(bits in any::<u64>(), whole in any::<i64>()) {
            for value in [f64::from_bits(bits), whole as f64, (whole >> 20) as f64] {
                let read: f64 = told(value).parse().expect("a number");
                assert!(read == value || value.is_nan(), "{value:?} told as {}", told(value));
            }
        }
    }

    #[test]
    fn bad_definitions_are_refused() {
        let mut metrics = Metrics::new(Config::default(), Instant::ZERO);
        for name in ["", "0a", "a-b", "a b", "é"] {
            assert_eq!(metrics.define(name, "", Kind::Counter), Err(DefineError::MetricName));
        }
        for bounds in [vec![1.0, 1.0], vec![2.0, 1.0], vec![f64::NAN], vec![f64::INFINITY]] {
            let kind = Kind::Histogram { bounds, alpha: 0.01 };
            assert_eq!(metrics.define("a", "", kind), Err(DefineError::Bounds));
        }
        assert_eq!(metrics.define("a", "", Kind::Histogram { bounds: vec![], alpha: 0.0 }), Err(DefineError::Alpha));
        assert_eq!(metrics.add_series(0, 0, &[]), Err(DefineError::Family));
        let family = metrics.define("a:b", "", Kind::Counter).expect("valid");
        assert_eq!(metrics.add_series(family, 0, &[("a:b", "x")]), Err(DefineError::LabelName));
    }

    #[test]
    fn a_reset_keeps_the_series() {
        let mut metrics = sample();
        metrics.reset(Instant::ZERO);
        let summary = metrics.summarise(None, Instant::ZERO);
        assert_eq!(summary[..3], [0.0, 0.0, 0.0]);
        assert!(summary[3..].iter().all(|number| number.is_nan()) && summary.len() > SUMMARY_HEAD);
        let mut text = String::new();
        metrics.write_text(Place::default(), usize::MAX, &mut text);
        assert_eq!(text.lines().count(), TEXT.lines().count());
        assert!(text.contains("requests_total{method=\"GET\"} 0\n"));
    }
}
