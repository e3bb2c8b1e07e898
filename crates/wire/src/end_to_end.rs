//! The fields of a message that concern both ends, for a next hop that frames messages itself.

use crate::field::{CRITICAL, Fields, is_hop_by_hop};
use crate::scan;

impl Fields {
    /// The fields that are forwarded: all but the hop-by-hop ones and those that `Connection`
    /// names (RFC 9110 §7.6.1), and none that could not stand in a message.
    pub fn end_to_end(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        let named = self.get("Connection").is_some();
        self.iter().filter(move |(name, value)| {
            let concerns_one = is_hop_by_hop(name) || named && self.names_as_option(name);
            !concerns_one && self.may_be_written(name, value)
        })
    }

    /// Whether `Connection` names the field, and may.
    pub(crate) fn names_as_option(&self, name: &[u8]) -> bool {
        !CRITICAL.contains(name)
            && self
                .get_all("Connection")
                .flat_map(|value| value.split(|&b| b == b',').map(scan::trim))
                .any(|option| option.eq_ignore_ascii_case(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leaves_out_what_concerns_one_connection() {
        let mut fields = Fields::new();
        for (name, value) in [
            ("Host", "shop"),
            ("Connection", "X-Once, Host"),
            ("X-Once", "1"),
            ("Transfer-Encoding", "chunked"),
            ("TE", "trailers"),
            ("Content-Length", "3"),
        ] {
            fields.push(name.as_bytes(), value.as_bytes());
        }
        fields.push(b"X-Split", b"a\r\nX-B: 1");
        let names: Vec<&[u8]> = fields.end_to_end().map(|(name, _)| name).collect();
        assert_eq!(names, [b"Host".as_slice(), b"Content-Length"]);
    }
}
