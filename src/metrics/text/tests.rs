use super::super::{Config, DefineError, Kind, Metrics, Place, SUMMARY_HEAD};
use super::Format;
use crate::time::Duration;
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
    assert_eq!(metrics.drain([(0, 0.1), (0, 0.5), (0, 7.0), (9, 1.0), (0, f64::NAN)].into_iter(), Instant::ZERO), 3);
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
    assert_eq!(sample().write_text(Format::Prometheus, Place::default(), usize::MAX, &mut text), None);
    assert_eq!(text, TEXT);
}

const OPEN_TEXT: &str = concat!(
    "# HELP requests All requests.\\nBy \\\\ method.\n",
    "# TYPE requests counter\n",
    "requests_total{method=\"GET\"} 3\n",
    "requests_total{method=\"a\\\"b\\\\c\\nd\\ne\"} 0.25\n",
    "# TYPE load gauge\n",
    "load -Inf\n",
    "# HELP took_seconds Time.\n",
    "# TYPE took_seconds histogram\n",
    "took_seconds_bucket{op=\"read\",le=\"0.1\"} 1\n",
    "took_seconds_bucket{op=\"read\",le=\"1.0\"} 2\n",
    "took_seconds_bucket{op=\"read\",le=\"+Inf\"} 3\n",
    "took_seconds_sum{op=\"read\"} 7.6\n",
    "took_seconds_count{op=\"read\"} 3\n",
    "# EOF\n",
);

#[test]
fn a_counter_whose_family_would_be_another_is_of_unknown_type() {
    let mut metrics = Metrics::new(Config::default(), Instant::ZERO);
    for (at, name) in ["a_total", "plain"].into_iter().enumerate() {
        let family = metrics.define(name, "", Kind::Counter).expect("valid");
        metrics.add_series(family, at as u32, &[]).expect("valid");
    }
    let family = metrics.define("a", "Says \"a\".", Kind::Gauge).expect("valid");
    metrics.add_series(family, 2, &[]).expect("valid");
    metrics.cells_mut(3).copy_from_slice(&[1.0, 2.0, 3.0]);
    let mut text = String::new();
    assert_eq!(metrics.write_text(Format::OpenMetrics, Place::default(), usize::MAX, &mut text), None);
    let open = "# TYPE a_total unknown\na_total 1\n# TYPE plain unknown\nplain 2\n# HELP a Says \\\"a\\\".\n# TYPE a gauge\na 3\n# EOF\n";
    assert_eq!(text, open);
}

#[test]
fn a_summary_tells_quantiles_of_its_window_and_totals_of_all() {
    let mut metrics = Metrics::new(Config::default(), Instant::ZERO);
    let at = Instant::from_millis;
    for (name, window) in [("recent", Some(Duration::from_millis(60_000))), ("ever", None)] {
        let kind = Kind::Summary { quantiles: vec![0.0, 0.5, 1.0], window, alpha: 0.01 };
        let family = metrics.define(name, "", kind).expect("valid");
        metrics.watch_family(family, at(0));
        metrics.add_series(family, 0, &[("l", "x")]).expect("valid");
    }
    metrics.drain([(0, 1.0), (1, 1.0)].into_iter(), at(0));
    metrics.drain([(0, 2.0), (1, 2.0)].into_iter(), at(100_000));
    metrics.begin_text(at(110_000));
    assert_eq!(metrics.drain([(0, 3.0), (1, 3.0)].into_iter(), at(110_000)), 0);
    let mut text = String::new();
    metrics.write_text(Format::Prometheus, Place::default(), usize::MAX, &mut text);
    metrics.end_text();
    let lines: Vec<_> = text.lines().filter(|line| !line.starts_with('#')).collect();
    let meant = [
        "recent{l=\"x\",quantile=\"0\"} 2",
        "recent{l=\"x\",quantile=\"0.5\"} 2",
        "recent{l=\"x\",quantile=\"1\"} 2",
        "recent_sum{l=\"x\"} 3",
        "recent_count{l=\"x\"} 2",
        "ever{l=\"x\",quantile=\"0\"} 1",
        "ever{l=\"x\",quantile=\"0.5\"} 1",
        "ever{l=\"x\",quantile=\"1\"} 2",
        "ever_sum{l=\"x\"} 3",
        "ever_count{l=\"x\"} 2",
    ];
    assert_eq!(lines, meant);
    assert_eq!(metrics.summarise(None, at(110_000))[1..3], [3.0, 6.0]);
}

proptest! {
    #[test]
    fn what_is_merged_from_a_dump_is_the_union(
        here in proptest::collection::vec(-5.0..50.0f64, 0..100),
        there in proptest::collection::vec(-5.0..50.0f64, 0..100),
    ) {
        let registry = || {
            let mut metrics = Metrics::new(Config::default(), Instant::ZERO);
            let family = metrics.define("h", "", Kind::Histogram { bounds: vec![0.0, 1.0, 10.0], alpha: 0.01 }).expect("valid");
            metrics.watch_family(family, Instant::ZERO);
            metrics.add_series(family, 0, &[]).expect("valid");
            metrics
        };
        let fill = |metrics: &mut Metrics, values: &[f64]| {
            metrics.drain(values.iter().map(|&value| (0, value)), Instant::ZERO);
        };
        let (mut a, mut b, mut both) = (registry(), registry(), registry());
        fill(&mut a, &here);
        fill(&mut b, &there);
        fill(&mut both, &here);
        fill(&mut both, &there);
        let mut dump = Vec::new();
        b.dump(0, &mut dump);
        assert!(a.merge(0, &dump, Instant::ZERO));
        for window in [None, Some(Duration::from_millis(60_000))] {
            let (merged, meant) = (a.summarise(window, Instant::ZERO).to_vec(), both.summarise(window, Instant::ZERO));
            for (at, (merged, meant)) in merged.iter().zip(meant).enumerate() {
                assert!((merged - meant).abs() <= 1e-9 * meant.abs() || (merged.is_nan() && meant.is_nan()), "number {at}: {merged} for {meant}");
            }
        }
        let (mut left, mut right) = (Vec::new(), Vec::new());
        a.dump(0, &mut left);
        both.dump(0, &mut right);
        assert_eq!(left[..5], right[..5]);
    }

    #[test]
    fn numbers_that_are_no_dump_change_nothing(numbers in proptest::collection::vec(any::<f64>(), 0..20), cut in 0..30usize, at in any::<usize>()) {
        let mut metrics = sample();
        let before = metrics.summarise(None, Instant::ZERO).to_vec();
        assert!(!metrics.merge(0, &numbers, Instant::ZERO) || numbers.len() > 10);
        let mut dump = Vec::new();
        metrics.dump(0, &mut dump);
        assert!(!metrics.merge(7, &dump, Instant::ZERO));
        let cut = cut.min(dump.len() - 1);
        assert!(!metrics.merge(0, &dump[..cut], Instant::ZERO));
        let at = at % dump.len();
        dump[at] = -0.5;
        metrics.merge(0, &dump, Instant::ZERO);
        assert!(metrics.summarise(None, Instant::ZERO)[1] <= before[1] * 2.0);
    }
}

#[test]
fn parts_of_any_size_join_to_the_same_text() {
    let metrics = sample();
    for (format, whole) in [(Format::Prometheus, TEXT), (Format::OpenMetrics, OPEN_TEXT)] {
        for most in 0..whole.len() + 1 {
            let mut text = String::new();
            let mut place = Some(Place::default());
            while let Some(from) = place {
                place = metrics.write_text(format, from, most, &mut text);
            }
            assert_eq!(text, whole, "in parts of {most}");
        }
    }
}

fn told(value: f64) -> String {
    let mut out = String::new();
    super::write_number(value, &mut out);
    out
}

#[test]
fn numbers_have_their_usual_form() {
    let forms =
        [(0.0, "0"), (-0.0, "0"), (-12.0, "-12"), (0.005, "0.005"), (-2.5, "-2.5"), (1e-7, "1e-7"), (f64::NAN, "NaN")];
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
    metrics.write_text(Format::Prometheus, Place::default(), usize::MAX, &mut text);
    assert_eq!(text.lines().count(), TEXT.lines().count());
    assert!(text.contains("requests_total{method=\"GET\"} 0\n"));
}

#[test]
fn a_series_that_is_not_told_is_left_out_and_goes_on() {
    let mut metrics = sample();
    let all = TEXT.to_owned();
    let told = |metrics: &Metrics, most: usize| {
        let (mut text, mut place) = (String::new(), Some(Place::default()));
        while let Some(from) = place {
            place = metrics.write_text(Format::Prometheus, from, most, &mut text);
        }
        text
    };
    metrics.set_told(0, 0, false);
    let without = all.replace("requests_total{method=\"GET\"} 3\n", "");
    assert_eq!(told(&metrics, usize::MAX), without);
    assert_eq!(told(&metrics, 0), without);
    metrics.set_told(0, 1, false);
    metrics.set_told(2, 0, false);
    metrics.set_told(9, 9, false);
    assert_eq!(told(&metrics, 0), "# TYPE load gauge\nload -Inf\n");
    metrics.drain([(0, 0.5)].into_iter(), Instant::ZERO);
    assert_eq!(metrics.counts(), [4.0]);
    for (family, place) in [(0, 0), (0, 1), (2, 0)] {
        metrics.set_told(family, place, true);
    }
    let more = all.replace("\"1\"} 2", "\"1\"} 3").replace("Inf\"} 3", "Inf\"} 4");
    assert_eq!(
        told(&metrics, usize::MAX),
        more.replace("} 7.6", "} 8.1").replace("count{op=\"read\"} 3", "count{op=\"read\"} 4")
    );
}

#[test]
fn a_series_in_the_place_of_another_has_none_of_its_samples() {
    let mut metrics = Metrics::new(Config::default(), Instant::ZERO);
    let kind = Kind::Histogram { bounds: vec![1.0], alpha: 0.01 };
    let family = metrics.define("took_seconds", "", kind).expect("valid");
    for op in ["read", "write"] {
        metrics.add_series(family, 0, &[("op", op)]).expect("valid");
    }
    metrics.watch_family(family, Instant::ZERO);
    for second in 0..100 {
        metrics.drain([(0, 0.5), (1, 2.0)].into_iter(), Instant::from_millis(second * 1000));
    }
    let now = Instant::from_millis(99_500);
    let mut before = metrics.clone();
    assert_eq!(metrics.reuse_series(family, 0, &[("op", "delete")]), Ok(()));
    let window = Some(Duration::from_millis(60_000));
    let width = super::super::SUMMARY_WIDTH;
    for span in [window, None] {
        let (was, is) = (before.summarise(span, now), metrics.summarise(span, now));
        assert!(was[1] > 50.0 && is[1] == 0.0);
        assert_eq!(is[width..], was[width..]);
    }
    metrics.drain([(0, 0.25)].into_iter(), now);
    let mut text = String::new();
    metrics.write_text(Format::Prometheus, Place::default(), usize::MAX, &mut text);
    assert!(text.contains("took_seconds_sum{op=\"delete\"} 0.25\n") && !text.contains("read"), "{text}");
    assert_eq!(metrics.summarise(window, now)[1], 1.0);
    let missing = [metrics.reuse_series(family, 2, &[]), metrics.reuse_series(9, 0, &[])];
    assert_eq!(missing, [Err(DefineError::Family); 2]);
    assert_eq!(metrics.reuse_series(family, 0, &[("1", "")]), Err(DefineError::LabelName));
}
