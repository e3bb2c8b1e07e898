//! `Accept-Encoding`: which of our codings a client likes best (RFC 9110 §12.5.3).

use policy::document::Coding;
use wire::Fields;

/// A weight in thousandths, as RFC 9110 §12.4.2 bounds its digits.
type Weight = u16;

const WEIGHT_MAX: Weight = 1_000;

/// The coding of `offered` that the client prefers; among equals, the one that is offered first.
/// `None` when it takes none of them, or would rather have the body as it is.
pub(crate) fn preferred(fields: &Fields, offered: &[Coding]) -> Option<Coding> {
    let listed: Vec<(&[u8], Weight)> = fields
        .get_all("accept-encoding")
        .flat_map(|value| value.split(comma))
        .filter_map(read)
        .collect();
    let weight_of = |name: &str| {
        let named = listed.iter().find(|(listed, _)| is_named(listed, name));
        named.or_else(|| listed.iter().find(|(listed, _)| *listed == b"*")).map(|(_, q)| *q)
    };
    // what is not listed is acceptable only as identity, and then at the lowest preference
    let plain =
        weight_of("identity").filter(|_| listed.iter().any(|(n, _)| is_named(n, "identity")));
    let mut best: Option<(Coding, Weight)> = None;
    for coding in offered {
        let weight = weight_of(coding.as_str()).unwrap_or(0);
        if weight > best.map_or(0, |(_, best)| best) {
            best = Some((*coding, weight));
        }
    }
    best.filter(|(_, weight)| *weight >= plain.unwrap_or(0)).map(|(coding, _)| coding)
}

const fn comma(byte: &u8) -> bool {
    *byte == b','
}

fn is_named(listed: &[u8], name: &str) -> bool {
    // RFC 9110 §8.4.1.3: x-gzip is gzip
    listed.eq_ignore_ascii_case(name.as_bytes())
        || name == "gzip" && listed.eq_ignore_ascii_case(b"x-gzip")
}

/// One element of the list. One whose weight cannot be read is not wanted.
fn read(element: &[u8]) -> Option<(&[u8], Weight)> {
    let mut parts = element.split(|byte| *byte == b';').map(<[u8]>::trim_ascii);
    let name = parts.next().filter(|name| !name.is_empty())?;
    let mut weight = WEIGHT_MAX;
    for part in parts {
        if let [b'q' | b'Q', b'=', value @ ..] = part {
            weight = read_weight(value).unwrap_or(0);
        }
    }
    Some((name, weight))
}

/// `0`, `1`, `0.5`, at most three digits behind the point.
fn read_weight(value: &[u8]) -> Option<Weight> {
    let (whole, fraction) = match value {
        [whole] | [whole, b'.'] => (*whole, &[][..]),
        [whole, b'.', fraction @ ..] if fraction.len() <= 3 => (*whole, fraction),
        _ => return None,
    };
    let mut thousandths = match whole {
        b'0' => 0,
        b'1' => WEIGHT_MAX,
        _ => return None,
    };
    let mut place = WEIGHT_MAX / 10;
    for digit in fraction {
        if !digit.is_ascii_digit() {
            return None;
        }
        thousandths += place * Weight::from(*digit - b'0');
        place /= 10;
    }
    (thousandths <= WEIGHT_MAX).then_some(thousandths)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choice(accept: &[&str]) -> Option<&'static str> {
        let mut fields = Fields::new();
        for value in accept {
            fields.push(b"accept-ENCODING", value.as_bytes());
        }
        preferred(&fields, &Coding::ALL).map(Coding::as_str)
    }

    #[test]
    fn the_clients_weights_decide_and_then_our_order() {
        let cases: &[(&[&str], Option<&str>)] = &[
            (&[], None),
            (&[""], None),
            (&["identity"], None),
            (&["gzip"], Some("gzip")),
            (&["x-gzip"], Some("gzip")),
            (&["GZIP"], Some("gzip")),
            (&["deflate"], None),
            (&["gzip, deflate, br, zstd"], Some("zstd")),
            (&["gzip", "br"], Some("br")),
            (&["gzip;q=1.0, br;q=0.9"], Some("gzip")),
            (&["gzip;q=0.5, br;q=0.501"], Some("br")),
            (&["gzip;q=0"], None),
            (&["gzip;q=0.000"], None),
            (&["*"], Some("zstd")),
            (&["*;q=0, gzip"], Some("gzip")),
            (&["zstd;q=0, *;q=0.1"], Some("br")),
            (&["identity;q=1, gzip;q=0.5"], None),
            (&["identity;q=0.5, gzip;q=0.5"], Some("gzip")),
            (&["identity;q=0, gzip;q=0.1"], Some("gzip")),
            (&["gzip;q=1.001"], None),
            (&["gzip;q=0.1234"], None),
            (&["gzip;q=two, br"], Some("br")),
            (&["gzip ; q=0.3 , , br ;q=0.2"], Some("gzip")),
            (&["gzip;q=2"], None),
        ];
        let mut ran = 0;
        for (accept, expected) in cases {
            assert_eq!(choice(accept), *expected, "{accept:?}");
            ran += 1;
        }
        assert_eq!(ran, 24);
    }
}
