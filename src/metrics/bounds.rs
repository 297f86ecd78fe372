//! Which classic bucket a number falls into.

use crate::histogram::Histogram;

/// Longer tables are not made: then bounds are searched.
const LONGEST: usize = 8192;

/// Upper bounds of the classic buckets of a family, and for each bucket of its histograms the first bound that can matter: a sample needs
/// one comparison or two in place of a search.
#[derive(Clone, Debug)]
pub(super) struct Bounds {
    bounds: Box<[f64]>,
    /// From the index `first` on.
    table: Box<[u8]>,
    first: i32,
}

impl Bounds {
    /// `like` is an empty histogram of the family.
    pub(super) fn new(bounds: &[f64], like: &Histogram) -> Self {
        let (table, first) = table_of(bounds, like).unwrap_or_default();
        Self { bounds: bounds.into(), table: table.into(), first }
    }

    /// The bounds, rising.
    pub(super) fn all(&self) -> &[f64] {
        &self.bounds
    }

    /// How many bounds are below `value`.
    pub(super) fn below(&self, value: f64) -> usize {
        self.bounds.partition_point(|&bound| bound < value)
    }

    /// The same for a positive number that is not next to nothing, with its bucket.
    #[inline(always)]
    pub(super) fn below_usual(&self, value: f64, index: i32) -> usize {
        let Some(&start) = self.table.get(index.wrapping_sub(self.first) as u32 as usize) else {
            return self.below(value);
        };
        let mut below = usize::from(start);
        while self.bounds.get(below).is_some_and(|&bound| bound < value) {
            below += 1;
        }
        below
    }
}

/// For each index from just below that of the first positive bound to just above that of the last: how many bounds are surely below.
fn table_of(bounds: &[f64], like: &Histogram) -> Option<(Vec<u8>, i32)> {
    let indices: Vec<i32> = bounds
        .iter()
        .filter(|&&bound| bound >= f64::MIN_POSITIVE)
        .map(|&bound| like.spot(bound).map_or(0, |spot| spot.index()))
        .collect();
    let (first, last) = (*indices.first()? - 2, *indices.last()? + 2);
    let length = usize::try_from(last - first + 1).ok()?;
    if length > LONGEST || bounds.len() > usize::from(u8::MAX) {
        return None;
    }
    let others = bounds.len() - indices.len();
    // A bucket of its own between them, as rounding may put numbers beside a bound into the next one.
    let surely_below = |index: i32| others + indices.partition_point(|&bound| bound < index - 1);
    Some(((first..=last).map(|index| surely_below(index) as u8).collect(), first))
}

#[cfg(test)]
mod tests {
    use super::Bounds;
    use crate::histogram::Histogram;
    use proptest::prelude::{Strategy, prop_oneof, proptest};

    fn bounds() -> impl Strategy<Value = Vec<f64>> {
        let one = prop_oneof![
            -10.0..10.0f64,
            0.001..100.0f64,
            (-300..300i32).prop_map(|power| 10f64.powi(power)),
            (0..20i32).prop_map(f64::from)
        ];
        proptest::collection::vec(one, 0..300).prop_map(|mut bounds| {
            bounds.sort_by(f64::total_cmp);
            bounds.dedup();
            bounds
        })
    }

    proptest! {
        #[test]
        fn the_table_answers_as_a_search(bounds in bounds(), others in proptest::collection::vec(-20.0..200.0f64, 0..50), alpha in 0.001..0.5f64) {
            let histogram = Histogram::new(alpha).expect("valid");
            let fast = Bounds::new(&bounds, &histogram);
            let near = bounds.iter().flat_map(|bound| [*bound, bound.next_up(), bound.next_down(), bound * 1.01, bound * 0.99]);
            for value in near.chain(others) {
                let index = histogram.spot(value).expect("finite").index();
                let meant = bounds.iter().filter(|&&bound| bound < value).count();
                assert_eq!(fast.below(value), meant);
                if value >= f64::MIN_POSITIVE {
                    assert_eq!(fast.below_usual(value, index), meant, "{value} in {bounds:?}");
                }
            }
        }
    }
}
