//! Values that are data, and values that only look like it. Numbers with check digits and anything
//! that a scanner for secrets would stop are made here.

use exchange::data_class::{DataClass, DataClasses};

use super::check::{self, Digits};
use super::{classify, scan_text};

/// The first number that begins with `front`, has `length` digits and passes `test`.
fn make(front: &str, length: usize, test: fn(&[u8]) -> bool) -> String {
    let open = length - front.len();
    // odd steps reach all endings, and the first tries are not all zeros
    (0..10_u64.pow(open as u32))
        .map(|at| format!("{front}{:0open$}", (at * 7_919 + 4_321) % 10_u64.pow(open as u32)))
        .find(|number| test(Digits::of(number.as_bytes()).unwrap().as_slice()))
        .unwrap()
}

/// `number` with separators after these many digits.
fn group(number: &str, lengths: &[usize], separator: &str) -> String {
    let mut rest = number;
    let mut parts = Vec::new();
    for length in lengths {
        let (part, behind) = rest.split_at(*length);
        parts.push(part);
        rest = behind;
    }
    assert!(rest.is_empty());
    parts.join(separator)
}

fn card() -> String {
    make("411111", 16, check::luhn)
}

fn iban() -> String {
    (0..100)
        .map(|key| format!("DE{key:02}370400440532013000"))
        .find(|account| check::iban(account.as_bytes()))
        .unwrap()
}

fn jwt() -> String {
    use base64::Engine;
    let encode = |text: &str| base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(text);
    let head = encode(r#"{"alg":"HS256","typ":"JWT"}"#);
    format!("{head}.{}.{}", encode(r#"{"sub":"7"}"#), "c2lnbmF0dXJl".repeat(3))
}

fn letters(length: usize) -> String {
    "aB3xY7kLm9Qz".chars().cycle().take(length).collect()
}

fn dni() -> String {
    (b'A'..=b'Z')
        .map(|letter| format!("48213975{}", char::from(letter)))
        .find(|number| check::dni(number.as_bytes()))
        .unwrap()
}

fn codice_fiscale() -> String {
    (b'A'..=b'Z')
        .map(|letter| format!("RSSMRA85T10A562{}", char::from(letter)))
        .find(|code| check::codice_fiscale(code.as_bytes()))
        .unwrap()
}

fn nir() -> String {
    make("1841276451089", 15, check::nir)
}

fn wrong(class: DataClass, name: &str, value: &str, got: Option<DataClass>) -> String {
    format!("{name}: {value:?} is {got:?}, not {class:?}")
}

fn assert_all(cases: &[(DataClass, &str, String)]) {
    let wrong: Vec<String> = cases
        .iter()
        .map(|(class, name, value)| (class, name, value, classify(name, value)))
        .filter(|(class, _, _, got)| *got != Some(**class))
        .map(|(class, name, value, got)| wrong(*class, name, value, got))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_needs_no_name() {
    use DataClass as C;
    let (card, iban) = (card(), iban());
    let steuer = make("86095", 11, check::steuer_id);
    let cases = [
        (C::Email, "value", "jane.doe@example.com".to_owned()),
        (C::Email, "userId", "jane+tag@mail.example.co.uk".to_owned()),
        (C::Email, "x", "Write to jane@example.com, please".to_owned()),
        (C::Email, "x", "Jane Doe <jane@example.com>".to_owned()),
        (C::Pan, "value", card.clone()),
        (C::Pan, "value", group(&card, &[4, 4, 4, 4], " ")),
        (C::Pan, "orderId", group(&card, &[4, 4, 4, 4], "-")),
        (C::Pan, "x", group(&make("37828", 15, check::luhn), &[4, 6, 5], " ")),
        (C::Pan, "note", format!("paid with {} today", group(&card, &[4, 4, 4, 4], " "))),
        (C::Pan, "x", group(&card, &[4, 4, 4, 4], "\u{a0}")),
        (C::Pan, "x", card.chars().map(|d| char::from_u32(d as u32 + 0xfee0).unwrap()).collect()),
        (C::Iban, "value", iban.clone()),
        (C::Iban, "value", group(&iban, &[4, 4, 4, 4, 4, 2], " ")),
        (C::Iban, "x", format!("account {}.", group(&iban, &[4, 4, 4, 4, 4, 2], " "))),
        (C::Jwt, "x", jwt()),
        (C::AwsAccessKey, "x", format!("AKIA{}", "Q3EGRIZ7XN2KHTPB")),
        (C::GithubToken, "x", format!("ghp_{}", letters(36))),
        (C::GithubToken, "x", format!("github_pat_{}_{}", letters(22), letters(59))),
        (C::SlackToken, "x", format!("xoxb-{}-{}", "123456789012", letters(24))),
        (C::StripeKey, "x", format!("sk_live_{}", letters(24))),
        (C::GoogleApiKey, "x", format!("AIza{}", letters(35))),
        (C::GithubToken, "log", format!("cloning with token=ghs_{} now", letters(36))),
        (
            C::PrivateKey,
            "x",
            format!("-----BEGIN {} KEY-----\n{}\n-----END", "RSA PRIVATE", letters(300)),
        ),
        (C::PrivateKey, "x", format!("-----BEGIN {} KEY-----\n{}", "EC PRIVATE", letters(100))),
        (C::ConnectionString, "x", "postgres://app:s3cr3t@db.example:5432/shop".to_owned()),
        (C::ConnectionString, "x", "Server=db;Database=shop;User Id=a;Password=s3cr3t;".to_owned()),
        (C::PasswordHash, "x", format!("$2b$12${}", letters(53))),
        (C::PasswordHash, "x", format!("$argon2id$v=19$m=65536,t=3,p=4${}", letters(40))),
        (C::PasswordHash, "x", format!("pbkdf2_sha256$600000${}${}", letters(12), letters(40))),
        (C::Ipv4, "value", "192.168.2.7".to_owned()),
        (C::Ipv6, "value", "2001:db8::8a2e:370:7334".to_owned()),
        (C::Mac, "value", "00:1A:2b:3c:4D:5e".to_owned()),
        (C::Mac, "value", "00-1A-2b-3c-4D-5e".to_owned()),
        (C::EthAddress, "x", format!("0x{}", "52908400098527886E0F7030069857D2E4169EE7")),
        (C::BtcAddress, "x", "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa".to_owned()),
        (C::BtcAddress, "x", "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4".to_owned()),
        (C::Phone, "x", "+49 30 1234 5678".to_owned()),
        (C::Phone, "x", "+14155552671".to_owned()),
        (C::Phone, "x", "(415) 555-2671".to_owned()),
        (C::Ssn, "x", "536-22-8190".to_owned()),
        (C::Cpf, "x", {
            let digits = make("529982", 11, check::cpf);
            let (front, back) = digits.split_at(9);
            format!("{}-{back}", group(front, &[3, 3, 3], "."))
        }),
        (C::Aadhaar, "x", group(&make("49911866", 12, check::aadhaar), &[4, 4, 4], " ")),
        (C::Personnummer, "x", group(&make("811228", 10, check::personnummer), &[6, 4], "-")),
        (C::SteuerId, "x", group(&steuer, &[2, 3, 3, 3], " ")),
        (C::Nir, "x", nir()),
        (C::Nir, "x", group(&nir(), &[1, 2, 2, 2, 3, 3, 2], " ")),
        (C::CodiceFiscale, "x", codice_fiscale()),
        (C::Dni, "x", dni()),
        (C::Nino, "x", "AB 12 34 56 C".to_owned()),
        (C::Nino, "x", "AB123456C".to_owned()),
    ];
    assert_all(&cases);
    assert_eq!(cases.len(), 50);
}

#[test]
fn what_a_name_makes_certain() {
    use DataClass as C;
    let plain = |class, name, value: &str| (class, name, value.to_owned());
    let cases = [
        plain(C::PersonName, "fullName", "Jane Doe"),
        plain(C::PersonName, "customer_name", "María José García-López"),
        plain(C::PersonName, "contactName", "Vincent van Gogh"),
        plain(C::PersonName, "cardholder_name", "JANE Q. DOE"),
        plain(C::PersonName, "patient-name", "O'Brien, Sean"),
        plain(C::PersonName, "firstName", "Li"),
        plain(C::PersonName, "last_name", "smith"),
        plain(C::PersonName, "nachname", "Müller"),
        plain(C::PersonName, "full_name", "山田太郎"),
        plain(C::Address, "address", "12 Main Street, Springfield"),
        plain(C::Address, "shippingAddress", "Hauptstraße 5, 10115 Berlin"),
        plain(C::Address, "street_address", "221B Baker Street"),
        plain(C::Address, "addressLine1", "Rose Cottage, Church Lane"),
        plain(C::DateOfBirth, "dateOfBirth", "1984-02-29"),
        plain(C::DateOfBirth, "dob", "29/02/1984"),
        plain(C::DateOfBirth, "birth_date", "02.11.1990"),
        plain(C::DateOfBirth, "birthday", "3 Feb 1980"),
        plain(C::DateOfBirth, "birthDate", "1984-02-29T00:00:00Z"),
        plain(C::DateOfBirth, "dob", "19840229"),
        plain(C::Phone, "phone", "415-555-2671"),
        plain(C::Phone, "mobileNumber", "030 12345678"),
        plain(C::Phone, "phone_number", "4155552671"),
        plain(C::Phone, "tel", "(415) 555-2671 ext. 12"),
        plain(C::Cvv, "cvv", "123"),
        plain(C::Cvv, "securityCode", "1234"),
        plain(C::Passport, "passportNumber", "C01X00T47"),
        plain(C::Passport, "passport_no", "123456780"),
        plain(C::Icd10, "icd10", "E11.9"),
        plain(C::Icd10, "diagnosisCode", "J45"),
        plain(C::Bic, "bic", "DEUTDEFF500"),
        plain(C::Password, "password", "correct horse battery"),
        plain(C::Password, "userPassword", "hunter22"),
        plain(C::PasswordHash, "password", "5f4dcc3b5aa765d61d8327deb882cf99"),
        plain(C::PasswordHash, "passwordHash", "5f4dcc3b5aa765d61d8327deb882cf99"),
        plain(C::Ipv4, "ipAddress", "10.0.0.5"),
        (C::AwsSecretKey, "secretAccessKey", letters(40)),
        (C::Pan, "cardNumber", make("6212", 19, check::luhn)),
        (C::Pan, "card_number", make("4222", 13, check::luhn)),
        (C::Ssn, "ssn", "536228190".to_owned()),
        (C::Sin, "socialInsuranceNumber", group(&make("130", 9, check::sin), &[3, 3, 3], " ")),
        (C::AbaRouting, "routingNumber", make("02100", 9, check::aba)),
        (C::Bsn, "bsn", make("11122", 9, check::bsn)),
        (C::Nhs, "nhsNumber", make("94347", 10, check::nhs)),
        (C::Nhs, "nhs_number", group(&make("94347", 10, check::nhs), &[3, 3, 4], " ")),
        (C::Npi, "npi", make("12345", 10, check::npi)),
        (C::Pesel, "pesel", make("440514", 11, check::pesel)),
        (C::Cpf, "cpf", make("529982", 11, check::cpf)),
        (C::SteuerId, "steuerId", make("86095", 11, check::steuer_id)),
        (C::Aadhaar, "aadhaarNumber", make("49911866", 12, check::aadhaar)),
        (C::Personnummer, "personnummer", make("19811228", 12, check::personnummer)),
        (
            C::Pesel,
            "nationalId",
            make("440514", 11, |d| check::pesel(d) && !check::cpf(d) && !check::steuer_id(d)),
        ),
    ];
    assert_all(&cases);
    assert_eq!(cases.len(), 51);
}

const LOOK_ALIKES: &[(&str, &str)] = &[
    // names that promise nothing
    ("emailVerified", "true"),
    ("phoneType", "mobile"),
    ("passwordPolicy", "strong"),
    ("cardId", "48213"),
    ("addressId", "48213"),
    ("ssnLast4", "8190"),
    ("passwordChangedAt", "2026-01-15T09:00:00Z"),
    ("phoneVerified", "false"),
    ("productName", "Earl Grey"),
    ("name", "Jane Doe"),
    ("companyName", "Smith Brothers"),
    ("status", "Pending Review"),
    ("title", "Uncle Sam"),
    ("city", "Jane Lew"),
    // masked and empty
    ("cardNumber", "**** **** **** 1234"),
    ("cardNumber", "xxxx-xxxx-xxxx-1234"),
    ("cardNumber", "•••• 1234"),
    ("ssn", "***-**-8190"),
    ("password", "********"),
    ("password", "[REDACTED]"),
    ("password", "string"),
    ("password", "null"),
    ("fullName", "N/A"),
    ("firstName", "unknown"),
    ("url", "postgres://app:***@db/shop"),
    ("url", "postgres://app:${PASSWORD}@db/shop"),
    ("url", "postgres://db.example/shop"),
    // numbers that pass by chance, or not at all
    ("id", "1768467600123"),
    ("createdAt", "1768467600"),
    ("nanos", "1768467600123456789"),
    ("value", "1768467600123456"),
    ("snowflake", "412345678901234567"),
    ("ean", "4006381333931"),
    ("count", "123456789"),
    ("value", "123456789"),
    ("value", "12345678901"),
    ("value", "4111111111111112"),
    ("cardNumber", "0000000000000000"),
    ("ssn", "000-12-3456"),
    ("ssn", "666-12-3456"),
    ("ssn", "987-65-4321"),
    ("x", "111-11-1111"),
    ("price", "12.50"),
    ("value", "-7"),
    ("phone", "1768467600"),
    ("phone", "2026-01-15"),
    ("cvv", "12345"),
    ("dob", "48213"),
    ("dob", "1984-13-45"),
    ("dob", "1750-01-01"),
    // things of the same shape
    ("version", "192.168.2.7"),
    ("value", "4.12.0.3"),
    ("value", "1.2.3"),
    ("value", "12:30:45"),
    ("value", "logo@2x.png"),
    ("value", "lodash@4.17.21"),
    ("value", "user@host"),
    ("value", "git@github.com:owner/repo"),
    ("value", "https://medium.example/@jane"),
    ("sku", "AB123456C"),
    ("sku", "12345678Z"),
    ("value", "std::io"),
    ("value", "6f9619ff-8b86-d011-b42d-00c04fc964ff"),
    ("value", "2026-01-15T09:00:00.000Z"),
    ("value", "DE00370400440532013000"),
    ("value", "ordinary"),
    ("value", "2026-01-15"),
    ("secretAccessKey", "2fd4e1c67a2d28fced849ee1bb76e7391b93eb12"),
    ("bic", "shopping"),
    ("value", "SHOPPING"),
    ("icd10", "high"),
    ("passport", "required"),
    ("value", "eyJhbGciOi"),
    ("value", "a.b.c"),
    ("address", "unknown"),
    ("address", "https://example.com/12 a"),
    ("etag", "W/\"5f4dcc3b5aa765d61d8327deb882cf99\""),
    ("value", "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNb"),
    ("value", "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t5"),
    ("", "word"),
    ("value", ""),
];

#[test]
fn look_alikes_are_nothing() {
    let card = card();
    let cases: Vec<(&str, String)> = LOOK_ALIKES
        .iter()
        .map(|(name, value)| (*name, (*value).to_owned()))
        .chain([("orderId", card.clone()), ("trackingNumber", card)])
        .collect();
    let wrong: Vec<String> = cases
        .iter()
        .filter_map(|(name, value)| {
            Some(format!("{name}: {value:?} is {:?}", classify(name, value)?))
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(cases.len(), 83);
}

fn classes(text: &str) -> Vec<DataClass> {
    scan_text(text.as_bytes()).iter().collect()
}

#[test]
fn bodies_that_are_not_json() {
    use DataClass as C;
    let card = card();
    let cases: Vec<(String, Vec<C>)> = vec![
        (
            "id,full_name,dob\n7,\"Doe, Jane\",1984-02-29\n".into(),
            vec![C::DateOfBirth, C::PersonName],
        ),
        (format!("id;card\r\n7;\"{card}\"\r\n8;x"), vec![C::Pan]),
        ("a\tpassword\n1\thunter22".into(), vec![C::Password]),
        (
            "<?xml version=\"1.0\"?><r><a>1</a><firstName>Jane</firstName></r>".into(),
            vec![C::PersonName],
        ),
        ("<r xmlns:x=\"u\"><x:dob at=\"1\">1984-02-29</x:dob></r>".into(), vec![C::DateOfBirth]),
        ("<user phone=\"415-555-2671\" id='7'/>".into(), vec![C::Phone]),
        ("<a><email><![CDATA[jane@example.com]]></email></a>".into(), vec![C::Email]),
        ("name=Jane&password=hunter22".into(), vec![C::Password]),
        ("email=jane%40example.com&full_name=Jane+Doe".into(), vec![C::Email, C::PersonName]),
        ("Some words first. date_of_birth: 1984-02-29; more of them.".into(), vec![C::DateOfBirth]),
        ("Words. full_name: Jane Doe; more words.".into(), vec![C::PersonName]),
        ("address: 12 Main Street, Springfield; words".into(), vec![C::Address]),
        (
            format!("Words {} and jane@example.com.", group(&card, &[4, 4, 4, 4], " ")),
            vec![C::Email, C::Pan],
        ),
        (format!("token: {}", jwt()), vec![C::Jwt]),
        ("call +49 30 1234 5678 now".into(), vec![C::Phone]),
        ("client 192.168.2.7 (00:1a:2b:3c:4d:5e)".into(), vec![C::Ipv4, C::Mac]),
        (format!("{} KEY-----\nabc", "-----BEGIN PRIVATE"), vec![C::PrivateKey]),
        // nothing
        ("plain words, and more of them: nothing else".into(), vec![]),
        ("id,count\n7,123456789\n".into(), vec![]),
        ("<a><status>Pending Review</status><time>12:30:45</time></a>".into(), vec![]),
        ("a=1&b=2026-01-15".into(), vec![]),
        (format!("order-{card} and x{card}y"), vec![]),
        (String::new(), vec![]),
    ];
    let wrong: Vec<String> = cases
        .iter()
        .filter(|(text, expected)| classes(text) != *expected)
        .map(|(text, expected)| format!("{text:?} has {:?}, not {expected:?}", classes(text)))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(cases.len(), 23);
}

#[test]
fn every_class_can_be_recognised() {
    let mut seen = DataClasses::NONE;
    let source = include_str!("tests.rs");
    for class in DataClass::ALL {
        if source.contains(&format!("C::{class:?}")) {
            seen.insert(*class);
        }
    }
    assert_eq!(seen.iter().count(), DataClass::ALL.len());
}

proptest::proptest! {
    #[test]
    fn nothing_breaks_it(name in "\\PC{0,20}", value in "\\PC{0,80}", bytes: Vec<u8>) {
        let _class = (classify(&name, &value), scan_text(value.as_bytes()), scan_text(&bytes));
    }

    #[test]
    fn nothing_like_data_breaks_it(
        name in "(phone|dob|card_number|password|address|fullName|x)",
        value in "[-+0-9 .()/:@A-Fxe*$=;<>\",&éß•]{0,60}",
    ) {
        let _class = (classify(&name, &value), scan_text(value.as_bytes()));
    }
}
