//! Time as the core sees it: a number that the caller hands in.

use core::fmt;
use core::time::Duration;

/// A point on the caller's monotonic clock, in microseconds since an epoch of the caller's choice.
///
/// The core never reads a clock. It compares the timestamps it is given and names the next one it is interested in
/// ([`Endpoint::poll_timeout`](crate::Endpoint::poll_timeout)). A timestamp smaller than an earlier one is taken as "no
/// time has passed".
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(u64);

impl Timestamp {
    /// The caller's epoch.
    pub const ZERO: Self = Self(0);

    /// `micros` microseconds after the epoch.
    pub const fn from_micros(micros: u64) -> Self {
        Self(micros)
    }

    /// Microseconds since the epoch.
    pub const fn as_micros(self) -> u64 {
        self.0
    }

    /// This point `duration` later; the end of time where that overflows.
    #[must_use]
    pub fn saturating_add(self, duration: Duration) -> Self {
        let micros = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
        Self(self.0.saturating_add(micros))
    }

    /// How long after `earlier` this is; zero where it is not after it.
    pub fn saturating_since(self, earlier: Self) -> Duration {
        Duration::from_micros(self.0.saturating_sub(earlier.0))
    }
}

/// A point on the calendar: seconds since 1970-01-01 00:00 UTC, leap seconds left out. `Display` is `2026-11-25T12:00:00Z`.
///
/// Nothing but the validity of certificates depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnixTime(u64);

impl UnixTime {
    /// Before everything.
    pub const ALWAYS: Self = Self(0);
    /// After everything.
    pub const FOREVER: Self = Self(u64::MAX);

    /// `seconds` after the beginning of 1970.
    pub const fn from_secs(seconds: u64) -> Self {
        Self(seconds)
    }

    /// Seconds since the beginning of 1970.
    pub const fn as_secs(self) -> u64 {
        self.0
    }

    /// This point `duration` later, without fractions of a second; [`FOREVER`](Self::FOREVER) where that overflows.
    #[must_use]
    pub const fn saturating_add(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(duration.as_secs()))
    }
}

impl fmt::Display for UnixTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const DAY: u64 = 24 * 60 * 60;
        // The years of the calendar repeat every 400 years, which begin here with a 1st of March: leap days come last.
        const DAYS_TO_1970: u64 = 719_468;
        const DAYS_OF_400_YEARS: u64 = 146_097;
        if *self == Self::FOREVER {
            return f.write_str("forever");
        }
        let days = self.0 / DAY + DAYS_TO_1970;
        let day_of_era = days % DAYS_OF_400_YEARS;
        let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let month_from_march = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
        let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
        let year = days / DAYS_OF_400_YEARS * 400 + year_of_era + u64::from(month <= 2);
        let (hour, minute, second) = (self.0 % DAY / 3600, self.0 % 3600 / 60, self.0 % 60);
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;

    #[test]
    fn arithmetic_saturates() {
        let end = Timestamp::from_micros(u64::MAX);
        assert_eq!(end.saturating_add(Duration::from_secs(1)), end);
        assert_eq!(Timestamp::ZERO.saturating_since(end), Duration::ZERO);
        assert_eq!(Timestamp::from_micros(2_000_000).saturating_since(Timestamp::ZERO), Duration::from_secs(2));
    }

    #[test]
    fn dates() {
        for (seconds, date) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_399, "2000-02-28T23:59:59Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (951_868_800, "2000-03-01T00:00:00Z"),
            (1_709_164_800, "2024-02-29T00:00:00Z"),
            (1_735_689_599, "2024-12-31T23:59:59Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
            (253_402_300_800, "10000-01-01T00:00:00Z"),
        ] {
            assert_eq!(UnixTime::from_secs(seconds).to_string(), date);
        }
        assert_eq!(UnixTime::FOREVER.to_string(), "forever");
        assert!(!UnixTime::from_secs(u64::MAX - 1).to_string().is_empty());
        assert_eq!(UnixTime::from_secs(1).saturating_add(Duration::MAX), UnixTime::FOREVER);
    }
}
