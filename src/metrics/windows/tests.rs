use super::Windows;
use crate::histogram::Histogram;
use crate::time::{Duration, Instant};
use proptest::prelude::{Strategy, any, prop_oneof, proptest};

const HUGE: usize = usize::MAX;
const QUARTER: Duration = minutes(15);
const NAMED: [Duration; 4] = [Duration::from_millis(10_000), minutes(1), minutes(5), QUARTER];

const fn minutes(count: u64) -> Duration {
    Duration::from_millis(count * 60_000)
}

fn at(ms: u64) -> Instant {
    Instant::from_millis(ms)
}

fn empty() -> Histogram {
    Histogram::default()
}

fn record(windows: &mut Windows, series: u32, value: f64) {
    windows.record(series, empty().spot(value).expect("finite"), empty);
}

fn read(windows: &Windows, series: u32, window: Duration, now: Instant) -> (u64, Histogram) {
    let mut sum = empty();
    let since = windows.add(series, window, now, &mut sum);
    (since.as_millis(), sum)
}

/// All samples with their times.
#[derive(Default)]
struct Naive(Vec<(u64, u32, f64)>);

impl Naive {
    fn check(&self, windows: &Windows, now: u64, tenth: bool) {
        for window in NAMED {
            for series in 0..3 {
                let (since, sum) = read(windows, series, window, at(now));
                let earliest = now.saturating_sub(window.as_millis());
                assert!(since >= earliest, "{since} is before {earliest}");
                assert!(!tenth || since <= earliest + window.as_millis() / 10, "{since} is long after {earliest}");
                let meant: Vec<f64> =
                    self.0.iter().filter(|one| one.0 >= since && one.1 == series).map(|one| one.2).collect();
                assert_eq!(sum.count(), meant.len() as u64, "window {window:?} at {now} since {since}");
                assert!((sum.sum() - meant.iter().sum::<f64>()).abs() <= 1e-6 * (1.0 + sum.sum().abs()));
                assert_eq!(sum.min(), meant.iter().copied().reduce(f64::min));
                assert_eq!(sum.max(), meant.iter().copied().reduce(f64::max));
            }
        }
    }
}

fn steps() -> impl Strategy<Value = Vec<(u64, u32, f64)>> {
    let pause = prop_oneof![8 => 0..300u64, 4 => 0..3_000u64, 2 => 0..40_000u64, 1 => 0..2_000_000u64];
    proptest::collection::vec((pause, 0..3u32, -10.0..1000.0f64), 1..150)
}

fn play(steps: &[(u64, u32, f64)], most_bytes: usize, mut after: impl FnMut(&Windows, &Naive, u64)) {
    let mut now = 17_300;
    let mut windows = Windows::new(QUARTER, most_bytes, at(now));
    let mut naive = Naive::default();
    for &(pause, series, value) in steps {
        now += pause;
        windows.turn(at(now));
        record(&mut windows, series, value);
        naive.0.push((now, series, value));
        after(&windows, &naive, now);
    }
}

proptest! {
    #[test]
    fn windows_hold_what_was_recorded_in_them(steps in steps()) {
        play(&steps, HUGE, |windows, naive, now| naive.check(windows, now, true));
    }

    #[test]
    fn with_little_room_windows_reach_less_far_and_say_so(steps in steps(), most in 0..4_000usize) {
        play(&steps, most, |windows, naive, now| {
            naive.check(windows, now, false);
            assert!(windows.bytes() <= most);
        });
    }

    #[test]
    fn any_window_and_retention_is_read_without_counting_twice(
        steps in steps(),
        hours in 0..200u64,
        window in 1..100_000_000u64,
        late in any::<u16>(),
    ) {
        let mut now = 0;
        let mut windows = Windows::new(minutes(60 * hours), HUGE, at(0));
        let mut times = Vec::new();
        for (pause, _, value) in steps {
            now += pause * 10;
            windows.turn(at(now));
            record(&mut windows, 0, value);
            times.push(now);
        }
        now += u64::from(late);
        windows.turn(at(now));
        let (since, sum) = read(&windows, 0, Duration::from_millis(window), at(now));
        assert!(since >= now.saturating_sub(window));
        assert_eq!(sum.count(), times.iter().filter(|&&time| time >= since).count() as u64);
    }
}

/// A ring whose parts are one and the same object counts what is old once for each part until it is full. Here every
/// fourth sample is slow from the first on, and is a fourth of every window at every moment.
#[test]
fn shares_are_exact_before_the_first_window_is_full() {
    let mut windows = Windows::new(QUARTER, HUGE, at(0));
    for tick in 0..40_000u64 {
        let now = at(tick * 50);
        windows.turn(now);
        let slow = tick % 4 == 3;
        record(&mut windows, 0, if slow { 10.0 } else { 0.1 });
        if tick % 20 != 19 {
            continue;
        }
        for window in NAMED {
            let (_, sum) = read(&windows, 0, window, now);
            assert_eq!(sum.sum().round(), (sum.count() as f64 * (0.75 * 0.1 + 0.25 * 10.0)).round());
            let p70 = sum.quantile(0.70).expect("not empty");
            let p80 = sum.quantile(0.80).expect("not empty");
            assert!((p70 - 0.1).abs() <= 0.001 && (p80 - 10.0).abs() <= 0.1, "p70 {p70}, p80 {p80} at {now:?}");
        }
    }
}

#[test]
fn a_window_forgets_what_is_older() {
    let mut windows = Windows::new(QUARTER, HUGE, at(0));
    record(&mut windows, 0, 1.0);
    for (now, counts) in
        [(9_999, [1, 1, 1, 1]), (10_001, [0, 1, 1, 1]), (60_001, [0, 0, 1, 1]), (300_001, [0, 0, 0, 1])]
    {
        windows.turn(at(now));
        assert_eq!(NAMED.map(|window| read(&windows, 0, window, at(now)).1.count()), counts, "at {now}");
    }
    windows.turn(at(930_000));
    assert_eq!(windows.bytes(), 0);
}

#[test]
fn an_hour_of_many_series_takes_the_bytes_it_was_given() {
    const ROOM: usize = 256 << 10;
    let mut windows = Windows::new(minutes(60), ROOM, at(0));
    for tick in 0..3_600u64 {
        windows.turn(at(tick * 1000));
        for series in 0..200 {
            record(&mut windows, series, 1.0 + (tick * 7 + u64::from(series) * 13 % 101) as f64);
        }
        assert!(windows.bytes() <= ROOM);
    }
    let now = at(3_600_000);
    windows.turn(now);
    let (since, sum) = read(&windows, 0, NAMED[0], now);
    assert_eq!(sum.count(), (now.as_millis() - since) / 1000);
}
