//! `java.util.GregorianCalendar`: Julian before 15 October 1582.

use crate::connect::calendar::civil_from_days;

/// 15 October 1582, in days since 1970.
const CUTOVER: i64 = -141_427;
/// 1 January 1970 as a Julian day number.
const JULIAN_DAY_OF_1970: i64 = 2_440_588;

/// Year (0 is 1 BC), month and day of a day since 1970.
pub(super) fn date_of(days: i64) -> (i64, u32, u32) {
    if days >= CUTOVER {
        return civil_from_days(days);
    }
    // Years of 365.25 days, and months of 30.6 counted from March; from a year before all dates.
    let since_4801_bc = days + JULIAN_DAY_OF_1970 + 32_082;
    let year = (4 * since_4801_bc + 3).div_euclid(1461);
    let day_of_year = since_4801_bc - (1461 * year).div_euclid(4);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = month_from_march + 3 - 12 * (month_from_march / 10);
    let small = |number: i64| u32::try_from(number).expect("a month or day is small");
    (
        year - 4800 + month_from_march / 10,
        small(month),
        small(day),
    )
}

/// The day since 1970 of a date. Months and days beyond their range go on into the next year or month, or back.
pub(super) fn day_of(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = (
        year + (month - 1).div_euclid(12),
        (month - 1).rem_euclid(12) + 1,
    );
    let before_march = i64::from(month <= 2);
    let years = year + 4800 - before_march;
    let months = month + 12 * before_march - 3;
    let julian = day + (153 * months + 2) / 5 + 365 * years + years.div_euclid(4) - 32_083;
    let gregorian = julian - years.div_euclid(100) + years.div_euclid(400) + 38;
    if gregorian - JULIAN_DAY_OF_1970 >= CUTOVER {
        gregorian - JULIAN_DAY_OF_1970
    } else {
        julian - JULIAN_DAY_OF_1970
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What `new GregorianCalendar(…)` of Java 17 has for them.
    #[test]
    fn the_calendar_changes_in_october_1582() {
        for (days, date) in [
            (0, (1970, 1, 1)),
            (19_782, (2024, 2, 29)),
            (CUTOVER, (1582, 10, 15)),
            (CUTOVER - 1, (1582, 10, 4)),
            (-719_164, (1, 1, 1)),
            (-719_165, (0, 12, 31)),
        ] {
            assert_eq!(date_of(days), date);
            assert_eq!(day_of(date.0, date.1.into(), date.2.into()), days);
        }
    }

    proptest! {
        #[test]
        fn a_date_leads_back_to_its_day(days in -10_000_000_i64..100_000_000) {
            let (year, month, day) = date_of(days);
            prop_assert_eq!(day_of(year, month.into(), day.into()), days);
        }
    }
}
