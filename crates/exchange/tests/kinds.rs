//! What a text looks like: literals of paths against what stands for them.

use exchange::kind::ValueKind;
use proptest::prelude::*;

const CASES: &[(&str, ValueKind)] = &[
    // literals
    ("", ValueKind::Word),
    ("v1", ValueKind::Word),
    ("v2", ValueKind::Word),
    ("v2.1", ValueKind::Word),
    ("v1beta1", ValueKind::Word),
    ("v1p1beta1", ValueKind::Word),
    ("v12x34y5", ValueKind::Token),
    ("oauth2", ValueKind::Word),
    ("s3", ValueKind::Word),
    ("ipv4", ValueKind::Word),
    ("health", ValueKind::Word),
    ("healthz", ValueKind::Word),
    ("users", ValueKind::Word),
    ("getUserById", ValueKind::Word),
    ("GetCustomerAccountBalanceSummary", ValueKind::Word),
    ("iso3166", ValueKind::Word),
    ("2fa", ValueKind::Word),
    ("mp3", ValueKind::Word),
    ("user-profile", ValueKind::Word),
    ("user_profile", ValueKind::Word),
    ("covid19-stats", ValueKind::Word),
    ("web3", ValueKind::Word),
    ("base64", ValueKind::Word),
    ("utf8", ValueKind::Word),
    ("sha256", ValueKind::Word),
    ("x509", ValueKind::Word),
    ("log4j", ValueKind::Word),
    ("k8s", ValueKind::Word),
    ("i18n", ValueKind::Word),
    ("l10n", ValueKind::Word),
    ("3d-secure", ValueKind::Word),
    ("oauth2-callback", ValueKind::Word),
    ("top-10", ValueKind::Word),
    ("openapi.json", ValueKind::Word),
    (".well-known", ValueKind::Word),
    ("en-US", ValueKind::Word),
    ("blue-suede-shoes", ValueKind::Word),
    ("me", ValueKind::Word),
    ("internationalization", ValueKind::Word),
    ("12:30:45", ValueKind::Word),
    ("a:b", ValueKind::Word),
    ("1.2.3", ValueKind::Word),
    ("jane doe", ValueKind::Word),
    // values
    ("true", ValueKind::Boolean),
    ("False", ValueKind::Boolean),
    ("0", ValueKind::Integer),
    ("48213", ValueKind::Integer),
    ("-7", ValueKind::Integer),
    ("12345678901234567890", ValueKind::Integer),
    ("3.14", ValueKind::Decimal),
    ("-0.5", ValueKind::Decimal),
    ("1e9", ValueKind::Decimal),
    ("1.5E-7", ValueKind::Decimal),
    ("6F9619FF-8B86-D011-B42D-00C04FC964FF", ValueKind::Uuid),
    ("3f2504e0-4f89-11d3-9a0c-0305e82c3301", ValueKind::Uuid),
    ("507f1f77bcf86cd799439011", ValueKind::Hex),
    ("d41d8cd98f00b204e9800998ecf8427e", ValueKind::Hex),
    ("01ARZ3NDEKTSV4RRFFQ69G5FAV", ValueKind::Ulid),
    ("01arz3ndektsv4rrffq69g5fav", ValueKind::Ulid),
    ("cus_9s6XKzkNRiz8i3", ValueKind::Prefixed),
    ("ORD-48213", ValueKind::Prefixed),
    ("pi_3MtwBwLkdIwHu7ix28a3tqPa", ValueKind::Prefixed),
    ("sk_live_9s6XKzkNRiz8i3", ValueKind::Prefixed),
    ("usr-000123", ValueKind::Prefixed),
    ("usr_123", ValueKind::Prefixed),
    ("PROJ-123", ValueKind::Prefixed),
    ("route-101", ValueKind::Word),
    ("V1StGXR8Z5jdHi6B", ValueKind::Token),
    ("dBjftJeZ4CVPmB92K27uhbUJU1p1rwW1", ValueKind::Token),
    ("a8Xk29Qz", ValueKind::Token),
    ("AB123456", ValueKind::Token),
    ("dGhpcyBpcyBiYXNlNjQ0Mg==", ValueKind::Token),
    ("2026-01-15", ValueKind::Date),
    ("2026-01-15T09:00:00Z", ValueKind::DateTime),
    ("2026-01-15T09:00:00.123+02:00", ValueKind::DateTime),
    ("2026-13-45", ValueKind::Word),
    ("jane@example.com", ValueKind::Email),
    ("jane.doe+tag@mail.example.co.uk", ValueKind::Email),
    ("user@host", ValueKind::Word),
    ("https://example.com/a?b=c", ValueKind::Uri),
    ("192.0.2.7", ValueKind::Ip),
    ("2001:db8::1", ValueKind::Ip),
    ("::1", ValueKind::Ip),
];

#[test]
fn literals_are_words_and_ids_are_values() {
    let mut wrong = Vec::new();
    for (text, expected) in CASES {
        let kind = ValueKind::of(text.as_bytes());
        if kind != *expected {
            wrong.push(format!("{text:?} is {}, not {}", kind.as_str(), expected.as_str()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(CASES.len(), 83);
}

proptest! {
    #[test]
    fn any_bytes_have_a_kind(text in proptest::collection::vec(any::<u8>(), 0..80)) {
        let kind = ValueKind::of(&text);
        prop_assert!(!kind.as_str().is_empty());
    }

    #[test]
    fn numbers_and_uuids_are_never_words(number in any::<u64>(), id in any::<u128>()) {
        prop_assert_eq!(ValueKind::of(number.to_string().as_bytes()), ValueKind::Integer);
        let hex = format!("{id:032x}");
        let places = [0..8, 8..12, 12..16, 16..20, 20..32];
        let parts: Vec<&str> = places.into_iter().map(|at| hex.get(at).unwrap()).collect();
        prop_assert_eq!(ValueKind::of(parts.join("-").as_bytes()), ValueKind::Uuid);
    }

    #[test]
    fn lower_case_words_stay_words(word in "[a-z]{1,30}") {
        prop_assume!(word != "true" && word != "false");
        prop_assert!(!ValueKind::of(word.as_bytes()).is_value());
    }
}
