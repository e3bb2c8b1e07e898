//! Values of digits, alone or in groups: cards, accounts, numbers of persons, telephones, dates.

use exchange::data_class::DataClass;

use super::check::{self, Digits};
use super::name::Hint;

/// Groups of digits in one value.
const GROUPS_MAX: usize = 8;

/// A value of nothing but digits.
pub(super) fn bare(text: &[u8], hint: Hint) -> Option<DataClass> {
    let digits = Digits::of(text)?;
    let digits = digits.as_slice();
    match hint {
        Hint::None => by_itself(digits),
        Hint::Cvv => (matches!(text.len(), 3 | 4)).then_some(DataClass::Cvv),
        Hint::DateOfBirth => is_compact_date(digits).then_some(DataClass::DateOfBirth),
        Hint::Phone => is_phone(digits, false).then_some(DataClass::Phone),
        Hint::Passport => (matches!(digits.len(), 8 | 9) && !check::repeated(digits))
            .then_some(DataClass::Passport),
        Hint::Password => Some(DataClass::Password).filter(|_| text.len() >= 4),
        hint => named(digits, hint),
    }
}

/// Numbers that are told by what they are: a card by network and check digit, France's number by
/// its date and key. Fewer digits pass such tests by chance.
fn by_itself(digits: &[u8]) -> Option<DataClass> {
    match digits.len() {
        15 if check::nir(digits) => Some(DataClass::Nir),
        // at 13 digits lie times in milliseconds and articles, from 17 on ids that grow with time
        14..=16 if is_card(digits) => Some(DataClass::Pan),
        _ => None,
    }
}

fn is_card(digits: &[u8]) -> bool {
    check::issued(digits) && !check::repeated(&digits[1..]) && check::luhn(digits)
}

/// Numbers that the name announces and the check digit confirms.
fn named(digits: &[u8], hint: Hint) -> Option<DataClass> {
    let told = |fits: bool, class| fits.then_some(class);
    match hint {
        Hint::Aadhaar => told(check::aadhaar(digits), DataClass::Aadhaar),
        Hint::Aba => told(check::aba(digits), DataClass::AbaRouting),
        Hint::Bsn => told(check::bsn(digits), DataClass::Bsn),
        Hint::Card => told(is_card(digits), DataClass::Pan),
        Hint::Cpf => told(check::cpf(digits), DataClass::Cpf),
        Hint::Nhs => told(check::nhs(digits), DataClass::Nhs),
        Hint::Nir => told(check::nir(digits), DataClass::Nir),
        Hint::Npi => told(check::npi(digits), DataClass::Npi),
        Hint::Personnummer => told(check::personnummer(digits), DataClass::Personnummer),
        Hint::Pesel => told(check::pesel(digits), DataClass::Pesel),
        Hint::Sin => told(check::sin(digits), DataClass::Sin),
        Hint::Ssn => told(check::ssn(digits), DataClass::Ssn),
        Hint::SteuerId => told(check::steuer_id(digits), DataClass::SteuerId),
        Hint::NationalId => national(digits),
        _ => None,
    }
}

/// Under a name that promises a person's number of any state.
fn national(digits: &[u8]) -> Option<DataClass> {
    type Test = (fn(&[u8]) -> bool, DataClass);
    const TESTS: [Test; 9] = [
        (check::cpf, DataClass::Cpf),
        (check::steuer_id, DataClass::SteuerId),
        (check::pesel, DataClass::Pesel),
        (check::nir, DataClass::Nir),
        (check::aadhaar, DataClass::Aadhaar),
        (check::personnummer, DataClass::Personnummer),
        (check::bsn, DataClass::Bsn),
        (check::sin, DataClass::Sin),
        (check::ssn, DataClass::Ssn),
    ];
    TESTS.iter().find(|(test, _)| test(digits)).map(|(_, class)| *class)
}

/// A value of digits and what separates them.
pub(super) fn grouped(text: &[u8], hint: Hint) -> Option<DataClass> {
    let digits = Digits::of(text)?;
    let digits = digits.as_slice();
    let groups = Groups::of(text)?;
    let confirmed = named(digits, hint);
    if confirmed.is_some() {
        return confirmed;
    }
    match hint {
        Hint::DateOfBirth => return is_date(&groups, text).then_some(DataClass::DateOfBirth),
        Hint::Phone if !groups.is_date() && is_phone(digits, text.starts_with(b"+")) => {
            return Some(DataClass::Phone);
        }
        Hint::Password => return Some(DataClass::Password),
        _ => {}
    }
    let told = |fits: bool, class| fits.then_some(class);
    match (groups.lengths(), groups.separator) {
        ([4, 4, 4, 4] | [4, 4, 4, 4, 3] | [4, 6, 5] | [4, 6, 4], _) if is_card(digits) => {
            Some(DataClass::Pan)
        }
        _ if hint == Hint::Plain || hint == Hint::Version => None,
        ([3, 2, 4], Some(b'-')) => told(check::ssn(digits), DataClass::Ssn),
        ([3, 3, 3, 2], _) if text.ends_with_group(b'-', 2) => {
            told(check::cpf(digits), DataClass::Cpf)
        }
        ([4, 4, 4], Some(b' ' | b'-')) => told(check::aadhaar(digits), DataClass::Aadhaar),
        ([6 | 8, 4], Some(b'-' | b'+')) => {
            told(check::personnummer(digits), DataClass::Personnummer)
        }
        ([2, 3, 3, 3], Some(b' ')) => told(check::steuer_id(digits), DataClass::SteuerId),
        ([1, 2, 2, 2, 3, 3, 2], Some(b' ')) => told(check::nir(digits), DataClass::Nir),
        _ => told(is_written_phone(text, digits), DataClass::Phone),
    }
}

/// Ends of texts, for the one number whose last group has a separator of its own.
trait EndsWithGroup {
    fn ends_with_group(&self, separator: u8, length: usize) -> bool;
}

impl EndsWithGroup for [u8] {
    fn ends_with_group(&self, separator: u8, length: usize) -> bool {
        self.len() > length && self[self.len() - length - 1] == separator
    }
}

/// A number that is written as only telephone numbers are: with `+` and its country, or with its
/// area in parentheses.
fn is_written_phone(text: &[u8], digits: &[u8]) -> bool {
    match text[0] {
        b'+' => is_phone(digits, true),
        b'(' => {
            let area = text.iter().position(|byte| *byte == b')').unwrap_or(0);
            (4..=6).contains(&area) && (9..=12).contains(&digits.len()) && !check::repeated(digits)
        }
        _ => false,
    }
}

/// E.164 allows 15 digits; subscribers have at least seven. Without `+` ten or thirteen digits that
/// begin with 1 are seconds or milliseconds since 1970.
fn is_phone(digits: &[u8], international: bool) -> bool {
    if international {
        return (8..=15).contains(&digits.len()) && digits[0] != 0 && !check::repeated(digits);
    }
    let time = digits.first() == Some(&1) && matches!(digits.len(), 10 | 13);
    (7..=15).contains(&digits.len()) && !time && !check::repeated(digits)
}

fn is_compact_date(digits: &[u8]) -> bool {
    digits.len() == 8 && is_birth(number(&digits[..4]), number(&digits[4..6]), number(&digits[6..]))
}

fn number(digits: &[u8]) -> u64 {
    check::number(digits)
}

/// The years are those of people who may be alive; `month` and `day` may come in either order.
fn is_birth(year: u64, month: u64, day: u64) -> bool {
    (1900..=2035).contains(&year) && (1..=12).contains(&month) && (1..=31).contains(&day)
}

fn is_date(groups: &Groups, text: &[u8]) -> bool {
    let numbers = || {
        text.split(|byte| !byte.is_ascii_digit())
            .filter(|part| !part.is_empty())
            .map(|part| part.iter().fold(0, |sum, byte| sum * 10 + u64::from(byte - b'0')))
    };
    let mut numbers = numbers();
    let (Some(a), Some(b), Some(c)) = (numbers.next(), numbers.next(), numbers.next()) else {
        return false;
    };
    match groups.lengths() {
        [4, ..] => is_birth(a, b, c),
        [1 | 2, 1 | 2, 4] => is_birth(c, b, a) || is_birth(c, a, b),
        _ => false,
    }
}

/// A date at the start of a value, as in a date-time.
pub(super) fn begins_with_birth(text: &[u8]) -> bool {
    let Some(date) = text.get(..10) else { return false };
    let fits = date.iter().enumerate().all(|(at, byte)| match at {
        4 | 7 => *byte == b'-',
        _ => byte.is_ascii_digit(),
    });
    fits && Groups::of(date).is_some_and(|groups| is_date(&groups, date))
}

/// How digits are grouped.
struct Groups {
    lengths: [u8; GROUPS_MAX],
    count: usize,
    /// What stands between the groups, if it is always the same.
    separator: Option<u8>,
}

impl Groups {
    /// `None` when there are more groups than any number here has.
    fn of(text: &[u8]) -> Option<Self> {
        let mut groups = Self { lengths: [0; GROUPS_MAX], count: 0, separator: None };
        let mut mixed = false;
        let mut inside = false;
        for &byte in text {
            if byte.is_ascii_digit() {
                groups.count += usize::from(!inside);
                *groups.lengths.get_mut(groups.count - 1)? += 1;
            } else {
                mixed |= groups.separator.is_some_and(|before| before != byte);
                groups.separator = groups.separator.or(Some(byte));
            }
            inside = byte.is_ascii_digit();
        }
        groups.separator = groups.separator.filter(|_| !mixed);
        Some(groups)
    }

    fn lengths(&self) -> &[u8] {
        &self.lengths[..self.count]
    }

    fn is_date(&self) -> bool {
        matches!(self.lengths(), [4, 2, 2] | [2, 2, 4] | [1, 1 | 2, 4] | [2, 1, 4])
    }
}
