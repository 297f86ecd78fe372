use super::{AlphaMismatch, Histogram, InvalidAlpha};
use proptest::prelude::{Strategy, any, prop_oneof, proptest};

const QUANTILES: [f64; 11] = [0.0, 0.001, 0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 1.0];

fn of(alpha: f64, values: &[f64]) -> Histogram {
    let mut histogram = Histogram::new(alpha).expect("a valid alpha");
    for &value in values {
        assert!(histogram.record(value));
    }
    histogram.validate();
    histogram
}

fn assert_within(alpha: f64, values: &[f64]) {
    let histogram = of(alpha, values);
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    for q in QUANTILES {
        let exact = sorted[(q * (sorted.len() - 1) as f64) as usize];
        let found = histogram.quantile(q).expect("not empty");
        // Rounding may cost a few units in the last place beside alpha.
        let allowed = exact.abs() * alpha * (1.0 + 1e-9) + f64::MIN_POSITIVE;
        assert!((found - exact).abs() <= allowed, "q{q}: {found} for {exact}, alpha {alpha}");
    }
    assert_eq!(histogram.min(), sorted.first().copied());
    assert_eq!(histogram.max(), sorted.last().copied());
    assert_eq!(histogram.count(), values.len() as u64);
}

/// Two uniform numbers become a normal one (Box and Muller, 1958).
fn normal() -> impl Strategy<Value = f64> {
    (1e-12f64..1.0, 0.0f64..1.0).prop_map(|(u, v)| (-2.0 * u.ln()).sqrt() * (std::f64::consts::TAU * v).cos())
}

fn many(one: impl Strategy<Value = f64>) -> impl Strategy<Value = Vec<f64>> {
    proptest::collection::vec(one, 1..600)
}

proptest! {
    #[test]
    fn quantiles_of_a_lognormal_are_within_alpha(values in many(normal().prop_map(|z| (2.0 * z - 5.0).exp()))) {
        assert_within(0.01, &values);
    }

    #[test]
    fn quantiles_of_two_humps_are_within_alpha(values in many((normal(), any::<bool>()).prop_map(|(z, far)| {
        (if far { 1.0 } else { 0.002 }) * (1.0 + 0.05 * z)
    }))) {
        assert_within(0.01, &values);
    }

    #[test]
    fn quantiles_of_a_heavy_tail_are_within_alpha(values in many((1e-9f64..1.0).prop_map(|u| u.powf(-1.5)))) {
        assert_within(0.01, &values);
    }

    #[test]
    fn quantiles_of_negatives_and_zeros_are_within_alpha(values in many(prop_oneof![
        normal().prop_map(|z| z * 100.0),
        (0..3i32).prop_map(f64::from),
        (0.001f64..10.0).prop_map(|x| -x),
    ])) {
        assert_within(0.01, &values);
    }

    #[test]
    fn a_constant_is_answered_exactly(value in -1e300f64..1e300, count in 1..50usize) {
        let histogram = of(0.01, &vec![value; count]);
        assert_eq!(histogram.quantile(0.5), Some(value));
    }

    #[test]
    fn any_alpha_is_kept(alpha in 0.001f64..0.5, values in many((1e-3f64..1e3).prop_map(|x| x * x))) {
        // A small alpha has more buckets than are kept over this span; then only the upper quantiles are bounded.
        if !of(alpha, &values).is_collapsed() {
            assert_within(alpha, &values);
        }
    }

    #[test]
    fn every_positive_number_lies_in_its_bucket(bits in 0x0010_0000_0000_0000u64..0x7ff0_0000_0000_0000) {
        let value = f64::from_bits(bits);
        let scale = super::Scale::new(0.01).expect("a valid alpha");
        let estimate = scale.value(scale.index(value));
        assert!((estimate - value).abs() / value <= 0.01 * (1.0 + 1e-9), "{estimate} for {value}");
    }

    #[test]
    fn merge_equals_union(left in many(any::<f64>().prop_filter("finite", |x| x.is_finite())), right in many(normal())) {
        let mut merged = of(0.01, &left);
        merged.merge(&of(0.01, &right)).expect("the same alpha");
        merged.validate();
        let union = of(0.01, &[left, right].concat());
        for q in QUANTILES {
            assert_eq!(merged.quantile(q), union.quantile(q));
        }
        assert_eq!((merged.count(), merged.min(), merged.max()), (union.count(), union.min(), union.max()));
        assert_eq!((merged.above.first, &merged.above.counts), (union.above.first, &union.above.counts));
        assert_eq!((merged.below.first, &merged.below.counts), (union.below.first, &union.below.counts));
    }
}

#[test]
fn the_widest_span_keeps_its_upper_quantiles_and_its_size() {
    let values: Vec<f64> = (-300..=300).map(|exponent| 10f64.powi(exponent)).collect();
    let histogram = of(0.01, &values);
    assert!(histogram.is_collapsed());
    for (q, exact) in [(0.98, 1e288), (0.99, 1e294), (1.0, 1e300)] {
        let found = histogram.quantile(q).expect("not empty");
        assert!((found - exact).abs() <= exact * 0.0101, "{found} for {exact}");
    }
}

#[test]
fn what_is_not_a_number_is_not_counted() {
    let mut histogram = of(0.01, &[1.0]);
    for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        assert!(!histogram.record(value));
    }
    assert_eq!((histogram.count(), histogram.sum()), (1, 1.0));
}

#[test]
fn an_empty_histogram_has_no_quantile() {
    let mut histogram = of(0.01, &[3.0]);
    histogram.clear();
    histogram.validate();
    assert_eq!((histogram.quantile(0.5), histogram.min(), histogram.mean()), (None, None, None));
    assert_eq!((histogram.count(), histogram.sum()), (0, 0.0));
}

#[test]
fn different_errors_do_not_merge_and_impossible_ones_are_refused() {
    assert_eq!(of(0.01, &[1.0]).merge(&of(0.02, &[1.0])), Err(AlphaMismatch));
    for alpha in [0.0, -1.0, 1.0, f64::NAN] {
        assert_eq!(Histogram::new(alpha).err(), Some(InvalidAlpha));
    }
}
