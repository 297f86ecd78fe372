//! Distributions as numbers, to be added to those of another registry: of another thread, tab or process.

use super::Metrics;
use crate::histogram::Sketch;
use crate::time::Instant;

impl Metrics {
    /// Appends what a histogram series recorded: how many bounds, the count of each and of the rest, the latest sample, and the numbers of
    /// [`Sketch::write_numbers`]. Nothing when there is no such series.
    pub fn dump(&mut self, slot: u32, out: &mut Vec<f64>) {
        self.let_go();
        let Some(series) = self.distributions.get(slot as usize) else { return };
        out.push(series.bounds.all().len() as f64);
        out.extend(series.counts.iter().map(|&count| count as f64));
        out.push(series.latest);
        Sketch::of(&series.histogram).write_numbers(out);
    }

    /// Adds what [`Metrics::dump`] told of a series with the same bounds and relative error, as samples of `now`. False, and nothing
    /// happens, when the numbers do not fit.
    pub fn merge(&mut self, slot: u32, numbers: &[f64], now: Instant) -> bool {
        self.let_go();
        let Some(series) = self.distributions.get_mut(slot as usize) else { return false };
        let bounds = series.bounds.all().len();
        let Some((head, sketch)) = numbers.split_at_checked(bounds + 3) else { return false };
        let Some(sketch) = Sketch::from_numbers(&series.histogram, sketch) else { return false };
        let counts = &head[1..bounds + 2];
        let counted: f64 = counts.iter().sum();
        if head[0] != bounds as f64 || counted != sketch.count() as f64 || !counts.iter().all(|&count| count >= 0.0) {
            return false;
        }
        for (count, &more) in series.counts.iter_mut().zip(counts) {
            *count += more as u64;
        }
        if head[bounds + 2].is_finite() {
            series.latest = head[bounds + 2];
        }
        sketch.add_to(&mut series.histogram);
        if series.watched.is_some() {
            self.windows.turn(now);
            self.windows.add_sketch(slot, &sketch);
        }
        true
    }
}
