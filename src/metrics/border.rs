//! What metrics are told of themselves: how far back they reach, what families are, and why one is refused.

use crate::time::Duration;

/// How far back windows reach, and what they may take.
#[derive(Clone, Copy, Debug)]
pub struct Config {
    /// The longest window. At least 15 minutes.
    pub retention: Duration,
    /// Bytes of all samples kept for windows; beyond them windows reach less far back.
    pub window_bytes: usize,
}

impl Default for Config {
    /// 15 minutes in 16 MiB.
    fn default() -> Self {
        Self { retention: Duration::from_millis(15 * 60_000), window_bytes: 16 << 20 }
    }
}

/// What kind of numbers a family has, as Prometheus tells them apart.
#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    /// A total that only rises.
    Counter,
    /// A number that goes up and down.
    Gauge,
    /// Samples, counted by classic buckets and by a relative-error histogram.
    Histogram {
        /// Upper bounds of the classic buckets, rising and finite; the one to infinity is implied.
        bounds: Vec<f64>,
        /// The relative error of quantiles.
        alpha: f64,
    },
    /// Samples, told as quantiles.
    Summary {
        /// Which are told, 0 to 1.
        quantiles: Vec<f64>,
        /// Of which samples; `None` is all.
        window: Option<Duration>,
        /// The relative error of quantiles.
        alpha: f64,
    },
}

impl Kind {
    /// The relative error, of kinds that have samples.
    pub(super) fn alpha(&self) -> Option<f64> {
        match *self {
            Self::Counter | Self::Gauge => None,
            Self::Histogram { alpha, .. } | Self::Summary { alpha, .. } => Some(alpha),
        }
    }
}

/// Why a family or a series was refused. Nothing was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DefineError {
    /// A metric name must match `[a-zA-Z_:][a-zA-Z0-9_:]*`.
    #[error("the metric name is not valid")]
    MetricName,
    /// A label name must match `[a-zA-Z_][a-zA-Z0-9_]*`.
    #[error("the label name is not valid")]
    LabelName,
    /// Bucket bounds must be finite and rising.
    #[error("the bucket bounds are not finite and rising")]
    Bounds,
    /// Quantiles must lie between 0 and 1.
    #[error("the quantiles are out of range")]
    Quantiles,
    /// The relative error must lie between 0.0001 and 1.
    #[error("the relative error is out of range")]
    Alpha,
    /// No family has this number.
    #[error("there is no such family")]
    Family,
}

/// Where a text that is told in parts goes on. The default is its beginning.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// The family.
    pub family: u32,
    /// The series in the family.
    pub series: u32,
}
