//! Times as recordings write them.

use exchange::moment::Moment;
use proptest::prelude::*;

#[test]
fn rfc3339_and_its_relatives() {
    let cases: &[(&str, Option<i64>)] = &[
        ("1970-01-01T00:00:00Z", Some(0)),
        ("1970-01-01T00:00:00.000001Z", Some(1)),
        ("1969-12-31T23:59:59.5Z", Some(-500_000)),
        ("2026-01-15T09:00:00.000Z", Some(1_768_467_600_000_000)),
        ("2026-01-15T09:00:00", Some(1_768_467_600_000_000)),
        ("2026-01-15 09:00:00,5", Some(1_768_467_600_500_000)),
        ("2026-01-15T10:00:00+01:00", Some(1_768_467_600_000_000)),
        ("2026-01-15T14:30:00+0530", Some(1_768_467_600_000_000)),
        ("2026-01-15t02:00:00-07z", None),
        ("2026-01-15t02:00:00-07", Some(1_768_467_600_000_000)),
        ("2024-02-29T00:00:00Z", Some(1_709_164_800_000_000)),
        ("2026-01-15T09:00:00.123456789Z", Some(1_768_467_600_123_456)),
        ("2000-03-01T00:00:00Z", Some(951_868_800_000_000)),
        ("1900-03-01T00:00:00Z", Some(-2_203_891_200_000_000)),
        ("2016-12-31T23:59:60Z", Some(1_483_228_800_000_000)),
        ("2025-02-29T00:00:00Z", None),
        ("2025-04-31T00:00:00Z", None),
        ("1900-02-29T00:00:00Z", None),
        ("2026-13-01T00:00:00Z", None),
        ("2026-00-01T00:00:00Z", None),
        ("2026-01-00T00:00:00Z", None),
        ("2026-01-15T24:00:00Z", None),
        ("2026-01-15T09:60:00Z", None),
        ("2026-01-15T09:00:00.Z", None),
        ("2026-01-15T09:00:00+1", None),
        ("2026-01-15T09:00:00Zulu", None),
        ("2026-01-15", None),
        ("2026/01/15T09:00:00Z", None),
        ("", None),
        ("+026-01-15T09:00:00Z", None),
        ("2026-01-15T0:000:00Z", None),
    ];
    for (text, expected) in cases {
        let moment = Moment::parse_rfc3339(text.as_bytes());
        assert_eq!(moment.map(Moment::micros), *expected, "{text}");
    }
    assert_eq!(cases.len(), 31);
}

#[test]
fn times_of_access_logs() {
    let cases: &[(&str, Option<&str>)] = &[
        ("10/Oct/2000:13:55:36 -0700", Some("2000-10-10T20:55:36.000Z")),
        ("01/Jan/2026:00:00:00 +0000", Some("2026-01-01T00:00:00.000Z")),
        ("31/Dec/2025:23:30:00 -0100", Some("2026-01-01T00:30:00.000Z")),
        ("29/feb/2024:12:00:00 +0530", Some("2024-02-29T06:30:00.000Z")),
        ("10/Oct/2000:13:55:36", Some("2000-10-10T13:55:36.000Z")),
        ("29/Feb/2023:12:00:00 +0000", None),
        ("10/Okt/2000:13:55:36 -0700", None),
        ("10/Oct/2000:13:55:36-0700", None),
        ("1/Oct/2000:13:55:36 -0700", None),
        ("10/Oct/2000:25:55:36 -0700", None),
        ("", None),
    ];
    for (text, expected) in cases {
        let moment = Moment::parse_access_log(text.as_bytes());
        assert_eq!(moment.map(|moment| moment.to_string()).as_deref(), *expected, "{text}");
    }
    assert_eq!(cases.len(), 11);
}

proptest! {
    #[test]
    fn what_is_shown_can_be_read(millis in -62_135_596_800_000_i64..253_402_300_800_000) {
        let moment = Moment::from_micros(millis * 1_000);
        prop_assert_eq!(Moment::parse_rfc3339(moment.to_string().as_bytes()), Some(moment));
    }

    #[test]
    fn nothing_breaks_it(
        text in proptest::collection::vec(any::<u8>(), 0..40),
        any in any::<i64>(),
    ) {
        let _moment = (Moment::parse_rfc3339(&text), Moment::parse_access_log(&text));
        let shown = Moment::from_micros(any).to_string();
        prop_assert!(shown.ends_with('Z'));
    }

    #[test]
    fn nothing_like_a_date_breaks_it(text in "[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9:.+Z-]{0,30}") {
        if let Some(moment) = Moment::parse_rfc3339(text.as_bytes()) {
            prop_assert!(moment.micros().abs() < 400_000_000_000_000_000);
        }
    }
}
